import CTorch

// MARK: - Operators

extension Tensor {
    public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try a.map(b) { ct_add($0, $1, $2) } }
    public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try a.map(b) { ct_sub($0, $1, $2) } }
    public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try a.map(b) { ct_mul($0, $1, $2) } }
    public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try a.map(b) { ct_div($0, $1, $2) } }

    public static func + (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a.map { ct_add_scalar($0, b, $1) } }
    public static func - (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a + (-b) }
    public static func * (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a.map { ct_mul_scalar($0, b, $1) } }
    public static func * (a: Double, b: Tensor) throws(TorchError) -> Tensor { try b * a }
    public static func / (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a * (1 / b) }

    /// self + b·c, in one pass over memory.
    public func addingProduct(_ b: Tensor, _ c: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime(c) { () throws(TorchError) in
            try map(b) { ct_addcmul($0, $1, c.handle, $2) }
        }
    }

    /// (1 − weight)·self + weight·end.
    public func lerp(to end: Tensor, weight: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime(weight) { () throws(TorchError) in
            try map(end) { ct_lerp($0, $1, weight.handle, $2) }
        }
    }
}

// MARK: - Functions of one tensor

extension Tensor {
    public func exp() throws(TorchError) -> Tensor { try map { ct_exp($0, $1) } }
    public func square() throws(TorchError) -> Tensor { try map { ct_square($0, $1) } }
    public func sin() throws(TorchError) -> Tensor { try map { ct_sin($0, $1) } }
    public func cos() throws(TorchError) -> Tensor { try map { ct_cos($0, $1) } }
    public func abs() throws(TorchError) -> Tensor { try map { ct_abs($0, $1) } }
    public func sigmoid() throws(TorchError) -> Tensor { try map { ct_sigmoid($0, $1) } }
    public func silu() throws(TorchError) -> Tensor { try map { ct_silu($0, $1) } }

    public func relu() throws(TorchError) -> Tensor { try map { ct_relu($0, $1) } }
    public func tanh() throws(TorchError) -> Tensor { try map { ct_tanh($0, $1) } }

    /// GELU in its tanh approximation.
    public func gelu() throws(TorchError) -> Tensor { try map { ct_gelu($0, $1) } }

    public func sqrt() throws(TorchError) -> Tensor { try map { ct_sqrt($0, $1) } }
    public func log() throws(TorchError) -> Tensor { try map { ct_log($0, $1) } }

    /// 1 where self ≤ other, else 0, in self's type.
    public func isAtMost(_ other: Tensor) throws(TorchError) -> Tensor { try map(other) { ct_at_most($0, $1, $2) } }

    public func clamp(_ range: ClosedRange<Double>) throws(TorchError) -> Tensor {
        try map { ct_clamp($0, range.lowerBound, range.upperBound, $1) }
    }

    /// The sum of all elements, of shape ().
    public func sum() throws(TorchError) -> Tensor { try map { ct_sum($0, $1) } }

    /// The mean of all elements, of shape ().
    public func mean() throws(TorchError) -> Tensor { try map { ct_mean($0, $1) } }

    /// The largest element, of shape ().
    public func max() throws(TorchError) -> Tensor { try map { ct_maximum($0, $1) } }
}

// MARK: - Along one dimension

extension Tensor {
    /// The sum along a dimension, which disappears, or stays with size 1.
    public func sum(_ dimension: Int, keeping: Bool = false) throws(TorchError) -> Tensor {
        try map { ct_sum_along($0, Int64(dimension), keeping, $1) }
    }

    public func mean(_ dimension: Int, keeping: Bool = false) throws(TorchError) -> Tensor {
        try map { ct_mean_along($0, Int64(dimension), keeping, $1) }
    }

    public func max(_ dimension: Int, keeping: Bool = false) throws(TorchError) -> Tensor {
        try map { ct_maximum_along($0, Int64(dimension), keeping, $1) }
    }

    public func softmax(_ dimension: Int) throws(TorchError) -> Tensor {
        try map { ct_softmax($0, Int64(dimension), $1) }
    }

    /// The `count` largest entries of the last dimension, largest first, and their int64 indices.
    public func largest(_ count: Int) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try pair { ct_extremes($0, Int64(count), true, $1, $2) }
    }

    /// The `count` smallest entries of the last dimension, smallest first, and their int64 indices.
    public func smallest(_ count: Int) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        try pair { ct_extremes($0, Int64(count), false, $1, $2) }
    }
}

// MARK: - Linear algebra

extension Tensor {
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor { try map(other) { ct_matmul($0, $1, $2) } }

    /// The eigenvalues (n), ascending, and the eigenvectors (n, n), as columns, of a symmetric matrix (n, n).
    public func symmetricEigen() throws(TorchError) -> (values: Tensor, vectors: Tensor) {
        try pair { ct_symmetric_eigen($0, $1, $2) }
    }
}

// MARK: - Neural networks

