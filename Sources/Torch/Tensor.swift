import CTorch

/// An n-dimensional array of libtorch, owned by reference counting.
///
/// Operations make new tensors (or views of the same storage) and throw ``TorchError``. Only methods whose name ends in
/// `InPlace` change a tensor, and ``modulatedNorm(_:shift:scale:epsilon:as:adding:)`` where it adds; they are for tensors that
/// their caller has made and shares with nobody, so that all others may be shared between threads.
public final class Tensor: @unchecked Sendable {
    let handle: ct_tensor

    init(owning handle: ct_tensor) {
        self.handle = handle
    }

    deinit {
        ct_tensor_free(handle)
    }

    // MARK: Making

    /// A float32 tensor of the given values, row-major.
    ///
    /// - Throws: ``TorchError`` where the number of values is not that of the shape.
    public convenience init(_ values: [Float], shape: [Int], device: Device = .cpu) throws(TorchError) {
        try self.init(bytes: values, shape: shape, dtype: .float32, device: device)
    }

    /// An int64 tensor of the given values, of shape (count).
    public convenience init(_ values: [Int], device: Device = .cpu) throws(TorchError) {
        try self.init(bytes: values.map(Int64.init), shape: [values.count], dtype: .int64, device: device)
    }

    /// A tensor over a copy of the memory of `values`, read row-major as elements of `dtype`.
    ///
    /// - Throws: ``TorchError`` where the size of that memory is not that of the shape.
    public convenience init<Element>(bytes values: [Element], shape: [Int], dtype: DType, device: Device = .cpu)
        throws(TorchError)
    {
        // A typed throw cannot leave `withUnsafeBytes` yet, so the outcome is carried out as a value.
        let made = values.withUnsafeBytes { buffer in
            Result { () throws(TorchError) in
                try Tensor.copy(buffer, shape: shape, dtype: dtype, device: device)
            }
        }
        self.init(owning: try made.get())
    }

    /// A tensor over a copy of `buffer`, read row-major as elements of `dtype`.
    public convenience init(copying buffer: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device = .cpu)
        throws(TorchError)
    {
        self.init(owning: try Tensor.copy(buffer, shape: shape, dtype: dtype, device: device))
    }

    private static func copy(_ buffer: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device)
        throws(TorchError) -> ct_tensor
    {
        guard let count = elementCount(shape), count.multipliedReportingOverflow(by: dtype.byteCount).overflow == false,
            count * dtype.byteCount == buffer.count
        else {
            throw TorchError("\(buffer.count) bytes do not make a tensor of shape \(shape) of \(dtype)")
        }
        let sizes = shape.map(Int64.init)
        var out: ct_tensor?
        try TorchError.check(
            ct_tensor_from_data(buffer.baseAddress, sizes, sizes.count, dtype.code, device.handle, &out))
        guard let out else { throw TorchError("libtorch returned no tensor") }
        return out
    }

