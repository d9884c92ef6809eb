import CTorch

/// The processes that train together, under torchrun or any launcher that sets RANK, WORLD_SIZE, MASTER_ADDR and
/// MASTER_PORT.
///
/// All of them make the same calls in the same order, with tensors of the same number, shapes and types; where they do
/// not, all of them throw. Once a peer is lost the group is of no more use: every later call throws as well. A process
/// that is done lets go of the group.
public final class ProcessGroup: @unchecked Sendable {
    public let rank: Int
    public let processes: Int
    public let localRank: Int

    private let handle: ct_group

    /// Joins the group, over gloo and, for a CUDA device, NCCL.
    ///
    /// - Parameters:
    ///   - device: Where most tensors live; on the CPU they may live anyway.
    ///   - timeout: How long to wait for a peer, in seconds, here and in every other call.
    /// - Throws: ``TorchError`` where the peers did not all come in time, or cannot be connected.
    public init(_ environment: Environment, device: Device, timeout: Double) throws(TorchError) {
        guard timeout >= 0.1, timeout <= 1e9 else {
            throw TorchError("the time to wait for other processes must be at least 0.1 s, not \(timeout)")
        }
        guard let rank = Int32(exactly: environment.rank), let processes = Int32(exactly: environment.processes),
            let port = UInt16(exactly: environment.masterPort), 0 <= rank, rank < processes
        else {
            throw TorchError(
                "there is no rank \(environment.rank) of \(environment.processes) processes at port "
                    + "\(environment.masterPort)")
        }
        var out: ct_group?
        try TorchError.check(
            ct_group_join(
                environment.masterAddress, port, rank == 0 && !environment.usesAgentStore, environment.prefix,
                environment.isLocal ? environment.masterAddress : nil, environment.interfaces, rank, processes,
                device.handle, timeout, &out))
        guard let out else { throw TorchError("libtorch returned no process group") }
        handle = out
        (self.rank, self.processes) = (environment.rank, environment.processes)
        localRank = environment.localRank
    }

    deinit {
        ct_group_leave(handle)
    }

    // MARK: Tensors

    /// Replaces the elements of every floating-point tensor by their sum over all processes: the same bits in each.
    /// Adds in float32, or in float64 where the tensor is of that type.
    public func sumInPlace(_ tensors: [Tensor]) throws(TorchError) {
        try TorchError.check(Tensor.withHandles(tensors) { ct_group_sum(handle, $0, $0.count) })
    }

    /// Replaces the elements of every tensor by those of rank 0.
    public func broadcastInPlace(_ tensors: [Tensor]) throws(TorchError) {
        try TorchError.check(Tensor.withHandles(tensors) { ct_group_broadcast(handle, $0, $0.count) })
    }

    // MARK: Values

    /// The sums of each value over all processes.
    public func sum(_ values: [Double]) throws(TorchError) -> [Double] {
        let tensor = try Tensor(bytes: values, shape: [values.count], dtype: .float64)
        try sumInPlace([tensor])
        return try tensor.doubles()
    }

    /// The bytes that rank 0 passes; what others pass is of no account.
    ///
    /// - Throws: ``TorchError``, in every process, where rank 0 passes nil.
    public func broadcast(_ bytes: [UInt8]?) throws(TorchError) -> [UInt8] {
        let length = try sum([rank == 0 ? bytes.map { Double($0.count) } ?? -1 : 0])[0]
        guard let count = Int(exactly: length), count >= 0 else { throw TorchError("rank 0 has no bytes to share") }
        let tensor =
            try rank == 0
            ? Tensor(bytes: bytes ?? [], shape: [count], dtype: .uint8) : Tensor.zeros([count], dtype: .uint8)
        try broadcastInPlace([tensor])
        return try tensor.bytes()
    }

    /// Returns when all processes have come here.
    public func barrier() throws(TorchError) {
        try TorchError.check(ct_group_barrier(handle))
    }
}
