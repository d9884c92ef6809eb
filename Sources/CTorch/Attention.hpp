// Attention of one head. Levels.hpp includes this file once for every level of vector instructions; `BITS` is the width of the
// level's vectors, and `PAIRS` is there where it multiplies pairs of bfloat16.

#include "Rows.hpp"

namespace ctorch::LEVEL {

typedef float vector __attribute__((vector_size(BITS / 8), aligned(4)));
constexpr int64_t lanes = BITS / 32;
/// The block of a product whose sums stay in registers: rows × vectors.
constexpr int64_t block_rows = BITS == 512 ? 8 : 4, block_vectors = 2, block_columns = block_vectors * lanes;

inline int64_t whole_blocks(int64_t columns) { return (columns + block_columns - 1) / block_columns * block_columns; }

/// How the factors of a product lie in memory: as words along the dimension that is summed over. Here a word is a number…
struct Singles {
    typedef float number_type;
    typedef float word;
    static constexpr int64_t numbers = 1;
    template <class T>
    static word join(T x) { return number(x); }
    static vector multiply_add(word a, const word *b, vector sum) {
        IN_ANY_ORDER
        return a * *reinterpret_cast<const vector *>(b) + sum;
    }
};
#ifdef PAIRS
/// …and here two of them in bfloat16, multiplied exactly and added up in float32.
struct Pairs {
    typedef bits16 number_type;
    typedef uint32_t word;
    static constexpr int64_t numbers = 2;
    static word join(bits16 x, bits16 y = 0) { return x | static_cast<word>(y) << 16; }
    static vector multiply_add(word a, const word *b, vector sum) {
        typedef word words __attribute__((vector_size(BITS / 8), aligned(4)));
        typedef __bf16 factors __attribute__((vector_size(BITS / 8)));
        return __builtin_ia32_dpbf16ps_512(sum, (factors)(a - words{}), (factors) * reinterpret_cast<const words *>(b));
    }
};
template <class T>
using Factors = std::conditional_t<std::is_same_v<T, bits16>, Pairs, Singles>;
#else
template <class T>
using Factors = Singles;
#endif

/// A matrix in memory, row after row.
template <class T>
struct Matrix {
    T *first;
    int64_t stride;
    T *operator[](int64_t row) const { return first + row * stride; }
};

/// C (rows, block_columns) ← A (rows, depth)·B (depth, block_columns), or += where it continues; the depth counts words.
template <class F, int64_t rows>
void product_block(Matrix<const typename F::word> a, Matrix<const typename F::word> b, Matrix<float> c, int64_t depth, bool continues) {
    vector sums[rows][block_vectors];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t v = 0; v < block_vectors; v++) sums[r][v] = continues ? *reinterpret_cast<vector *>(c[r] + v * lanes) : vector{};
    for (int64_t k = 0; k < depth; k++)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t v = 0; v < block_vectors; v++) sums[r][v] = F::multiply_add(a[r][k], b[k] + v * lanes, sums[r][v]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t v = 0; v < block_vectors; v++) *reinterpret_cast<vector *>(c[r] + v * lanes) = sums[r][v];
}

/// C (rows, columns) ← A·B, or += where it continues; the columns are whole blocks.
template <class F>
void product(
    Matrix<const typename F::word> a, Matrix<const typename F::word> b, Matrix<float> c, int64_t rows, int64_t columns, int64_t depth,
    bool continues = false
) {
    for (int64_t column = 0; column < columns; column += block_columns) {
        int64_t row = 0;
        auto block = [&]<int64_t count>(std::integral_constant<int64_t, count>) {
            for (; row + count <= rows; row += count)
                product_block<F, count>({a[row], a.stride}, {b.first + column, b.stride}, {c[row] + column, c.stride}, depth, continues);
        };
        block(std::integral_constant<int64_t, block_rows>());
        block(std::integral_constant<int64_t, 1>());
    }
}

/// A row's numbers from i on as a word, zeros behind the last.
template <class F, class T>
typename F::word word_at(const T *row, int64_t i, int64_t columns) {
    if constexpr (F::numbers == 2) return i + 1 < columns ? F::join(row[i], row[i + 1]) : F::join(row[i]);
    else return F::join(row[i]);
}

