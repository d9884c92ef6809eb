/// Chains of element-wise operations between two matrix products, each in one pass over memory, and attention made of them.
///
/// CPUs run the loops of Rows.hpp, at the highest level of vector instructions that the processor has; other devices run
/// the operations that the loops stand for.

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "Handles.hpp"
#include "Kernels.hpp"

#define ROW static inline __attribute__((always_inline))
/// Lets sums and maxima be taken in the order that vectors want.
#define IN_ANY_ORDER _Pragma("clang fp reassociate(on) contract(fast)")

#define LEVEL plain
#define BITS 128
#include "Rows.hpp"
#include "Attention.hpp"
#undef LEVEL
#undef BITS
#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx2
#define BITS 256
#include "Rows.hpp"
#include "Attention.hpp"
#undef LEVEL
#undef BITS
#pragma clang attribute pop
#define BITS 512
// The features one by one: told the level x86-64-v4 instead, the compiler would prefer vectors of half the width.
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx512
#include "Rows.hpp"
#include "Attention.hpp"
#undef LEVEL
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx512bf16
#define PAIRS
#include "Rows.hpp"
#include "Attention.hpp"
#undef LEVEL
#undef PAIRS
#pragma clang attribute pop
#undef BITS
#endif
#undef ROW
#undef IN_ANY_ORDER

namespace ctorch {

using plain::bits16;

/// The vectors that the processor has, and those that are used.
static const int32_t available_vectors = vector_bits();
static std::atomic<int32_t> used_vectors = available_vectors;

static const bool multiplies_pairs = has_bf16_products();

/// A call of a function of Rows.hpp or Attention.hpp.
#ifdef __x86_64__
#define ON_THIS_PROCESSOR(call)                                          \
    (used_vectors == 512   ? multiplies_pairs ? avx512bf16::call : avx512::call \
     : used_vectors == 256 ? avx2::call                                  \
                           : plain::call)
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

/// What x ← x + gate·y takes.
class Branch {
public:
    Branch(at::Tensor &x, ct_tensor y, ct_tensor spatial, ct_tensor temporal, int64_t gate)
        : x_(x), y_(y->value.contiguous()), gates_(x, spatial, temporal), gate_(gate) {
        TORCH_CHECK(
            y_.sizes() == x.sizes() && y_.device() == x.device(), "cannot add ", y_.sizes(), " on ", y_.device(), " to ", x.sizes(), " on ",
            x.device());
        gates_.check(gate);
    }

    const at::Tensor &y() const { return y_; }
    const Modulation &gates() const { return gates_; }

    void add() { x_.addcmul_(gates_.sum(gate_), y_); }

