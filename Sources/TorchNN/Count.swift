/// Multiply-accumulates (MACs) of matrix products and parameters of a transformer's parts.
package enum Count {
    /// MACs of a token in the linear layers of a transformer block: query, key, value, output and MLP.
    package static func block(_ d: Int) -> Double { projections(d) + mlp(d) }
    package static func projections(_ d: Int) -> Double { 4 * Double(d) * Double(d) }
    package static func mlp(_ d: Int) -> Double { 8 * Double(d) * Double(d) }

    /// MACs of the two products of attention.
    package static func attention(queries: Int, keys: Int, width: Int) -> Double {
        2 * Double(queries) * Double(keys) * Double(width)
    }

    /// MACs of the embedding of a time.
    package static func timestepEmbedding(_ d: Int) -> Double { Double((TimestepEmbedding.features + d) * d) }
    package static func timestepEmbeddingParameters(_ d: Int) -> Int {
        linear(TimestepEmbedding.features, d) + linear(d, d)
    }

    /// Parameters of a linear layer.
    package static func linear(_ inputs: Int, _ outputs: Int) -> Int { (inputs + 1) * outputs }

    package static func mlpParameters(_ d: Int) -> Int { linear(d, 4 * d) + linear(4 * d, d) }

    /// Parameters of a transformer block's linear layers.
    package static func blockParameters(_ d: Int) -> Int { linear(d, 3 * d) + linear(d, d) + mlpParameters(d) }
}
