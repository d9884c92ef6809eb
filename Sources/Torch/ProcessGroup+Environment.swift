extension ProcessGroup {
    /// A process's place among others, and where they meet.
    public struct Environment: Sendable, Equatable {
        /// This process's number, from 0.
        public var rank: Int
        /// How many processes there are.
        public var processes: Int
        /// This process's number on its machine.
        public var localRank: Int
        public var masterAddress: String
        public var masterPort: Int
        /// Whether the launcher provides the store where the processes meet; otherwise rank 0 does.
        public var usesAgentStore: Bool
        /// How often the launcher has started the processes anew.
        public var restarts: Int
        /// The network interfaces to use, with commas between them; nil: that of the host's name.
        public var interfaces: String?

        public init(
            rank: Int, processes: Int, localRank: Int? = nil, masterAddress: String = "127.0.0.1", masterPort: Int,
            usesAgentStore: Bool = false, restarts: Int = 0, interfaces: String? = nil
        ) {
            (self.rank, self.processes, self.localRank) = (rank, processes, localRank ?? rank)
            (self.masterAddress, self.masterPort) = (masterAddress, masterPort)
            (self.usesAgentStore, self.restarts, self.interfaces) = (usesAgentStore, restarts, interfaces)
        }

        /// Reads what a launcher set, under torchrun's names: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT; LOCAL_RANK
        /// (else RANK), TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT and GLOO_SOCKET_IFNAME may be absent.
        ///
        /// - Returns: nil where there is no launcher: no RANK, and WORLD_SIZE absent or 1.
        /// - Throws: ``TorchError`` that names the variable that is missing or makes no sense.
        public static func read(_ environment: [String: String]) throws(TorchError) -> Environment? {
            let set = environment.filter { !$0.value.isEmpty }
            if set["RANK"] == nil, set["WORLD_SIZE"] == nil || set["WORLD_SIZE"] == "1" { return nil }

            func text(_ name: String) throws(TorchError) -> String {
                guard let value = set[name] else {
                    throw TorchError("\(name) is missing in the environment, though it tells of other processes")
                }
                return value
            }
            func number(_ name: String, _ range: ClosedRange<Int>) throws(TorchError) -> Int {
                let value = try text(name)
                guard let number = Int(value), range.contains(number) else {
                    let most = range.upperBound == Int(Int32.max) ? "" : " and at most \(range.upperBound)"
                    throw TorchError(
                        "\(name) in the environment must be a whole number of at least \(range.lowerBound)\(most), "
                            + "not '\(value)'")
                }
                return number
            }

            let any = 0...Int(Int32.max)
            let processes = try number("WORLD_SIZE", 1...Int(Int32.max))
            return Environment(
                rank: try number("RANK", 0...(processes - 1)), processes: processes,
                localRank: set["LOCAL_RANK"] == nil ? nil : try number("LOCAL_RANK", any),
                masterAddress: try text("MASTER_ADDR"), masterPort: try number("MASTER_PORT", 1...65535),
                usesAgentStore: set["TORCHELASTIC_USE_AGENT_STORE"] == "True",
                restarts: set["TORCHELASTIC_RESTART_COUNT"] == nil ? 0 : try number("TORCHELASTIC_RESTART_COUNT", any),
                interfaces: set["GLOO_SOCKET_IFNAME"])
        }

        /// Whether all processes are on this machine, so that they need no network to be set up.
        var isLocal: Bool {
            masterAddress == "localhost" || masterAddress == "::1" || masterAddress.hasPrefix("127.")
        }

        /// What the names of all keys in the store begin with, as PyTorch has it: a launcher's store outlives restarts.
        var prefix: String { "/worker/attempt_\(restarts)" }
    }
}
