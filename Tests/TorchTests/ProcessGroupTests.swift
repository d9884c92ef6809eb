import Foundation
import Testing
import Torch

/// One after the other: libtorch asks the system for the name of every address that it connects to, and many questions
/// at once may be more than a name server answers.
@Suite(.serialized) struct ProcessGroupTests {
    typealias Environment = ProcessGroup.Environment

    /// What every member of a group makes of `body`: as many threads as there are processes stand in for them.
    private func members<Value: Sendable>(
        _ processes: Int, present: Int? = nil, timeout: Double = 30, environment: Environment? = nil,
        _ body: @escaping @Sendable (ProcessGroup) throws -> Value
    ) async -> [Result<Value, any Error>] {
        let common = environment ?? Environment(rank: 0, processes: processes, masterPort: .random(in: 20_000..<32_000))
        return await withTaskGroup { tasks in
            for rank in 0..<(present ?? processes) {
                tasks.addTask {
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread {
                            let result = Result {
                                var own = common
                                (own.rank, own.processes, own.localRank) = (rank, processes, rank)
                                return try body(ProcessGroup(own, device: .cpu, timeout: timeout))
                            }
                            continuation.resume(returning: (rank, result))
                        }
                    }
                }
            }
            var results: [Int: Result<Value, any Error>] = [:]
            for await (rank, result) in tasks { results[rank] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private func message<Value>(_ result: Result<Value, any Error>) -> String {
        switch result {
        case .success: "no error"
        case .failure(let error): (error as? TorchError)?.message ?? "not a TorchError: \(error)"
        }
    }

    // MARK: Environment

    static let launched = [
        "RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node7", "MASTER_PORT": "29500",
        "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2", "GLOO_SOCKET_IFNAME": "eth0",
    ]

    @Test func environmentOfTorchrun() throws {
        let expected = Environment(
            rank: 1, processes: 4, localRank: 1, masterAddress: "node7", masterPort: 29500, usesAgentStore: true,
            restarts: 2, interfaces: "eth0")
        #expect(try Environment.read(Self.launched) == expected)
    }

    @Test func environmentOfAPlainLauncher() throws {
        let set = ["RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "::1", "MASTER_PORT": "1", "LOCAL_RANK": ""]
        let found = try #require(try Environment.read(set))
        #expect(found == Environment(rank: 3, processes: 4, localRank: 3, masterAddress: "::1", masterPort: 1))
        #expect(!found.usesAgentStore && found.restarts == 0 && found.interfaces == nil)
    }

    @Test(arguments: [[:], ["WORLD_SIZE": "1"], ["WORLD_SIZE": "", "RANK": ""], ["MASTER_ADDR": "node7"]])
    func environmentOfNoLauncher(_ environment: [String: String]) throws {
        #expect(try Environment.read(environment) == nil)
    }

    @Test(arguments: [
        ("RANK", nil, "RANK is missing"), ("RANK", "4", "at most 3, not '4'"), ("RANK", "-1", "RANK"),
        ("RANK", "one", "RANK in the environment must be a whole number of at least 0 and at most 3, not 'one'"),
        ("WORLD_SIZE", nil, "WORLD_SIZE is missing"), ("WORLD_SIZE", "0", "at least 1, not '0'"),
        ("WORLD_SIZE", "9999999999999999999999", "WORLD_SIZE"), ("WORLD_SIZE", "1", "RANK"),
        ("MASTER_ADDR", nil, "MASTER_ADDR is missing"), ("MASTER_ADDR", "", "MASTER_ADDR is missing"),
        ("MASTER_PORT", nil, "MASTER_PORT is missing"), ("MASTER_PORT", "65536", "at most 65535, not '65536'"),
        ("MASTER_PORT", "0", "MASTER_PORT"), ("LOCAL_RANK", "x", "LOCAL_RANK"),
        ("TORCHELASTIC_RESTART_COUNT", "-2", "TORCHELASTIC_RESTART_COUNT"),
    ])
    func malformedEnvironment(_ name: String, _ value: String?, _ expected: String) {
        var environment = Self.launched
        environment[name] = value
        let error = #expect(throws: TorchError.self) { try Environment.read(environment) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }

    // MARK: Tensors and values

    /// Small and large ones, some in a bucket with others, some alone; not all contiguous or float32.
    private static func tensors(rank: Int) throws -> [Tensor] {
        let generator = try Generator(seed: UInt64(rank) + 1)
        let shapes = [[], [7], [0, 3], [2_200_000], [2_200_000], [3, 5]]
        let contiguous = try shapes.map { try Tensor.randn($0, generator: generator) }
        return try contiguous + [
            contiguous[5].transpose(0, 1), Tensor.randn([9], generator: generator).to(.bfloat16),
            Tensor.randn([2, 2], generator: generator).to(.float64),
        ]
    }

    @Test(arguments: 1...3) func sumsAreRightAndTheSameEverywhere(processes: Int) async throws {
        let results = await members(processes) { group in
            let tensors = try Self.tensors(rank: group.rank).map { try $0.clone() }
            // A view whose elements are out of order, of memory of its own.
            let view = try tensors[6].clone().transpose(0, 1)
            try group.sumInPlace(tensors + [view])
            return tensors + [view]
        }
        let expected = try (1..<processes).reduce(try Self.tensors(rank: 0)) { sum, rank in
            try zip(sum, Self.tensors(rank: rank)).map { try $0 + $1 }
        }
        let first = try #require(try results.first?.get())
        let all = try expected + [expected[6].transpose(0, 1)]
        for (index, (found, expected)) in zip(first, all).enumerated() {
            #expect(found.shape == expected.shape && found.dtype == expected.dtype)
            let tolerance: Float = found.dtype == .bfloat16 ? 0.05 : 1e-5
            let error = zip(try found.floats(), try expected.floats()).map { abs($0 - $1) }.max() ?? 0
            #expect(error <= tolerance, "tensor \(index)")
        }
        for other in results.dropFirst() {
            for (a, b) in zip(first, try other.get()) { #expect(try a.bytes() == b.bytes()) }
        }
    }

    @Test func broadcastCopiesAnyTypeFromRank0() async throws {
        let results = await members(3) { group in
            let own = group.rank == 0 ? 1.0 : 0.0
            var tensors = try DType.allCases.map { try Tensor.full([3], own, dtype: $0) }
            tensors.append(try Tensor.full([4_200_000], Double(group.rank)))
            tensors.append(try Tensor((1...6).map { Float($0) * Float(own) }, shape: [2, 3]).transpose(0, 1))
            tensors.append(try Tensor.full([], Double(group.rank)).requiringGradient())
            try group.broadcastInPlace(tensors)
            return try tensors.map { try $0.bytes() }
        }
        let first = try #require(try results.first?.get())
        #expect(first[0] == [1, 1, 1] && first[8].allSatisfy { $0 == 0 })
        for other in results { #expect(try other.get() == first) }
    }

    @Test func valuesAndBytes() async throws {
        let results = await members(3) { group in
            let sums = try group.sum([0.1, Double(group.rank), -1e300])
            let bytes = try group.broadcast(group.rank == 0 ? Array("seed".utf8) : nil)
            let none = try group.broadcast([])
            return (sums, String(decoding: bytes, as: UTF8.self), none, try group.sum([]))
        }
        for result in results {
            let (sums, text, none, empty) = try result.get()
            #expect(sums == [0.1 + 0.1 + 0.1, 3, -3e300] && text == "seed" && none.isEmpty && empty.isEmpty)
        }
    }

    @Test func nobodyPassesABarrierBeforeTheLast() async throws {
        let results = await members(3) { group in
            if group.rank == 1 { Thread.sleep(forTimeInterval: 0.2) }
            let arrival = Date()
            try group.barrier()
            return (arrival, Date())
        }
        let times = try results.map { try $0.get() }
        let last = try #require(times.map(\.0).max())
        #expect(times.allSatisfy { $0.1 >= last })
    }

    // MARK: Failures

    @Test func aPeerThatLeavesEndsTheCallsOfAllOthersAtOnce() async throws {
        let results = await members(3, timeout: 60) { group in
            try group.barrier()
            if group.rank == 2 { return Duration.zero }
            let tensor = try Tensor.zeros([10])
            let time = ContinuousClock().measure {
                let error = #expect(throws: TorchError.self) { try group.sumInPlace([tensor]) }
                #expect(error?.message.hasPrefix("a peer of rank \(group.rank) was lost, or did not") == true)
                #expect(error?.message.contains("\n") == false && error?.message.contains(".cc") == false)
                #expect(#expect(throws: TorchError.self) { try group.barrier() } == error)
            }
            return time
        }
        for result in results { #expect(try result.get() < .seconds(30)) }
    }

    @Test func aPeerThatIsSilentEndsTheCallsOfAllOthersInTime() async throws {
        let results = await members(3, timeout: 1.5) { group in
            if group.rank == 2 { return Thread.sleep(forTimeInterval: 3) }
            try group.barrier()
        }
        for result in results.prefix(2) {
            #expect(message(result).contains("was lost, or did not answer within 1.5 s"))
        }
    }

    @Test func differentTensorsAreAnError() async throws {
        let results = await members(2) { group in
            try group.sumInPlace([Tensor.zeros([group.rank == 0 ? 4 : 5])])
        }
        for result in results { #expect(message(result).contains("exchange different things")) }
    }

    @Test func differentCallsAreAnError() async throws {
        let results = await members(2) { group in
            let tensor = try Tensor.zeros([4])
            if group.rank == 0 { try group.sumInPlace([tensor]) } else { try group.broadcastInPlace([tensor]) }
        }
        for result in results { #expect(message(result).contains("exchange different things")) }
    }

    @Test func integersHaveNoSum() async throws {
        let results = await members(2) { try $0.sumInPlace([Tensor([1, 2])]) }
        for result in results { #expect(message(result).contains("floating-point")) }
    }

    @Test func bytesThatRank0DoesNotHave() async throws {
        let results = await members(2) { try $0.broadcast($0.rank == 0 ? nil : [1]) }
        for result in results { #expect(message(result).contains("rank 0 has no bytes")) }
    }

    @Test func absentPeersAreNamed() async throws {
        let results = await members(4, present: 2, timeout: 1.5) { $0.rank }
        #expect(message(results[0]) == "of 4 processes, these ranks did not join within 1.5 s: 2, 3")
        #expect(message(results[1]) != "no error")
    }

    @Test func aStoreThatIsNotThereIsAnError() async throws {
        let environment = Environment(
            rank: 0, processes: 1, masterPort: .random(in: 20_000..<32_000), usesAgentStore: true)
        let results = await members(1, timeout: 0.5, environment: environment) { $0.rank }
        let expected = "rank 0 found none of its peers at 127.0.0.1 port \(environment.masterPort) within 0.5 s"
        #expect(message(results[0]).hasPrefix(expected))
    }

    @Test func badTimeoutsAreErrors() async throws {
        for timeout in [0, -1, .nan, .infinity] {
            #expect(message((await members(1, timeout: timeout) { $0.rank })[0]).contains("the time to wait"))
        }
    }

    @Test(arguments: [(-1, 2, 29_500), (2, 2, 29_500), (0, 0, 29_500), (0, 1, 65_536), (0, 1 << 40, 29_500)])
    func placesThatCannotBeAreErrors(_ rank: Int, _ processes: Int, _ port: Int) {
        let environment = Environment(rank: rank, processes: processes, masterPort: port)
        let error = #expect(throws: TorchError.self) {
            try ProcessGroup(environment, device: .cpu, timeout: 1)
        }
        #expect(error?.message.hasPrefix("there is no rank \(rank) of \(processes) processes") == true)
    }

    // MARK: Stores

    /// A group that stays, and whose store others use as they would a launcher's.
    private func launcher() throws -> (ProcessGroup, Environment) {
        var environment = Environment(rank: 0, processes: 1, masterPort: .random(in: 20_000..<32_000))
        let group = try ProcessGroup(environment, device: .cpu, timeout: 30)
        environment.usesAgentStore = true
        return (group, environment)
    }

    @Test func restartsMeetAnewInTheLaunchersStore() async throws {
        var (group, environment) = try launcher()
        for restarts in 1...2 {
            environment.restarts = restarts
            let results = await members(2, environment: environment) { try $0.sum([1]) }
            for result in results { #expect(try result.get() == [2]) }
        }
        try group.barrier()
    }

    @Test func aRankThatIsTakenIsAnError() async throws {
        let (group, environment) = try launcher()
        let results = await members(2, present: 1, environment: environment) { $0.rank }
        #expect(message(results[0]) == "two processes have rank 0: RANK must differ among them")
        try group.barrier()
    }

    @Test func aPortThatIsTakenIsAnError() async throws {
        var (group, environment) = try launcher()
        environment.usesAgentStore = false
        let results = await members(1, environment: environment) { $0.rank }
        let place = "127.0.0.1 port \(environment.masterPort)"
        #expect(message(results[0]) == "rank 0 cannot receive its peers at \(place): address already in use")
        try group.barrier()
    }

    @Test func anInterfaceThatIsNotThereIsAnError() async throws {
        let environment = Environment(
            rank: 0, processes: 1, masterPort: .random(in: 20_000..<32_000), interfaces: "nosuch0")
        let results = await members(1, environment: environment) { $0.rank }
        #expect(message(results[0]).contains("the network interface 'nosuch0' cannot be used"))
    }
}
