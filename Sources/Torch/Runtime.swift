import CTorch

/// What belongs to the process or to the current thread rather than to a tensor.
public enum Runtime {
    /// libtorch's version.
    public static var version: String { String(cString: ct_version()) }

    /// How many threads an operation may use on the CPU.
    public static var threads: Int { Int(ct_threads()) }

    public static func setThreads(_ count: Int) throws(TorchError) {
        guard count > 0 else { throw TorchError("the number of threads must be at least 1, not \(count)") }
        try TorchError.check(ct_set_threads(Int32(clamping: count)))
    }

    /// Keeps freed memory for the next tensor instead of giving it back to the system, where the C library can. Loops that
    /// make and free the same large tensors otherwise lose much of their time to page faults.
    public static func keepFreedMemory() {
        ct_keep_freed_memory()
    }

    /// Lets float32 matrix products on CUDA round their inputs to TF32.
    public static func allowTF32(_ allowed: Bool = true) throws(TorchError) {
        try TorchError.check(ct_allow_tf32(allowed))
    }

    // MARK: Modes of the current thread; never held across an `await`

    /// Lets fused operations use vectors of at most so many bits (512, 256 or 128), so that tests see every version of them.
    ///
    /// - Returns: What they use now: no more than the processor has.
    @discardableResult
    package static func limitVectors(to bits: Int) -> Int { Int(ct_limit_vectors(Int32(clamping: bits))) }

    /// Runs `body` without recording gradients.
    public static func withoutGradients<Value>(_ body: () throws -> Value) throws -> Value {
        try with(mode: Int32(CT_NO_GRAD), body: body)
    }

    /// Runs `body` in inference mode: faster than ``withoutGradients(_:)``, but what it makes can never take part in
    /// gradients.
    public static func inference<Value>(_ body: () throws -> Value) throws -> Value {
        try with(mode: Int32(CT_INFERENCE), body: body)
    }

    /// Runs `body` with matrix products in the given type, as torch.autocast does.
    public static func autocast<Value>(_ dtype: DType, on device: Device, _ body: () throws -> Value) throws -> Value {
        try with(mode: Int32(CT_AUTOCAST), device: device.handle.kind, dtype: dtype.code, body: body)
    }

    private static func with<Value>(mode: Int32, device: Int32 = 0, dtype: Int32 = 0, body: () throws -> Value) throws
        -> Value
    {
        var guardHandle: ct_guard?
        try TorchError.check(ct_guard_begin(mode, device, dtype, &guardHandle))
        defer { ct_guard_end(guardHandle) }
        return try body()
    }
}
