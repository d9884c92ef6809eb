#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "Autocast.hpp"
#include "Handles.hpp"

using namespace ctorch;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

/// A function of the caller's, released with the last computation that may need it.
struct Body : torch::CustomClassHolder {
    Body(ct_function function, void *context, void (*release)(void *)) : function(function), context(context), release(release) {}
    ~Body() override { release(context); }
    Body(const Body &) = delete;
    Body &operator=(const Body &) = delete;

    at::Tensor operator()(const std::vector<at::Tensor> &inputs) const {
        std::vector<ct_tensor> handles(inputs.size());
        hand_out(inputs, handles.data());
        ct_tensor result = nullptr;
        TORCH_CHECK(function(context, handles.data(), handles.size(), &result) == 0, ct_last_error());
        std::unique_ptr<ct_tensor_s> owned(result);
        return owned->value;
    }

    ct_function function;
    void *context;
    void (*release)(void *);
};

/// Activation checkpointing (arXiv 1604.06174): forward keeps the inputs alone, backward computes again.
struct Checkpoint : torch::autograd::Function<Checkpoint> {
    /// The first `count` tensors are the body's inputs, the others parameters that it uses.
    static at::Tensor forward(AutogradContext *context, const c10::intrusive_ptr<Body> &body, int64_t count, at::TensorList tensors) {
        context->save_for_backward(tensors.vec());
        context->saved_data["body"] = c10::IValue::make_capsule(body);
        context->saved_data["count"] = count;
        auto device = tensors[0].device().type();
        context->saved_data["autocast"] = at::autocast::is_autocast_enabled(device);
        context->saved_data["dtype"] = static_cast<int64_t>(at::autocast::get_autocast_dtype(device));
        AutocastWithoutCache no_cache;
        return (*body)(tensors.slice(0, count).vec());
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto tensors = context->get_saved_variables();
        auto count = context->saved_data["count"].toInt();
        auto body = c10::static_intrusive_pointer_cast<Body>(context->saved_data["body"].toCapsule());
        for (int64_t i = 0; i < count; i++) tensors[i] = tensors[i].detach().requires_grad_(tensors[i].requires_grad());

        at::Tensor output;
        {
            at::AutoGradMode record(true);
            AutocastWithoutCache no_cache;
            // Backward may run on a thread of its own, which knows nothing of forward's autocast.
            std::optional<Autocast> autocast;
            if (context->saved_data["autocast"].toBool())
                autocast.emplace(tensors[0].device().type(), static_cast<at::ScalarType>(context->saved_data["dtype"].toInt()));
            output = (*body)({tensors.begin(), tensors.begin() + count});
        }
        variable_list sources;
        for (auto &tensor : tensors)
            if (tensor.requires_grad()) sources.push_back(tensor);
        auto found = torch::autograd::grad({output}, sources, gradients, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);

        variable_list results(2);  // None for the body and the count.
        size_t next = 0;
        for (auto &tensor : tensors) results.push_back(tensor.requires_grad() ? found[next++] : at::Tensor());
        return results;
    }
};

}  // namespace

int ct_checkpoint(ct_function function, void *context, void (*release)(void *), const ct_tensor *inputs, size_t input_count,
                  const ct_tensor *parameters, size_t parameter_count, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto body = c10::make_intrusive<Body>(function, context, release);
        auto tensors = list(inputs, input_count);
        TORCH_CHECK(!tensors.empty(), "a checkpointed function needs an input");
        for (size_t i = 0; i < parameter_count; i++) tensors.push_back(parameters[i]->value);
        return Checkpoint::apply(body, static_cast<int64_t>(input_count), at::TensorList(tensors));
    });
}
