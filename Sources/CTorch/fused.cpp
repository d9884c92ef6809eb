/// Chains of element-wise operations between two matrix products, each in one pass over memory, and attention made of them.
///
/// CPUs run the loops of Rows.hpp, at the highest level of vector instructions that the processor has; other devices run
/// the operations that the loops stand for.

#include <ATen/TensorIterator.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "Handles.hpp"
#include "Kernels.hpp"

#define LEVEL plain
#include "Rows.hpp"
#undef LEVEL
#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx2
#include "Rows.hpp"
#undef LEVEL
#pragma clang attribute pop
// The features one by one: told the level x86-64-v4 instead, the compiler would prefer vectors of half the width.
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx512
#include "Rows.hpp"
#undef LEVEL
#pragma clang attribute pop
#endif

namespace ctorch {

using plain::bits16;

/// The vectors that the processor has, and those that are used.
static const int32_t available_vectors = vector_bits();
static std::atomic<int32_t> used_vectors = available_vectors;

/// A call of a function of Rows.hpp.
#ifdef __x86_64__
#define ON_THIS_PROCESSOR(call) \
    (used_vectors == 512 ? avx512::call : used_vectors == 256 ? avx2::call : plain::call)
#else
#define ON_THIS_PROCESSOR(call) plain::call
#endif

/// Calls `body` for every row, on all of libtorch's threads where there is enough to do.
///
/// at::parallel_for would be serial here: it is a template, parallel only where the compiler has OpenMP switched on. The loop
/// of a TensorIterator is libtorch's own, so one walks over a byte a row.
template <class Body>
static void each_row(int64_t rows, int64_t width, Body body) {
    constexpr int64_t elements_worth_a_thread = 8192;
    auto bytes = at::empty({rows}, at::kByte);
    auto *first = static_cast<char *>(bytes.data_ptr());
    auto walk = at::TensorIterator::borrowing_nullary_op(bytes);
    auto run = [&](char **data, const int64_t *, int64_t count) {
        int64_t begin = data[0] - first;
        for (int64_t row = begin; row < begin + count; row++) body(row);
    };
    walk.for_each(run, std::max<int64_t>(1, elements_worth_a_thread / std::max<int64_t>(1, width)));
}

template <class T>
static T *data(const at::Tensor &x) {
    return static_cast<T *>(x.data_ptr());
}

/// Calls `body` with a null pointer of the type that stands for the tensor's elements.
template <class Body>
static void with_type(const at::Tensor &x, Body body) {
    switch (x.scalar_type()) {
        case at::kFloat: return body(static_cast<float *>(nullptr));
        case at::kBFloat16: return body(static_cast<bits16 *>(nullptr));
        default: TORCH_CHECK(false, "expected float32 or bfloat16, got ", x.scalar_type());
    }
}

/// The two parts of a modulation, read at a token without being added up in memory.
class Modulation {
public:
    Modulation(const at::Tensor &x, ct_tensor spatial, ct_tensor temporal) : width_(x.size(-1)) {
        TORCH_CHECK(
            x.dim() == 3 && x.numel() > 0 && x.scalar_type() == at::kFloat && x.is_contiguous(),
            "expected contiguous float32 (B, N, D), none of them 0, got ", x.sizes());
        spatial_ = spatial->value.contiguous();
        auto &s = spatial_;
        TORCH_CHECK(
            s.dim() == 3 && s.device() == x.device() && (s.size(0) == 1 || s.size(0) == x.size(0)) && (s.size(1) == 1 || s.size(1) == x.size(1)),
            "a modulation of shape ", s.sizes(), " on ", s.device(), " does not fit ", x.sizes(), " on ", x.device());
        batch_stride_ = s.size(0) == 1 ? 0 : s.stride(0);
        token_stride_ = s.size(1) == 1 ? 0 : s.stride(1);
        tokens_ = x.size(1);
        if (!temporal) return;
        temporal_ = temporal->value.to(s.device(), s.scalar_type()).contiguous();
        TORCH_CHECK(
            temporal_.numel() == s.size(2), "the modulation's parts have ", s.size(2), " and ", temporal_.numel(), " numbers a token");
    }

    const at::Tensor &spatial() const { return spatial_; }

    void check(int64_t chunk) const {
        TORCH_CHECK(chunk >= 0 && chunk < spatial_.size(2) / width_, "the modulation has no chunk ", chunk);
    }

