/// Chains of element-wise operations of a transformer block, each in one pass over memory forwards and one backwards.
///
/// CPUs run Kernels.hpp's loops on float32 and bfloat16; everything else runs the operations that the loops stand for.

#include <torch/csrc/autograd/custom_function.h>

#include "Handles.hpp"
#include "Kernels.hpp"

using namespace ctorch;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

bool is_number(const at::Tensor &x) { return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16; }

at::Tensor with_rows(const at::Tensor &x) { return has_rows(x) ? x : x.contiguous(); }

struct Gelu : torch::autograd::Function<Gelu> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &input) {
        auto x = with_rows(input), out = at::empty(x.sizes(), x.options());
        gelu(x, out);
        context->save_for_backward({x});
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto x = context->get_saved_variables()[0], d = at::empty(x.sizes(), x.options());
        gelu_gradient(x, with_rows(gradients[0]), d);
        return {d};
    }
};

struct ModulatedNorm : torch::autograd::Function<ModulatedNorm> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &input, const at::Tensor &shift, const at::Tensor &scales, double epsilon) {
        auto x = with_rows(input), scale = with_rows(scales), out = at::empty(x.sizes(), scale.options());
        modulated_norm(x, with_rows(shift), scale, epsilon, out);
        context->save_for_backward({x, scale});
        context->saved_data["epsilon"] = epsilon;
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto &x = saved[0], &scale = saved[1];
        auto d_x = at::empty(x.sizes(), x.options()), d_scale = at::empty(x.sizes(), scale.options());
        modulated_norm_gradient(x, scale, with_rows(gradients[0]), context->saved_data["epsilon"].toDouble(), d_x, d_scale);
        return {d_x, gradients[0], d_scale, at::Tensor()};
    }
};

struct PlusGated : torch::autograd::Function<PlusGated> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &gates, const at::Tensor &added) {
        auto gate = with_rows(gates), y = with_rows(added), out = at::empty(x.sizes(), x.options());
        plus_gated(with_rows(x), gate, y, out);
        context->save_for_backward({gate, y});
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto &gate = saved[0], &y = saved[1];
        auto d_gate = at::empty(y.sizes(), y.options()), d_y = at::empty(y.sizes(), y.options());
        gated_gradient(with_rows(gradients[0]), gate, y, d_gate, d_y);
        return {gradients[0], d_gate, d_y};
    }
};

/// Whether x is a stream of float32 rows on a CPU, and the others are of one type and of its shape.
bool suits_loops(const at::Tensor &x, const at::Tensor &a, const at::Tensor &b) {
    return x.is_cpu() && a.is_cpu() && b.is_cpu() && x.scalar_type() == at::kFloat && is_number(a) && a.scalar_type() == b.scalar_type() &&
           x.dim() > 0 && x.numel() > 0 && a.sizes() == x.sizes() && b.sizes() == x.sizes();
}

}  // namespace

int ct_gelu(ct_tensor input, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &x = input->value;
        return x.is_cpu() && is_number(x) && x.dim() > 0 && x.numel() > 0 ? Gelu::apply(x) : at::gelu(x, "tanh");
    });
}

int ct_modulated_norm(ct_tensor input, ct_tensor shift, ct_tensor scale, double epsilon, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &x = input->value, &a = shift->value, &b = scale->value;
        if (suits_loops(x, a, b)) return ModulatedNorm::apply(x, a, b, epsilon);
        auto normal = at::layer_norm(x, {x.size(-1)}, {}, {}, epsilon).to(a.scalar_type());
        return at::addcmul(normal + a, normal, b);
    });
}

int ct_plus_gated(ct_tensor input, ct_tensor gate, ct_tensor added, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &x = input->value, &g = gate->value, &y = added->value;
        return suits_loops(x, g, y) ? PlusGated::apply(x, g, y) : at::addcmul(x, g, y);
    });
}
