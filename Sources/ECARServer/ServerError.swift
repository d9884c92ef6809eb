/// Why the server cannot start: one sentence for the person who started it.
package struct ServerError: Error, CustomStringConvertible, Equatable {
    package let message: String

    package var description: String { message }

    package init(_ message: String) {
        self.message = message
    }
}
