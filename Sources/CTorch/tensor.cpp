#include <cstring>

#include "Handles.hpp"

using namespace ctorch;

void ct_tensor_free(ct_tensor tensor) noexcept { delete tensor; }

int ct_tensor_from_data(const void *data, const int64_t *shape, size_t rank, int32_t dtype, ct_device where, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto tensor = at::empty(sizes(shape, rank), options(dtype, {CT_CPU, 0}));
        if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
        return tensor.to(device(where));
    });
}

int ct_tensor_full(const int64_t *shape, size_t rank, double value, int32_t dtype, ct_device where, ct_tensor *out) noexcept {
    return make(out, [&] { return at::full(sizes(shape, rank), value, options(dtype, where)); });
}

int ct_tensor_copy_out(ct_tensor tensor, void *data, size_t bytes) noexcept {
    return guarded([&] {
        auto host = tensor->value.detach().to(at::kCPU).contiguous();
        TORCH_CHECK(host.nbytes() == bytes, "the tensor has ", host.nbytes(), " bytes, the buffer ", bytes);
        if (bytes > 0) std::memcpy(data, host.const_data_ptr(), bytes);
    });
}

size_t ct_tensor_rank(ct_tensor tensor) noexcept { return static_cast<size_t>(tensor->value.dim()); }

int64_t ct_tensor_size(ct_tensor tensor, size_t dimension) noexcept {
    auto sizes = tensor->value.sizes();
    return dimension < sizes.size() ? sizes[dimension] : 0;
}

int32_t ct_tensor_dtype(ct_tensor tensor) noexcept { return static_cast<int32_t>(tensor->value.scalar_type()); }

ct_device ct_tensor_device(ct_tensor tensor) noexcept {
    auto device = tensor->value.device();
    return {static_cast<int32_t>(device.type()), device.has_index() ? device.index() : 0};
}

int ct_tensor_item(ct_tensor tensor, double *out) noexcept {
    return guarded([&] { *out = tensor->value.item().toDouble(); });
}

int ct_tensor_to(ct_tensor tensor, int32_t dtype, ct_device where, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.to(options(dtype, where)); });
}

int ct_tensor_clone(ct_tensor tensor, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.clone(at::MemoryFormat::Contiguous); });
}

int ct_tensor_detach(ct_tensor tensor, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.detach(); });
}

int ct_tensor_share(ct_tensor tensor, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value; });
}

int ct_tensor_copy_in_place(ct_tensor tensor, ct_tensor source) noexcept {
    return guarded([&] {
        c10::NoGradGuard no_gradient;
        TORCH_CHECK(tensor->value.sizes() == source->value.sizes(), "shapes differ: ", tensor->value.sizes(), " and ", source->value.sizes());
        tensor->value.copy_(source->value);
    });
}

int ct_tensor_require_gradient(ct_tensor tensor, bool required) noexcept {
    return guarded([&] { tensor->value.requires_grad_(required); });
}
