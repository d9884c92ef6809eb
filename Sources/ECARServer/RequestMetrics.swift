import HTTPTypes
import Hummingbird
import Synchronization

/// How many requests there were, by address, method and answer.
///
/// Addresses are the patterns of those that the server has, and methods the usual ones, so that no client can make the
/// table grow.
final class RequestMetrics: Sendable {
    struct Key: Hashable, Comparable {
        let route: String
        let method: String
        let status: Int

        static func < (a: Key, b: Key) -> Bool {
            (a.route, a.method, a.status) < (b.route, b.method, b.status)
        }
    }

    private static let usual: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

    private let counts = Mutex<[Key: Int]>([:])

    func count(route: String, method: HTTPRequest.Method, status: HTTPResponse.Status) {
        let key = Key(route: route, method: Self.name(method), status: status.code)
        counts.withLock { $0[key, default: 0] += 1 }
    }

    /// All counts, in a fixed order.
    func all() -> [(key: Key, count: Int)] {
        counts.withLock { counts in counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    static func name(_ method: HTTPRequest.Method) -> String {
        usual.contains(method) ? method.rawValue : "other"
    }
}
