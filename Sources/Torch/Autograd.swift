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
