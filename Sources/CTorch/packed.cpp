/// Linear layers through oneDNN's operators, which PyTorch registers with its dispatcher but gives no C++ names.

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include <limits>
#include <string_view>

#include "Handles.hpp"
#include "Kernels.hpp"
#include "OneDNN.hpp"

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

at::Tensor onednn_product(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias, bool gelu) {
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

/// A linear layer with oneDNN's products forwards and towards the input; PyTorch's own is as fast for the weight's gradient.
struct OneDNNLinear : torch::autograd::Function<OneDNNLinear> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &bias) {
        context->save_for_backward({x, weight});
        return onednn_product(x, weight, bias, false);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto &x = saved[0], &weight = saved[1];
        auto g = gradients[0].contiguous();
        auto rows = g.reshape({-1, g.size(-1)});
        at::Tensor dx, dw, db;
        if (context->needs_input_grad(0)) dx = onednn_product(g, weight.t().contiguous(), std::nullopt, false);
        if (context->needs_input_grad(1)) dw = rows.t().mm(x.reshape({-1, x.size(-1)}));
        if (context->needs_input_grad(2)) db = rows.sum(0);
        return {dx, dw, db};
    }
};

}  // namespace

bool ctorch::suits_onednn_linear(const at::Tensor &x, const at::Tensor &weight) {
    constexpr int64_t products_worth_it = 1 << 20;
    return x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && weight.dim() == 2 && x.dim() > 0 &&
           at::hasMKLDNN() && !at::autocast::is_autocast_enabled(at::kCPU) && x.numel() * weight.size(0) >= products_worth_it;
}

at::Tensor ctorch::onednn_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    TORCH_CHECK(x.size(-1) == weight.size(1), "a weight of shape ", weight.sizes(), " does not fit an input of shape ", x.sizes());
    return OneDNNLinear::apply(x.contiguous(), weight, bias ? *bias : at::zeros({weight.size(0)}));
}

int ct_pack_weight(ct_tensor weight, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &w = weight->value;
        TORCH_CHECK(w.dim() == 2, "a linear layer's weight is (out, in), not ", w.sizes());
        bool has_products = w.scalar_type() == at::kFloat || (w.scalar_type() == at::kBFloat16 && vector_bits() == 512);
        return w.is_cpu() && at::hasMKLDNN() && has_products ? onednn_reorder(w) : w;
    });
}

int ct_packed_linear(ct_tensor input, ct_tensor packed, ct_tensor bias, bool gelu, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto x = input->value.to(packed->value.scalar_type());
        if (packed->value.is_mkldnn()) return onednn_product(x, packed->value, optional(bias), gelu);
        auto y = at::linear(x, packed->value, optional(bias));
        return gelu ? at::gelu(y, "tanh") : y;
    });
}

int ct_pack_int8_weight(ct_tensor weight, ct_tensor *packed, ct_tensor *scales) noexcept {
    return guarded([&] {
        TORCH_CHECK(weight->value.dim() == 2, "a linear layer's weight is (out, in), not ", weight->value.sizes());
        TORCH_CHECK(weight->value.is_cpu() && at::hasMKLDNN(), "int8 runs on the CPU alone, through oneDNN; use --device cpu, or bf16");
        TORCH_CHECK(has_exact_int8(), "int8 needs a processor with VNNI instructions, and this one has none; use bf16");
        auto w = weight->value.to(at::kFloat);
        auto scale = at::amax(at::abs(w), 1).div(127).clamp_min(std::numeric_limits<float>::min());
        auto rounded = at::round(w / scale.unsqueeze(1)).to(at::kChar);
        ct_tensor both[2];
        hand_out({onednn_int8_pack(rounded), scale}, both);
        *packed = both[0], *scales = both[1];
    });
}

namespace {

/// A layer's int8 weight (out, in), packed, with its rows' scales and its bias (out).
struct Int8Layer {
    const at::Tensor &weight, &scales, &bias;
};

/// Numbers rounded to 8 bits, row by row: (M, K) and one scale a row (M).
struct RoundedRows {
    at::Tensor values, scales;

    explicit RoundedRows(const at::Tensor &like)
        : values(at::empty(like.sizes(), at::kByte)), scales(at::empty({like.size(0)}, at::kFloat)) {}
};

at::Tensor product(const RoundedRows &x, const Int8Layer &layer) {
    return onednn_int8_product(x.values, quantized_zero, layer.weight, layer.scales);
}

/// The input as rows (M, K), rounded.
RoundedRows round_rows(const at::Tensor &input) {
    TORCH_CHECK(input.is_cpu() && input.dim() > 0, "a linear layer in int8 takes at least one dimension, on the CPU");
    auto rows = input.contiguous().view({-1, input.size(-1)});
    RoundedRows rounded(rows);
    quantize_rows(rows, rounded.values, rounded.scales);
    return rounded;
}

/// Rows (M, N) in the shape of the input that they come from.
at::Tensor as(const at::Tensor &input, const at::Tensor &rows) {
    auto shape = input.sizes().vec();
    shape.back() = rows.size(-1);
    return rows.view(shape);
}

}  // namespace

int ct_int8_linear(ct_tensor input, ct_tensor packed, ct_tensor scales, ct_tensor bias, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto no_bias = bias ? at::Tensor() : at::zeros_like(scales->value);
        Int8Layer layer{packed->value, scales->value, bias ? bias->value : no_bias};
        auto x = round_rows(input->value);
        auto y = product(x, layer);
        rescale_rows(y, x.scales, layer.bias);
        return as(input->value, y);
    });
}

int ct_int8_mlp(ct_tensor input, ct_tensor packed_in, ct_tensor scales_in, ct_tensor bias_in, ct_tensor packed_out, ct_tensor scales_out,
                ct_tensor bias_out, ct_tensor *out) noexcept {
    return make(out, [&] {
        Int8Layer first{packed_in->value, scales_in->value, bias_in->value}, second{packed_out->value, scales_out->value, bias_out->value};
        auto x = round_rows(input->value);
        auto h = product(x, first);
        RoundedRows hidden(h);
        rescale_gelu_quantize_rows(h, x.scales, first.bias, hidden.values, hidden.scales);
        auto y = product(hidden, second);
        rescale_rows(y, hidden.scales, second.bias);
        return as(input->value, y);
    });
}