extension Tensor {
    /// self (…, in) × weight (out, in)ᵀ + bias (out).
    public func linear(weight: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
        try withExtendedLifetime(bias) { () throws(TorchError) in
            try map(weight) { ct_linear($0, $1, bias?.handle, $2) }
        }
    }

    /// Normalises the last dimension to mean 0 and variance 1, then scales and shifts it where given.
    public func layerNorm(weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double) throws(TorchError) -> Tensor {
        try withExtendedLifetime((weight, bias)) { () throws(TorchError) in
            try map { ct_layer_norm($0, weight?.handle, bias?.handle, epsilon, $1) }
        }
    }

    /// LayerNorm(self)·(1 + scale) + shift over the last dimension, in the type of shift and scale, in one pass over memory
    /// forwards and one backwards.
    public func modulatedNorm(shift: Tensor, scale: Tensor, epsilon: Double) throws(TorchError) -> Tensor {
        try withExtendedLifetime((shift, scale)) { () throws(TorchError) in
            try map { ct_modulated_norm($0, shift.handle, scale.handle, epsilon, $1) }
        }
    }

    /// self + gate·branch, in one pass over memory forwards and one backwards.
    public func adding(_ branch: Tensor, gate: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime((gate, branch)) { () throws(TorchError) in
            try map { ct_plus_gated($0, gate.handle, branch.handle, $1) }
        }
    }

    /// softmax(self · keyᵀ / √d) · value, for self (B, H, N, d) and key, value (B, H, M, d).
    public func attention(key: Tensor, value: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime(value) { () throws(TorchError) in
            try map(key) { ct_attention($0, $1, value.handle, $2) }
        }
    }

    /// The mean over a batch of −Σ target·log softmax(self), for logits (B, K) and int64 classes (B): the target is one-hot,
    /// mixed with `smoothing` of the uniform distribution (label smoothing, arXiv 1512.00567 §7).
    public func crossEntropy(_ classes: Tensor, smoothing: Double = 0) throws(TorchError) -> Tensor {
        try map(classes) { ct_cross_entropy($0, $1, smoothing, $2) }
    }

    /// self (B, C, h, w) cross-correlated with weight (O, C, kh, kw), plus bias (O).
    ///
    /// - Parameter padding: Zeros above and below, and left and right.
    public func conv2d(weight: Tensor, bias: Tensor?, stride: Int = 1, padding: (rows: Int, columns: Int) = (0, 0))
        throws(TorchError) -> Tensor
    {
        try withExtendedLifetime(bias) { () throws(TorchError) in
            try map(weight) {
                ct_conv2d($0, $1, bias?.handle, Int64(stride), Int64(padding.rows), Int64(padding.columns), $2)
            }
        }
    }

    /// Normalises groups of channels of (B, C, h, w) to mean 0 and variance 1, then scales and shifts every channel.
    public func groupNorm(groups: Int, weight: Tensor, bias: Tensor, epsilon: Double) throws(TorchError) -> Tensor {
        try withExtendedLifetime((weight, bias)) { () throws(TorchError) in
            try map { ct_group_norm($0, Int64(groups), weight.handle, bias.handle, epsilon, $1) }
        }
    }

    /// All windows of kernel×kernel of (B, C, h, w), with zeros outside: (B, C·kernel², windows), row-major.
    public func unfolded(_ kernel: Int, stride: Int, padding: Int = 0) throws(TorchError) -> Tensor {
        try map { ct_unfold($0, Int64(kernel), Int64(stride), Int64(padding), $1) }
    }

    /// Zeros around the last dimensions: before and after the last one, then before and after the one before it.
    public func padded(_ amounts: [Int]) throws(TorchError) -> Tensor {
        let amounts = amounts.map(Int64.init)
        return try map { ct_pad($0, amounts, amounts.count, $1) }
    }

    /// The mean over windows of kernel×kernel of (B, C, h, w); what lies outside does not count.
    public func meanPooled(_ kernel: Int, stride: Int, padding: Int = 0) throws(TorchError) -> Tensor {
        try map { ct_mean_pool($0, Int64(kernel), Int64(stride), Int64(padding), $1) }
    }

    /// The maximum over windows of kernel×kernel of (B, C, h, w).
    public func maxPooled(_ kernel: Int, stride: Int, padding: Int = 0) throws(TorchError) -> Tensor {
        try map { ct_maximum_pool($0, Int64(kernel), Int64(stride), Int64(padding), $1) }
    }

    /// The same (B, C, h, w) with channels innermost in memory: convolutions on CPUs are then twice as fast.
    public func channelsLast() throws(TorchError) -> Tensor { try map { ct_channels_last($0, $1) } }

    /// Nearest-neighbour enlargement: (B, C, h, w) → (B, C, 2h, 2w).
    public func upsampled2x2() throws(TorchError) -> Tensor { try map { ct_upsample_2x2($0, $1) } }
}
