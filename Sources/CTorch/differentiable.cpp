/// Chains of element-wise operations of a transformer block, each in one pass over memory forwards and one backwards.
///
/// CPUs run the loops of Rows.hpp on float32 and bfloat16; everything else runs the operations that the loops stand for.

#include <torch/csrc/autograd/custom_function.h>

#include "Handles.hpp"
#define LOOPS "Rows.hpp"
#include "Levels.hpp"

using namespace ctorch;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

bool is_number(const at::Tensor &x) { return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16; }

/// Whether the numbers of a row are neighbours, and all rows equally far apart.
bool has_rows(const at::Tensor &x) {
    if (x.dim() == 0 || x.stride(-1) != 1) return false;
    for (int64_t i = x.dim() - 3; i >= 0; i--)
        if (x.stride(i) != x.size(i + 1) * x.stride(i + 1)) return false;
    return true;
}

/// The rows of a tensor of which `has_rows` holds.
template <class T>
struct RowsOf {
    explicit RowsOf(const at::Tensor &x) : first(data<T>(x)), stride(x.is_contiguous() ? x.size(-1) : x.stride(-2)) {}
    T *operator()(int64_t row) const { return first + row * stride; }
    T *first;
    int64_t stride;
};

// Of all of the following, the tensors have the same shape (…, D) and, unless it says otherwise, the same type, float32 or
// bfloat16. Those that are written are contiguous; of the others it is enough that `has_rows` says so.

void gelu(const at::Tensor &x, const at::Tensor &out) {
    int64_t width = x.size(-1);
    with_type(x, [&]<class T>(T *) {
        RowsOf<T> from(x), to(out);
        each_row(x.numel() / width, width, [&](int64_t row) { ON_THIS_PROCESSOR(gelu(from(row), to(row), width)); });
    });
}

/// d ← the gradient of x, given that of GELU(x).
void gelu_gradient(const at::Tensor &x, const at::Tensor &gradient, const at::Tensor &d) {
    int64_t width = x.size(-1);
    with_type(x, [&]<class T>(T *) {
        RowsOf<T> from(x), given(gradient), to(d);
        each_row(x.numel() / width, width, [&](int64_t row) {
            ON_THIS_PROCESSOR(gelu_gradient(from(row), given(row), to(row), width));
        });
    });
}

/// out ← LayerNorm(x)·(1 + scale) + shift; x is float32.
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

/// The gradients of x, float32 like x, and of the scale.
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

/// out ← x + gate·y; x and out are float32.
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

/// The gradients of gate and y, given that of x + gate·y, float32.
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