    /// T is the type of the gates, Y that of y.
    template <class T, class Y>
    void add_row(int64_t row) const {
        int64_t width = x_.size(-1);
        ON_THIS_PROCESSOR(add_gated(
            data<float>(x_) + row * width, data<Y>(y_) + row * width, gates_.spatial<T>(row, gate_), gates_.temporal<T>(gate_), width));
    }

private:
    at::Tensor &x_;
    at::Tensor y_;
    Modulation gates_;
    int64_t gate_;
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

bool has_rows(const at::Tensor &x) {
    if (x.dim() == 0 || x.stride(-1) != 1) return false;
    for (int64_t i = x.dim() - 3; i >= 0; i--)
        if (x.stride(i) != x.size(i + 1) * x.stride(i + 1)) return false;
    return true;
}

/// The rows of a tensor of which `has_rows` holds.
template <class T>
struct RowsOf {
    explicit RowsOf(const at::Tensor &x) : first(data<T>(x)), stride(x.dim() > 1 ? x.stride(-2) : x.size(-1)) {}
    T *operator()(int64_t row) const { return first + row * stride; }
    T *first;
    int64_t stride;
};

void gelu(const at::Tensor &x, const at::Tensor &out) {
    int64_t width = x.size(-1);
    with_type(x, [&]<class T>(T *) {
        RowsOf<T> from(x), to(out);
        each_row(x.numel() / width, width, [&](int64_t row) { ON_THIS_PROCESSOR(gelu(from(row), to(row), width)); });
    });
}

void gelu_gradient(const at::Tensor &x, const at::Tensor &gradient, const at::Tensor &d) {
    int64_t width = x.size(-1);
    with_type(x, [&]<class T>(T *) {
        RowsOf<T> from(x), given(gradient), to(d);
        each_row(x.numel() / width, width, [&](int64_t row) {
            ON_THIS_PROCESSOR(gelu_gradient(from(row), given(row), to(row), width));
        });
    });
}

void modulated_norm(const at::Tensor &x, const at::Tensor &shift, const at::Tensor &scale, double epsilon, const at::Tensor &out) {
    int64_t width = x.size(-1);
    with_type(out, [&]<class T>(T *) {
        RowsOf<float> from(x);
        RowsOf<T> shifts(shift), scales(scale), to(out);
        T *none = nullptr;
        each_row(x.numel() / width, width, [&](int64_t row) {
            ON_THIS_PROCESSOR(
                modulated_norm(from(row), shifts(row), none, scales(row), none, static_cast<float>(epsilon), to(row), width));
        });
    });
}

void modulated_norm_gradient(
    const at::Tensor &x, const at::Tensor &scale, const at::Tensor &gradient, double epsilon, const at::Tensor &d_x, const at::Tensor &d_scale
) {
    int64_t width = x.size(-1);
    with_type(scale, [&]<class T>(T *) {
        RowsOf<float> from(x), to(d_x);
        RowsOf<T> scales(scale), given(gradient), to_scale(d_scale);
        each_row(x.numel() / width, width, [&](int64_t row) {
            ON_THIS_PROCESSOR(modulated_norm_gradient(
                from(row), scales(row), given(row), static_cast<float>(epsilon), to(row), to_scale(row), width));
        });
    });
}

void plus_gated(const at::Tensor &x, const at::Tensor &gate, const at::Tensor &y, const at::Tensor &out) {
    int64_t width = x.size(-1);
    with_type(y, [&]<class T>(T *) {
        RowsOf<float> from(x), to(out);
        RowsOf<T> gates(gate), added(y);
        T *none = nullptr;
        each_row(x.numel() / width, width, [&](int64_t row) {
            std::copy_n(from(row), width, to(row));
            ON_THIS_PROCESSOR(add_gated(to(row), added(row), gates(row), none, width));
        });
    });
}

void gated_gradient(const at::Tensor &gradient, const at::Tensor &gate, const at::Tensor &y, const at::Tensor &d_gate, const at::Tensor &d_y) {
    int64_t width = y.size(-1);
    with_type(y, [&]<class T>(T *) {
        RowsOf<float> given(gradient);
        RowsOf<T> gates(gate), added(y), to_gate(d_gate), to_y(d_y);
        each_row(y.numel() / width, width, [&](int64_t row) {
            ON_THIS_PROCESSOR(gated_gradient(given(row), gates(row), added(row), to_gate(row), to_y(row), width));
        });
    });
}

/// softmax(factor·q·kᵀ)·v, the heads side by side: (B, N, H·d). Every head is a task of its own, or several where there are
/// fewer heads than threads.
static at::Tensor attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v) {
    int64_t batch = q.size(0), heads = q.size(1), queries = q.size(2), keys = k.size(2), width = q.size(3);
    auto out = at::empty({batch, queries, heads * width}, q.options());
    auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
    int64_t wanted = std::clamp<int64_t>(at::get_num_threads() / std::max<int64_t>(1, batch * heads), 1, std::max<int64_t>(1, queries / 64));
    int64_t share = std::max<int64_t>(1, (queries + wanted - 1) / wanted), parts = (queries + share - 1) / share;
    with_type(q, [&]<class T>(T *) {
        auto head_of = [](const at::Tensor &x, int64_t b, int64_t head) { return data<T>(x) + b * x.stride(0) + head * x.stride(1); };
        each_row(batch * heads * parts, share * keys, [&](int64_t task) {
            static thread_local std::vector<float> scratch;
            int64_t b = task / parts / heads, head = task / parts % heads, first = task % parts * share;
            ON_THIS_PROCESSOR(attend<T>(
                {head_of(q, b, head) + first * q.stride(2), q.stride(2)}, {head_of(k, b, head), k.stride(2)},
                {head_of(v, b, head), v.stride(2)}, {data<T>(out) + ((b * queries + first) * heads + head) * width, heads * width},
                std::min(share, queries - first), keys, width, factor, scratch));
        });
    });
    return out;
}

}  // namespace ctorch

