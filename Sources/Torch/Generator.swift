import CTorch

/// A stream of random numbers on the CPU (libtorch's Mersenne Twister), the same on every machine for the same seed.
///
/// The twister keeps the low 32 bits of its seed, so derive seeds with ``seed(_:)``, which spreads all bits.
public final class Generator: @unchecked Sendable {
    let handle: ct_generator

    public init(seed: UInt64) throws(TorchError) {
        var out: ct_generator?
        try TorchError.check(ct_generator_new(seed, &out))
        guard let out else { throw TorchError("libtorch returned no generator") }
        handle = out
    }

    deinit {
        ct_generator_free(handle)
    }

    /// One seed hashed from several numbers, their order included: SplitMix64's finaliser over a running state.
    /// Seeds are never added, so neighbouring (seed, stage) pairs share no stream.
    public static func seed(_ parts: UInt64...) -> UInt64 {
        parts.reduce(0x9E37_79B9_7F4A_7C15) { state, part in
            var z = (state ^ part) &+ 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}

extension Tensor {
    /// Independent draws from N(0, 1), in float32 on the CPU.
    public static func randn(_ shape: [Int], generator: Generator) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try withExtendedLifetime(generator) { () throws(TorchError) in
            try make { ct_randn(sizes, sizes.count, generator.handle, $0) }
        }
    }

    /// Independent draws from [0, 1), in float32 on the CPU.
    public static func rand(_ shape: [Int], generator: Generator) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try withExtendedLifetime(generator) { () throws(TorchError) in
            try make { ct_rand(sizes, sizes.count, generator.handle, $0) }
        }
    }
}
