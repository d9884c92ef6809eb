/// Multiply-accumulates and parameters of a transformer's parts.
enum Count {
    /// MACs of a token in the linear layers of a transformer block: query, key, value, output and MLP.
    static func block(_ d: Int) -> Double { projections(d) + mlp(d) }
    static func projections(_ d: Int) -> Double { 4 * Double(d) * Double(d) }
    static func mlp(_ d: Int) -> Double { 8 * Double(d) * Double(d) }

    /// MACs of the two products of attention.
    static func attention(queries: Int, keys: Int, width: Int) -> Double {
        2 * Double(queries) * Double(keys) * Double(width)
    }

    /// Parameters of a linear layer.
    static func linear(_ inputs: Int, _ outputs: Int) -> Int { (inputs + 1) * outputs }

    /// Parameters of a transformer block's linear layers.
    static func blockParameters(_ d: Int) -> Int {
        linear(d, 3 * d) + linear(d, d) + linear(d, 4 * d) + linear(4 * d, d)
    }
}