    template <class T>
    const T *spatial(int64_t row, int64_t chunk) const {
        return data<T>(spatial_) + row / tokens_ * batch_stride_ + row % tokens_ * token_stride_ + chunk * width_;
    }

    template <class T>
    const T *temporal(int64_t chunk) const {
        return temporal_.defined() ? data<T>(temporal_) + chunk * width_ : nullptr;
    }

    /// The chunk as a tensor, added up.
    at::Tensor sum(int64_t chunk) const {
        auto part = spatial_.narrow(-1, chunk * width_, width_);
        return temporal_.defined() ? part + temporal_.reshape({1, 1, -1}).narrow(-1, chunk * width_, width_) : part;
    }

private:
    at::Tensor spatial_, temporal_;
    int64_t width_, tokens_, batch_stride_, token_stride_;
};

void quantize_rows(const at::Tensor &x, const at::Tensor &rounded, const at::Tensor &scales) {
    int64_t width = x.size(1);
    with_type(x, [&]<class T>(T *) {
        each_row(x.size(0), width, [&](int64_t row) {
            data<float>(scales)[row] = ON_THIS_PROCESSOR(
                quantize(data<T>(x) + row * width, data<uint8_t>(rounded) + row * width, quantized_zero, width));
        });
    });
}

static void check_rescaling(const at::Tensor &y, const at::Tensor &scales, const at::Tensor &bias) {
    TORCH_CHECK(
        y.is_contiguous() && y.scalar_type() == at::kBFloat16 && scales.numel() == y.size(0) && bias.scalar_type() == at::kFloat &&
            bias.numel() == y.size(1),
        "a product of shape ", y.sizes(), " does not fit a bias of shape ", bias.sizes());
}

void rescale_rows(const at::Tensor &y, const at::Tensor &scales, const at::Tensor &bias) {
    check_rescaling(y, scales, bias);
    int64_t width = y.size(1);
    each_row(y.size(0), width, [&](int64_t row) {
        ON_THIS_PROCESSOR(rescale(data<bits16>(y) + row * width, data<float>(scales)[row], data<float>(bias), width));
    });
}

void rescale_gelu_quantize_rows(
    const at::Tensor &y, const at::Tensor &scales, const at::Tensor &bias, const at::Tensor &rounded, const at::Tensor &rounded_scales
) {
    check_rescaling(y, scales, bias);
    int64_t width = y.size(1);
    each_row(y.size(0), width, [&](int64_t row) {
        auto *numbers = data<bits16>(y) + row * width;
        ON_THIS_PROCESSOR(rescale_gelu(numbers, data<float>(scales)[row], data<float>(bias), width));
        data<float>(rounded_scales)[row] =
            ON_THIS_PROCESSOR(quantize(numbers, data<uint8_t>(rounded) + row * width, quantized_zero, width));
    });
}

/// x ← exp(factor·(x − max x)) along the last dimension, in place, and the sums of what comes out.
static void exponentiate_rows(const at::Tensor &x, float factor, const at::Tensor &sums) {
    int64_t width = x.size(-1);
    with_type(x, [&]<class T>(T *) {
        each_row(sums.numel(), width, [&](int64_t row) {
            data<float>(sums)[row] = ON_THIS_PROCESSOR(exponentiate(data<T>(x) + row * width, factor, width));
        });
    });
}

/// x (B, H, N, d) divided by sums (B, H, N), the heads side by side: (B, N, H·d).
static at::Tensor divide_and_merge(const at::Tensor &x, const at::Tensor &sums) {
    int64_t batch = x.size(0), heads = x.size(1), tokens = x.size(2), width = x.size(3);
    auto out = at::empty({batch, tokens, heads * width}, x.options());
    with_type(x, [&]<class T>(T *) {
        each_row(batch * tokens, heads * width, [&](int64_t row) {
            for (int64_t head = 0; head < heads; head++) {
                int64_t from = (row / tokens * heads + head) * tokens + row % tokens;
                ON_THIS_PROCESSOR(divide(
                    data<T>(x) + from * width, data<float>(sums)[from], data<T>(out) + (row * heads + head) * width, width));
            }
        });
    });
    return out;
}

}  // namespace ctorch

using namespace ctorch;

