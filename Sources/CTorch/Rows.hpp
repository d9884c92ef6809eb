// One row of each fused operation. Levels.hpp includes this file once for every level of vector instructions, each time in a
// namespace of its own, `LEVEL`; hence no include guard.

namespace ctorch::LEVEL {

/// bfloat16 as its bits.
using bits16 = uint16_t;

ROW float number(float x) { return x; }
ROW float number(bits16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

ROW void store(float *to, float x) { *to = x; }
/// Rounds to the nearest, ties to even.
ROW void store(bits16 *to, float x) {
    constexpr uint32_t not_a_number = 0x7fc0;
    auto bits = std::bit_cast<uint32_t>(x);
    *to = static_cast<bits16>(x != x ? not_a_number : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Numbers as integers of the same order: compilers take maxima of integers in vectors, those of floats, for NaN's sake, not.
ROW int32_t rank_of(float x) {
    auto bits = std::bit_cast<int32_t>(x);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}
ROW float of_rank(int32_t rank) { return std::bit_cast<float>(rank ^ ((rank >> 31) & 0x7fffffff)); }

/// eˣ to 2 units in the last place for x ≤ 88; 1e-38 for all x below −87.
ROW float exponential(float x) {
    // Adding it rounds to an integer, which then stands in the low bits: no conversion that a NaN could upset.
    constexpr float integers_from = 12582912;  // 1.5·2²³
    float bounded = x < -87 ? -87 : x;
    float shifted = bounded * 1.44269504f + integers_from;
    float n = shifted - integers_from;
    float r = bounded - n * 0.693145752f - n * 1.42860677e-6f;
    float p = 1.98756915e-4f;
    p = p * r + 1.39819995e-3f;
    p = p * r + 8.33345191e-3f;
    p = p * r + 4.16657959e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1;
    return p * std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127) << 23);
}

/// 1 + e^(−2u) with u = √(2/π)(x + 0.044715x³), for x ≥ −30.
ROW float gelu_divisor(float x) {
    float twice = 1.59576912f * (x + 0.044715f * x * x * x);
    return 1 + exponential(-twice > 88 ? 88 : -twice);
}

/// GELU, tanh approximation: ½x(1 + tanh u) = x/(1 + e^(−2u)).
ROW float gelu(float x) {
    float bounded = x < -30 ? -30 : x;  // where it is 0 already
    return bounded / gelu_divisor(bounded);
}

/// The derivative of `gelu`.
ROW float gelu_slope(float x) {
    float bounded = x < -30 ? -30 : x > 30 ? 30 : x;  // beyond these it is 0 or 1
    float share = 1 / gelu_divisor(bounded);
    return share + share * (1 - share) * 1.59576912f * bounded * (1 + 0.134145f * bounded * bounded);
}

template <class T>
void gelu(const T *x, T *out, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) store(out + i, gelu(number(x[i])));
}

/// d ← gradient of x, given that of GELU(x).
template <class T>
void gelu_gradient(const T *x, const T *gradient, T *d, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) store(d + i, number(gradient[i]) * gelu_slope(number(x[i])));
}

/// A chunk of a modulation at one token, as the sum of its two parts…
template <class T>
struct BothParts {
    const T *spatial, *temporal;
    float operator[](int64_t i) const { return number(spatial[i]) + number(temporal[i]); }
};
/// …or its only one.
template <class T>
struct OnePart {
    const T *spatial;
    float operator[](int64_t i) const { return number(spatial[i]); }
};

/// The mean of a row, and the inverse of its deviation.
struct Moments {
    float mean, inverse;
};

ROW Moments moments(const float *x, float epsilon, int64_t width) {
    IN_ANY_ORDER
    float sum = 0, squares = 0;
    for (int64_t i = 0; i < width; i++) sum += x[i];
    float mean = sum / width;
    for (int64_t i = 0; i < width; i++) squares += (x[i] - mean) * (x[i] - mean);
    return {mean, 1 / std::sqrt(squares / width + epsilon)};
}

template <class Chunk, class Out>
void modulated_norm(const float *x, Chunk shift, Chunk scale, float epsilon, Out *out, int64_t width) {
    IN_ANY_ORDER
    auto [mean, inverse] = moments(x, epsilon, width);
    for (int64_t i = 0; i < width; i++) store(out + i, (x[i] - mean) * inverse * (1 + scale[i]) + shift[i]);
}