/// (rows, columns) as words along the columns: (rows, words).
template <class F, class T>
void pack(Matrix<const T> x, typename F::word *out, int64_t rows, int64_t columns, int64_t words) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < words; i++) out[row * words + i] = word_at<F>(x[row], i * F::numbers, columns);
}

/// (rows, columns), transposed, as words along the columns: (words, rows'), zeros behind the last row.
template <class F, class T>
void pack_transposed(Matrix<const T> x, typename F::word *out, int64_t stride, int64_t rows, int64_t columns, int64_t words) {
    constexpr int64_t most = 16;  // rows at a time, so that what is written lies together
    for (int64_t first = 0; first < rows; first += most)
        for (int64_t i = 0; i < words; i++)
            for (int64_t row = first; row < std::min(first + most, rows); row++)
                out[i * stride + row] = word_at<F>(x[row], i * F::numbers, columns);
    for (int64_t i = 0; i < words; i++) std::fill(out + i * stride + rows, out + (i + 1) * stride, 0);
}

/// (rows, columns) as words along the rows: (words, columns'), zeros behind the last column.
template <class F, class T>
void pack_columns(Matrix<const T> x, typename F::word *out, int64_t stride, int64_t rows, int64_t columns, int64_t words) {
    for (int64_t word = 0; word < words; word++) {
        int64_t row = word * F::numbers;
        const T *first = x[row];
        auto *to = out + word * stride;
        if constexpr (F::numbers == 2) {
            if (row + 1 < rows) {
                const T *second = x[row + 1];
                for (int64_t i = 0; i < columns; i++) to[i] = F::join(first[i], second[i]);
            } else {
                for (int64_t i = 0; i < columns; i++) to[i] = F::join(first[i]);
            }
        } else {
            for (int64_t i = 0; i < columns; i++) to[i] = F::join(first[i]);
        }
        std::fill(to + columns, to + stride, 0);
    }
}

constexpr int64_t queries_at_a_time = 64;

/// softmax(factor·q·kᵀ)·v of one head: q and out (queries, width), k and v (keys, width). The scores are float32.
template <class T>
void attend(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, Matrix<T> out, int64_t queries, int64_t keys, int64_t width, float factor,
            std::vector<float> &scratch) {
    using F = Factors<T>;
    using word = typename F::word;
    auto words = [](int64_t count) { return (count + F::numbers - 1) / F::numbers; };
    const int64_t depth = words(width), terms = words(keys), most = std::min(queries, queries_at_a_time);
    const int64_t keys_wide = whole_blocks(keys), wide = whole_blocks(width);
    scratch.resize(depth * keys_wide + terms * wide + most * (depth + terms + keys_wide + wide));
    float *next = scratch.data();
    auto floats = [&](int64_t count) { return std::exchange(next, next + count); };
    auto packed = [&](int64_t count) { return reinterpret_cast<word *>(floats(count)); };
    word *keys_t = packed(depth * keys_wide), *values = packed(terms * wide);   // (d, M'), (M, d')
    word *rows = packed(most * depth), *weights = packed(most * terms);         // (Q, d), (Q, M)
    float *scores = floats(most * keys_wide), *sums = floats(most * wide);      // (Q, M'), (Q, d')
    float totals[queries_at_a_time];                                            // (Q)
    pack_transposed<F>(k, keys_t, keys_wide, keys, width, depth);
    pack_columns<F>(v, values, wide, keys, width, terms);
    for (int64_t first = 0; first < queries; first += most) {
        const int64_t count = std::min(most, queries - first);
        pack<F>(Matrix<const T>{q[first], q.stride}, rows, count, width, depth);
        product<F>({rows, depth}, {keys_t, keys_wide}, {scores, keys_wide}, count, keys_wide, depth);
        for (int64_t row = 0; row < count; row++) {
            auto *to = reinterpret_cast<typename F::number_type *>(weights + row * terms);
            totals[row] = exponentiate(scores + row * keys_wide, factor, to, keys);
            if (keys < terms * F::numbers) store(to + keys, 0);
        }
        constexpr int64_t some = 256 / F::numbers;  // terms whose values stay near
        for (int64_t term = 0; term < terms; term += some)
            product<F>({weights + term, terms}, {values + term * wide, wide}, {sums, wide}, count, wide, std::min(some, terms - term), term > 0);
        for (int64_t row = 0; row < count; row++) divide(sums + row * wide, totals[row], out[first + row], width);
    }
}

}  // namespace ctorch::LEVEL