int ct_modulated_norm(ct_tensor tensor, ct_tensor spatial, ct_tensor temporal, int64_t shift, int64_t scale, double epsilon, int32_t dtype,
                      ct_tensor *out) noexcept {
    return make(out, [&] {
        auto x = tensor->value.contiguous();
        auto type = static_cast<at::ScalarType>(dtype);
        Modulation modulation(x, spatial, temporal);
        modulation.check(shift), modulation.check(scale);
        int64_t width = x.size(-1);
        if (!x.is_cpu()) {
            auto normal = at::layer_norm(x, {width}, {}, {}, epsilon);
            return at::addcmul(normal + modulation.sum(shift), normal, modulation.sum(scale)).to(type);
        }
        auto result = at::empty_like(x, type);
        with_type(modulation.spatial(), [&]<class T>(T *) {
            with_type(result, [&]<class Out>(Out *) {
                each_row(x.numel() / width, width, [&](int64_t row) {
                    ON_THIS_PROCESSOR(modulated_norm(
                        data<float>(x) + row * width, modulation.spatial<T>(row, shift), modulation.temporal<T>(shift),
                        modulation.spatial<T>(row, scale), modulation.temporal<T>(scale), static_cast<float>(epsilon),
                        data<Out>(result) + row * width, width));
                });
            });
        });
        return result;
    });
}

int ct_add_gated_in_place(ct_tensor tensor, ct_tensor added, ct_tensor spatial, ct_tensor temporal, int64_t gate) noexcept {
    return guarded([&] {
        auto &x = tensor->value;
        auto y = added->value.contiguous();
        TORCH_CHECK(
            y.sizes() == x.sizes() && y.device() == x.device(), "cannot add ", y.sizes(), " on ", y.device(), " to ", x.sizes(), " on ",
            x.device());
        Modulation modulation(x, spatial, temporal);
        modulation.check(gate);
        if (!x.is_cpu()) {
            x.addcmul_(modulation.sum(gate), y);
            return;
        }
        int64_t width = x.size(-1);
        with_type(modulation.spatial(), [&]<class T>(T *) {
            with_type(y, [&]<class Y>(Y *) {
                each_row(x.numel() / width, width, [&](int64_t row) {
                    ON_THIS_PROCESSOR(add_gated(
                        data<float>(x) + row * width, data<Y>(y) + row * width, modulation.spatial<T>(row, gate),
                        modulation.temporal<T>(gate), width));
                });
            });
        });
    });
}

int ct_merged_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &q = query->value, &k = key->value, &v = value->value;
        TORCH_CHECK(
            q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() && q.size(0) == k.size(0) && q.size(1) == k.size(1) &&
                q.size(3) == k.size(3) && k.size(2) > 0,
            "queries ", q.sizes(), ", keys ", k.sizes(), " and values ", v.sizes(), " do not fit (B, H, N|M, d)");
        auto merged = [&](const at::Tensor &x) { return x.transpose(1, 2).reshape({q.size(0), q.size(2), q.size(1) * q.size(3)}); };
        if (!q.is_cpu()) return merged(at::scaled_dot_product_attention(q, k, v));
        auto heads = [](const at::Tensor &x) { return x.contiguous().view({-1, x.size(2), x.size(3)}); };
        auto queries = heads(q), keys = heads(k).transpose(1, 2), values = heads(v);  // (BH, N, d), (BH, d, M), (BH, M, d)
        auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(q.size(-1))));
        auto sums = at::empty({q.size(0), q.size(1), q.size(2)}, at::kFloat);
        auto flat_sums = sums.view({-1, q.size(2)});  // (BH, N)
        // Some heads at a time, so that the scores (H', N, M) stay near the processor.
        constexpr int64_t scores_at_a_time = 1 << 22;
        auto group = std::max<int64_t>(1, scores_at_a_time / std::max<int64_t>(1, q.size(2) * k.size(2)));
        auto attend = [&](int64_t first, int64_t count) {
            auto part = [&](const at::Tensor &x) { return x.narrow(0, first, count); };
            auto scores = at::bmm(part(queries), part(keys));
            exponentiate_rows(scores, factor, part(flat_sums));
            return at::bmm(scores, part(values));  // (H', N, d)
        };
        auto all = queries.size(0);
        if (all <= group) return divide_and_merge(attend(0, all).view(q.sizes()), sums);
        auto result = at::empty_like(queries);
        for (int64_t first = 0; first < all; first += group) {
            auto count = std::min(group, all - first);
            result.narrow(0, first, count).copy_(attend(first, count));
        }
        return divide_and_merge(result.view(q.sizes()), sums);
    });
}

int32_t ct_limit_vectors(int32_t bits) noexcept {
    used_vectors = std::min(bits, available_vectors);
    return used_vectors;
}