using namespace ctorch;

int ct_add_gated_and_norm(
    ct_tensor tensor, ct_tensor added, ct_tensor spatial_1, ct_tensor temporal_1, int64_t gate, ct_tensor spatial_2, ct_tensor temporal_2,
    int64_t shift, int64_t scale, double epsilon, int32_t dtype, ct_tensor *out
) noexcept {
    return make(out, [&] {
        auto &x = tensor->value;
        auto type = static_cast<at::ScalarType>(dtype);
        Modulation modulation(x, spatial_2, temporal_2);
        modulation.check(shift), modulation.check(scale);
        std::optional<Branch> branch;
        if (added) {
            branch.emplace(x, added, spatial_1, temporal_1, gate);
            TORCH_CHECK(
                branch->gates().spatial().scalar_type() == modulation.spatial().scalar_type(), "two modulations of unlike types");
        }
        int64_t width = x.size(-1);
        if (!x.is_cpu()) {
            if (branch) branch->add();
            auto normal = at::layer_norm(x, {width}, {}, {}, epsilon);
            return at::addcmul(normal + modulation.sum(shift), normal, modulation.sum(scale)).to(type);
        }
        auto result = at::empty_like(x, type);
        with_type(modulation.spatial(), [&]<class T>(T *) {
            with_type(result, [&]<class Out>(Out *) {
                with_type(branch ? branch->y() : x, [&]<class Y>(Y *) {
                    each_row(x.numel() / width, width, [&](int64_t row) {
                        if (branch) branch->add_row<T, Y>(row);
                        ON_THIS_PROCESSOR(modulated_norm(
                            data<float>(x) + row * width, modulation.spatial<T>(row, shift), modulation.temporal<T>(shift),
                            modulation.spatial<T>(row, scale), modulation.temporal<T>(scale), static_cast<float>(epsilon),
                            data<Out>(result) + row * width, width));
                    });
                });
            });
        });
        return result;
    });
}

int ct_add_gated_in_place(ct_tensor tensor, ct_tensor added, ct_tensor spatial, ct_tensor temporal, int64_t gate) noexcept {
    return guarded([&] {
        auto &x = tensor->value;
        Branch branch(x, added, spatial, temporal, gate);
        if (!x.is_cpu()) return branch.add();
        with_type(branch.gates().spatial(), [&]<class T>(T *) {
            with_type(branch.y(), [&]<class Y>(Y *) {
                each_row(x.numel() / x.size(-1), x.size(-1), [&](int64_t row) { branch.add_row<T, Y>(row); });
            });
        });
    });
}

int ct_merged_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &q = query->value, &k = key->value, &v = value->value;
        TORCH_CHECK(
            q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() && q.size(0) == k.size(0) && q.size(1) == k.size(1) &&
                q.size(3) == k.size(3) && k.size(2) > 0 && q.size(3) > 0 && k.scalar_type() == q.scalar_type() &&
                v.scalar_type() == q.scalar_type() && k.device() == q.device() && v.device() == q.device(),
            "queries ", q.sizes(), ", keys ", k.sizes(), " and values ", v.sizes(), " do not fit (B, H, N|M, d)");
        auto merged = [&](const at::Tensor &x) { return x.transpose(1, 2).reshape({q.size(0), q.size(2), q.size(1) * q.size(3)}); };
        if (!q.is_cpu()) return merged(at::scaled_dot_product_attention(q, k, v));
        auto rows = [](const at::Tensor &x) { return x.stride(3) == 1 ? x : x.contiguous(); };
        return attention(rows(q), rows(k), rows(v));
    });
}

int32_t ct_limit_vectors(int32_t bits) noexcept {
    used_vectors = std::min(bits, available_vectors);
    return used_vectors;
}
