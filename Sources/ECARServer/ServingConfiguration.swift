import Foundation

/// Where a server listens, to whom, and how patient it is.
package struct ServingConfiguration: Sendable {
    /// "127.0.0.1", "localhost", "0.0.0.0", …
    package let host: String
    /// 0: any that is free.
    package let port: Int
    package let authentication: Authentication
    /// How long running jobs may go on when the server is asked to stop.
    package let grace: Duration
    /// Connections at once; more wait.
    package var connections = 512
    /// How long a connection may be silent between requests or within one, or take nothing of an answer.
    package var idleTimeout = Duration.seconds(30)
    /// How long a request's body may take.
    package var bodyTimeout = Duration.seconds(10)
    /// How often an event stream on which nothing happens says that it is still there.
    package var heartbeat = Duration.seconds(10)
    /// How long a job goes on when the last who watched it has left.
    package var unwatched = Duration.seconds(3)

    /// - Parameter isOpenOnPurpose: Whether everybody may use a server that others than this machine can reach.
    /// - Throws: ``ServerError`` where others can reach it and it is not said who may.
    package init(
        host: String = "127.0.0.1", port: Int = 8080, authentication: Authentication = .none,
        isOpenOnPurpose: Bool = false, grace: Duration = .seconds(10)
    ) throws(ServerError) {
        (self.host, self.port, self.authentication, self.grace) = (host, port, authentication, grace)
        guard isLoopback || authentication.isRequired || isOpenOnPurpose else {
            throw ServerError(
                "--host \(host): others can reach this address; give --api-key-file, or --no-auth to let everybody in")
        }
        guard !(authentication.isRequired && isOpenOnPurpose) else {
            throw ServerError("--no-auth and --api-key-file contradict each other; give one of them")
        }
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        return isIPv4 || host == "::1" || host.lowercased() == "localhost"
    }

    /// The names that it answers to; nil: all. A key protects from other sites' pages as well; who left the server open to
    /// everybody has nothing to protect.
    var answeredHosts: Set<String>? {
        isLoopback && !authentication.isRequired ? ["localhost", "127.0.0.1", "::1", host.lowercased()] : nil
    }

    /// "127.0.0.1:8080", as in a URL.
    package func address(port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