    /// The number of elements of a shape, or nil where it is negative or does not fit in an Int.
    static func elementCount(_ shape: [Int]) -> Int? {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        let sizes = shape.map(Int64.init)
        return try make { ct_tensor_full(sizes, sizes.count, value, dtype.code, device.handle, $0) }
    }

    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        try full(shape, 0, dtype: dtype, device: device)
    }

    /// Zeros of this tensor's shape, type and device.
    public func zerosLike() throws(TorchError) -> Tensor {
        try .zeros(shape, dtype: dtype, device: device)
    }

    // MARK: Looking

    public var shape: [Int] {
        (0..<ct_tensor_rank(handle)).map { Int(ct_tensor_size(handle, $0)) }
    }

    public var count: Int { shape.reduce(1, *) }

    public var dtype: DType { DType(code: ct_tensor_dtype(handle)) ?? .float32 }

    public var device: Device { Device(handle: ct_tensor_device(handle)) }

    /// The value of a tensor of one element.
    public func item() throws(TorchError) -> Double {
        var value = 0.0
        try TorchError.check(ct_tensor_item(handle, &value))
        return value
    }

    /// The elements, row-major, converted to Float.
    public func floats() throws(TorchError) -> [Float] {
        try to(.float32).elements(zero: Float(0))
    }

    /// The elements, row-major, converted to Double.
    public func doubles() throws(TorchError) -> [Double] {
        try to(.float64).elements(zero: Double(0))
    }

    /// The elements, row-major, converted to Int.
    public func integers() throws(TorchError) -> [Int] {
        try to(.int64).elements(zero: Int64(0)).map(Int.init)
    }

    /// The memory of the elements, row-major, in the tensor's own type.
    public func bytes() throws(TorchError) -> [UInt8] {
        try elements(zero: UInt8(0), count: count * dtype.byteCount)
    }

    private func elements<Element>(zero: Element, count: Int? = nil) throws(TorchError) -> [Element] {
        var values = [Element](repeating: zero, count: count ?? self.count)
        let status = values.withUnsafeMutableBytes { ct_tensor_copy_out(handle, $0.baseAddress, $0.count) }
        try TorchError.check(status)
        return values
    }

    /// Whether no element is NaN or infinite.
    public func isFinite() throws(TorchError) -> Bool {
        var finite = false
        try TorchError.check(ct_all_finite(handle, &finite))
        return finite
    }

    // MARK: Converting and copying

    public func to(_ dtype: DType) throws(TorchError) -> Tensor {
        try to(dtype, device)
    }

    public func to(_ device: Device) throws(TorchError) -> Tensor {
        try to(dtype, device)
    }

    /// The tensor in another type and place; itself, sharing storage, where nothing changes.
    public func to(_ dtype: DType, _ device: Device) throws(TorchError) -> Tensor {
        try map { ct_tensor_to($0, dtype.code, device.handle, $1) }
    }

    /// A contiguous copy.
    public func clone() throws(TorchError) -> Tensor {
        try map { ct_tensor_clone($0, $1) }
    }

    /// The same values, taken as constants by gradients.
    public func detach() throws(TorchError) -> Tensor {
        try map { ct_tensor_detach($0, $1) }
    }

    /// The same values as a new leaf that gradients can be taken with respect to.
    public func leaf() throws(TorchError) -> Tensor {
        try detach().requiringGradient()
    }

    /// Marks this tensor as one that gradients are taken with respect to, and returns it.
    public func requiringGradient(_ required: Bool = true) throws(TorchError) -> Tensor {
        try TorchError.check(ct_tensor_require_gradient(handle, required))
        return self
    }

    /// Overwrites the elements with those of a tensor of the same shape.
    public func copyInPlace(_ source: Tensor) throws(TorchError) {
        try withExtendedLifetime(source) { () throws(TorchError) in
            try TorchError.check(ct_tensor_copy_in_place(handle, source.handle))
        }
    }
}

// MARK: - Calling C

extension Tensor {
    typealias Out = UnsafeMutablePointer<ct_tensor?>

    /// The tensor that a C call hands out.
    @inline(__always)
    static func make(_ call: (Out) -> Int32) throws(TorchError) -> Tensor {
        var out: ct_tensor?
        try TorchError.check(call(&out))
        guard let out else { throw TorchError("libtorch returned no tensor") }
        return Tensor(owning: out)
    }

    /// The tensor that a C call makes of this one, which outlives the call.
    @inline(__always)
    func map(_ call: (ct_tensor, Out) -> Int32) throws(TorchError) -> Tensor {
        let result = Result { () throws(TorchError) in try Tensor.make { call(handle, $0) } }
        return try withExtendedLifetime(self) { () throws(TorchError) in try result.get() }
    }

    /// The tensor that a C call makes of this one and another; both outlive the call.
    @inline(__always)
    func map(_ other: Tensor, _ call: (ct_tensor, ct_tensor, Out) -> Int32) throws(TorchError) -> Tensor {
        try withExtendedLifetime(other) { () throws(TorchError) in
            try map { call($0, other.handle, $1) }
        }
    }

    /// The two tensors that a C call makes of this one, which outlives the call.
    func pair(_ call: (ct_tensor, Out, Out) -> Int32) throws(TorchError) -> (Tensor, Tensor) {
        var second: ct_tensor?
        let first = try map { call($0, $1, &second) }
        guard let second else { throw TorchError("libtorch returned one tensor instead of two") }
        return (first, Tensor(owning: second))
    }

    /// The tensors' handles, for the time of `body`.
    static func withHandles<Value, Failure: Error>(
        _ tensors: [Tensor], _ body: ([ct_tensor?]) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withExtendedLifetime(tensors) { () throws(Failure) in try body(tensors.map(\.handle)) }
    }
}
