/// Linear layers prepared for inference: oneDNN's operators, which PyTorch registers with its dispatcher but gives no C++ names.

#include <ATen/core/dispatch/Dispatcher.h>

#include <limits>
#include <string_view>

#include "Handles.hpp"
#include "Kernels.hpp"

using namespace ctorch;

namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

template <class Signature>
auto find(const char *name) {
    return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

at::Tensor onednn_reorder(const at::Tensor &weight) {
    static const auto call = find<at::Tensor(const at::Tensor &, std::optional<int64_t>)>("mkldnn::_reorder_linear_weight");
    return call.call(weight, std::nullopt);
}

at::Tensor onednn_linear(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias, bool gelu) {
    static const auto call =
        find<at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, std::string_view, Scalars,
                        std::optional<std::string_view>)>("mkldnn::_linear_pointwise");
    return call.call(input, weight, bias, gelu ? "gelu" : "none", Scalars(), gelu ? "tanh" : "");
}

at::Tensor onednn_int8_pack(const at::Tensor &weight) {
    static const auto call = find<at::Tensor(at::Tensor, std::optional<c10::List<int64_t>>)>("onednn::qlinear_prepack");
    return call.call(weight, std::nullopt);
}

/// Σ (input − zero)·weight·scale, in bfloat16.
at::Tensor onednn_int8_product(const at::Tensor &input, int64_t zero, const at::Tensor &weight, const at::Tensor &scales) {
    static const auto call =
        find<at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor, std::optional<at::Tensor>, double, int64_t,
                        std::optional<at::ScalarType>, std::string_view, Scalars, std::string_view)>("onednn::qlinear_pointwise");
    static const auto no_zeros = at::zeros({1}, at::kLong);
    return call.call(input, 1.0, zero, weight, scales, no_zeros, std::nullopt, 1.0, 0, at::kBFloat16, "none", Scalars(), "");
}

}  // namespace

int ct_pack_weight(ct_tensor weight, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &w = weight->value;
        TORCH_CHECK(w.dim() == 2, "a linear layer's weight is (out, in), not ", w.sizes());
        if (!w.is_cpu() || !at::hasMKLDNN()) return w;
        try {
            return onednn_reorder(w);
        } catch (const c10::Error &) {
            return w;  // oneDNN has no products of this type on this processor; PyTorch's own has
        }
    });
}

int ct_packed_linear(ct_tensor input, ct_tensor packed, ct_tensor bias, bool gelu, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto x = input->value.to(packed->value.scalar_type());
        if (packed->value.is_mkldnn()) return onednn_linear(x, packed->value, optional(bias), gelu);
        auto y = at::linear(x, packed->value, optional(bias));
        return gelu ? at::gelu(y, "tanh") : y;
    });
}

int ct_pack_int8_weight(ct_tensor weight, ct_tensor *packed, ct_tensor *scales) noexcept {
    return guarded([&] {
        TORCH_CHECK(weight->value.dim() == 2, "a linear layer's weight is (out, in), not ", weight->value.sizes());
        TORCH_CHECK(weight->value.is_cpu() && at::hasMKLDNN(), "int8 runs on the CPU alone, through oneDNN");
        auto w = weight->value.to(at::kFloat);
        auto scale = at::amax(at::abs(w), 1).div(127).clamp_min(std::numeric_limits<float>::min());
        auto rounded = at::round(w / scale.unsqueeze(1)).to(at::kChar);
        ct_tensor both[2];
        hand_out({onednn_int8_pack(rounded), scale}, both);
        *packed = both[0], *scales = both[1];
    });
}

int ct_int8_linear(ct_tensor input, ct_tensor packed, ct_tensor scales, ct_tensor bias, bool gelu, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto x = input->value.contiguous();
        auto shape = x.sizes().vec();
        TORCH_CHECK(!shape.empty(), "a linear layer's input has at least one dimension");
        auto rows = x.reshape({-1, shape.back()});
        auto rounded = at::empty(rows.sizes(), at::kByte);
        auto row_scales = at::empty({rows.size(0)}, at::kFloat);
        quantize_rows(rows, rounded, row_scales);
        auto y = onednn_int8_product(rounded, quantized_zero, packed->value, scales->value);
        rescale_rows(y, row_scales, bias ? bias->value : at::zeros({y.size(-1)}), gelu);
        shape.back() = y.size(-1);
        return y.view(shape);
    });
}
