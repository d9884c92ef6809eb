/// Chains of element-wise operations between two matrix products, each in one pass over memory.
///
/// CPUs run the loops of Rows.hpp, at the highest level of vector instructions that the processor has; other devices run
/// the operations that the loops stand for.

#include <optional>

#include "Handles.hpp"
#define LOOPS "Rows.hpp"
#include "Levels.hpp"

namespace ctorch {

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

int32_t ct_limit_vectors(int32_t bits) noexcept {
    used_vectors = std::min(bits, available_vectors);
    return used_vectors;
}
