#include <torch/csrc/autograd/autograd.h>

#include "Handles.hpp"

using namespace ctorch;

int ct_gradients(const ct_tensor *outputs, const ct_tensor *output_gradients, size_t output_count, const ct_tensor *inputs, size_t input_count,
                 bool retain_graph, ct_tensor *out) noexcept {
    return guarded([&] {
        std::vector<at::Tensor> seeds;
        if (output_gradients) seeds = list(output_gradients, output_count);
        auto sources = list(inputs, input_count);
        auto gradients = torch::autograd::grad(list(outputs, output_count), sources, seeds, retain_graph, /*create_graph=*/false, /*allow_unused=*/true);
        for (size_t i = 0; i < input_count; i++) {
            if (!gradients[i].defined()) gradients[i] = at::zeros_like(sources[i]);
        }
        hand_out(gradients, out);
    });
}

int ct_adamw(const ct_tensor *parameters, const ct_tensor *gradients, const ct_tensor *means, const ct_tensor *squares, size_t count, int64_t step,
             double learning_rate, double beta1, double beta2, double weight_decay, double epsilon) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        if (count == 0) return;
        auto targets = list(parameters, count), slopes = list(gradients, count);
        for (size_t i = 0; i < count; i++) {
            TORCH_CHECK(slopes[i].sizes() == targets[i].sizes(), "a gradient of shape ", slopes[i].sizes(), " for a parameter of shape ",
                        targets[i].sizes());
            // The fused operation goes through memory as it lies, and a convolution's gradient may have its channels last.
            slopes[i] = slopes[i].contiguous();
        }
        auto steps = std::vector<at::Tensor>(count, at::full({}, static_cast<double>(step), targets[0].options().dtype(at::kFloat)));
        at::_fused_adamw_(targets, slopes, list(means, count), list(squares, count), /*max_exp_avg_sqs=*/{}, steps, learning_rate,
                          beta1, beta2, weight_decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
    });
}

int ct_lerp_in_place(const ct_tensor *a, const ct_tensor *b, size_t count, double weight) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        if (count > 0) at::_foreach_lerp_(list(a, count), list(b, count), weight);
    });
}

int ct_scale_in_place(const ct_tensor *a, size_t count, double factor) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        if (count > 0) at::_foreach_mul_(list(a, count), factor);
    });
}

int ct_add_in_place(const ct_tensor *a, const ct_tensor *b, size_t count, double factor) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        if (count > 0) at::_foreach_add_(list(a, count), list(b, count), factor);
    });
}

int ct_global_norm(const ct_tensor *tensors, size_t count, double *out) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        *out = 0;
        if (count == 0) return;
        *out = at::stack(at::_foreach_norm(list(tensors, count))).to(at::kDouble).norm().item().toDouble();
    });
}
