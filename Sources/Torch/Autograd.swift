import CTorch

/// The gradients of `outputs` with respect to `inputs`.
///
/// - Parameters:
///   - outputs: Tensors computed from `inputs`.
///   - seeds: The gradients of the outputs themselves, of their shapes; nil for scalars, whose gradient is 1.
///   - inputs: Tensors that require gradients. One that takes no part gets zeros.
///   - keepGraph: Whether the recorded computation is needed again.
/// - Returns: One tensor for each input, of its shape.
public func gradients(of outputs: [Tensor], seeds: [Tensor]? = nil, with inputs: [Tensor], keepGraph: Bool = false)
    throws(TorchError) -> [Tensor]
{
    if let seeds, seeds.count != outputs.count {
        throw TorchError("\(outputs.count) outputs have \(seeds.count) gradients")
    }
    var out = [ct_tensor?](repeating: nil, count: inputs.count)
    let status = Tensor.withHandles(outputs) { outputs in
        Tensor.withHandles(inputs) { inputs in
            guard let seeds else {
                return ct_gradients(outputs, nil, outputs.count, inputs, inputs.count, keepGraph, &out)
            }
            return Tensor.withHandles(seeds) { seeds in
                ct_gradients(outputs, seeds, outputs.count, inputs, inputs.count, keepGraph, &out)
            }
        }
    }
    try TorchError.check(status)
    return out.compactMap { $0.map(Tensor.init(owning:)) }
}

/// What `body` makes of `inputs`, without keeping the activations on the way: gradients compute it again (activation
/// checkpointing, arXiv 1604.06174).
///
/// - Parameters:
///   - inputs: At least one tensor; passed to `body`.
///   - parameters: All other tensors that `body` depends on and that gradients are wanted for.
///   - body: Gives the same result each time.
public func checkpointed(
    _ inputs: [Tensor], parameters: [Tensor], _ body: @escaping ([Tensor]) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    let context = Unmanaged.passRetained(CheckpointBody(body)).toOpaque()
    return try Tensor.withHandles(inputs) { (inputs) throws(TorchError) in
        try Tensor.withHandles(parameters) { (parameters) throws(TorchError) in
            try Tensor.make {
                ct_checkpoint(
                    CheckpointBody.call, context, CheckpointBody.release, inputs, inputs.count, parameters,
                    parameters.count, $0)
            }
        }
    }
}

/// A closure, as C knows it.
private final class CheckpointBody {
    private let body: ([Tensor]) throws(TorchError) -> Tensor

    init(_ body: @escaping ([Tensor]) throws(TorchError) -> Tensor) {
        self.body = body
    }

    static let call: ct_function = { context, handles, count, out in
        guard let context, let handles else { return 1 }
        let body = Unmanaged<CheckpointBody>.fromOpaque(context).takeUnretainedValue()
        let inputs = UnsafeBufferPointer(start: handles, count: count).compactMap { $0.map(Tensor.init(owning:)) }
        do throws(TorchError) {
            let result = try body.body(inputs)
            return withExtendedLifetime(result) { ct_tensor_share(result.handle, out) }
        } catch {
            ct_set_last_error(error.message)
            return 1
        }
    }

    static let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
        if let context { Unmanaged<CheckpointBody>.fromOpaque(context).release() }
    }
}