template <class T, class Out>
void modulated_norm(const float *x, const T *shift, const T *shift_t, const T *scale, const T *scale_t, float epsilon, Out *out, int64_t width) {
    if (shift_t) {
        modulated_norm(x, BothParts<T>{shift, shift_t}, BothParts<T>{scale, scale_t}, epsilon, out, width);
    } else {
        modulated_norm(x, OnePart<T>{shift}, OnePart<T>{scale}, epsilon, out, width);
    }
}

/// The gradients of x and of the scale, given that of `modulated_norm` with whole chunks; that of the shift is the given
/// one itself.
template <class T>
void modulated_norm_gradient(
    const float *x, const T *scale, const T *gradient, float epsilon, float *d_x, T *d_scale, int64_t width
) {
    IN_ANY_ORDER
    auto [mean, inverse] = moments(x, epsilon, width);
    float d_sum = 0, d_product = 0;
    for (int64_t i = 0; i < width; i++) {
        float normal = (x[i] - mean) * inverse, d = number(gradient[i]);
        store(d_scale + i, d * normal);
        d *= 1 + number(scale[i]);
        d_sum += d, d_product += d * normal;
        d_x[i] = d;
    }
    float d_mean = d_sum / width, d_slope = d_product / width;
    for (int64_t i = 0; i < width; i++) d_x[i] = (d_x[i] - d_mean - (x[i] - mean) * inverse * d_slope) * inverse;
}

/// The gradients of gate and y, given that of x + gate·y.
template <class T>
void gated_gradient(const float *gradient, const T *gate, const T *y, T *d_gate, T *d_y, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) {
        store(d_gate + i, gradient[i] * number(y[i]));
        store(d_y + i, gradient[i] * number(gate[i]));
    }
}

template <class Chunk, class Y>
void add_gated(float *x, const Y *y, Chunk gate, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) x[i] += gate[i] * number(y[i]);
}

template <class T, class Y>
void add_gated(float *x, const Y *y, const T *gate, const T *gate_t, int64_t width) {
    if (gate_t) {
        add_gated(x, y, BothParts<T>{gate, gate_t}, width);
    } else {
        add_gated(x, y, OnePart<T>{gate}, width);
    }
}

/// exp(factor·(x − max x)). Returns the sum.
template <class T, class Out>
float exponentiate(const T *x, float factor, Out *out, int64_t width) {
    IN_ANY_ORDER
    int32_t highest = rank_of(number(x[0]));
    for (int64_t i = 1; i < width; i++) highest = std::max(highest, rank_of(number(x[i])));
    float largest = of_rank(highest), sum = 0;
    for (int64_t i = 0; i < width; i++) {
        store(out + i, exponential((number(x[i]) - largest) * factor));
        sum += number(out[i]);  // as it was rounded
    }
    return sum;
}

template <class T, class Out>
void divide(const T *x, float divisor, Out *out, int64_t width) {
    IN_ANY_ORDER
    float factor = 1 / divisor;
    for (int64_t i = 0; i < width; i++) store(out + i, number(x[i]) * factor);
}

/// Returns the scale: x ≈ scale·(out − zero). Of a row that is not finite the scale is not, either.
template <class T>
float quantize(const T *x, uint8_t *out, int zero, int64_t width) {
    IN_ANY_ORDER
    constexpr float levels = 127, smallest = 1e-35f;
    int32_t highest = 0;
    for (int64_t i = 0; i < width; i++) highest = std::max(highest, rank_of(__builtin_fabsf(number(x[i]))));
    float largest = of_rank(highest);
    float inverse = largest >= smallest ? levels / largest : 0;
    for (int64_t i = 0; i < width; i++) {
        float level = __builtin_rintf(number(x[i]) * inverse);
        level = level < levels ? level : levels;  // also NaN
        level = level > -levels ? level : -levels;
        out[i] = static_cast<uint8_t>(static_cast<int32_t>(level) + zero);
    }
    return largest / levels;
}

inline void rescale(bits16 *y, float scale, const float *bias, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) store(y + i, number(y[i]) * scale + bias[i]);
}

inline void rescale_gelu(bits16 *y, float scale, const float *bias, int64_t width) {
    IN_ANY_ORDER
    for (int64_t i = 0; i < width; i++) store(y + i, gelu(number(y[i]) * scale + bias[i]));
}

}  // namespace ctorch::LEVEL

