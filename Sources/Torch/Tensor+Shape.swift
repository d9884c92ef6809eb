import CTorch

extension Tensor {
    /// The same elements in another shape; one size may be −1 and is then inferred.
    public func reshape(_ shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try map { ct_reshape($0, sizes, sizes.count, $1) }
    }

    /// A view in which dimensions of size 1 are repeated to the given shape.
    public func expand(_ shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try map { ct_expand($0, sizes, sizes.count, $1) }
    }

    public func permute(_ order: [Int]) throws(TorchError) -> Tensor {
        let order = order.map(Int64.init)
        return try map { ct_permute($0, order, order.count, $1) }
    }

    public func transpose(_ first: Int, _ second: Int) throws(TorchError) -> Tensor {
        try map { ct_transpose($0, Int64(first), Int64(second), $1) }
    }

    /// The `length` entries of a dimension that begin at `start`, as a view.
    public func narrow(_ dimension: Int, start: Int, length: Int) throws(TorchError) -> Tensor {
        try map { ct_narrow($0, Int64(dimension), Int64(start), Int64(length), $1) }
    }

    /// Views of consecutive runs of a dimension, of the given lengths, which add up to its size.
    public func split(_ dimension: Int, lengths: [Int]) throws(TorchError) -> [Tensor] {
        let sizes = lengths.map(Int64.init)
        return try parts(lengths.count) { ct_split($0, Int64(dimension), sizes, sizes.count, $1) }
    }

    /// Views of the `count` entries of a dimension, which disappears from their shape.
    public func unbind(_ dimension: Int, count: Int) throws(TorchError) -> [Tensor] {
        try parts(count) { ct_unbind($0, Int64(dimension), count, $1) }
    }

    private func parts(_ count: Int, _ call: (ct_tensor, Out) -> Int32) throws(TorchError) -> [Tensor] {
        var out = [ct_tensor?](repeating: nil, count: count)
        let status = withExtendedLifetime(self) {
            out.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { call(handle, $0) } ?? 0 }
        }
        try TorchError.check(status)
        return out.compactMap { $0.map(Tensor.init(owning:)) }
    }

    /// A new dimension of size 1 before the given one.
    public func unsqueeze(_ dimension: Int) throws(TorchError) -> Tensor {
        try map { ct_unsqueeze($0, Int64(dimension), $1) }
    }

    public func flip(_ dimension: Int) throws(TorchError) -> Tensor {
        try map { ct_flip($0, Int64(dimension), $1) }
    }

    /// The entries of a dimension named by `indices`, an int64 tensor of one dimension.
    public func gather(_ dimension: Int, _ indices: Tensor) throws(TorchError) -> Tensor {
        try map(indices) { ct_index_select($0, Int64(dimension), $1, $2) }
    }

    public static func cat(_ tensors: [Tensor], _ dimension: Int) throws(TorchError) -> Tensor {
        try withHandles(tensors) { (handles) throws(TorchError) in
            try make { ct_cat(handles, handles.count, Int64(dimension), $0) }
        }
    }

    public static func stack(_ tensors: [Tensor], _ dimension: Int = 0) throws(TorchError) -> Tensor {
        try withHandles(tensors) { (handles) throws(TorchError) in
            try make { ct_stack(handles, handles.count, Int64(dimension), $0) }
        }
    }
}
