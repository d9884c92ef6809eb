#include "Handles.hpp"

using namespace ctorch;

int ct_reshape(ct_tensor tensor, const int64_t *shape, size_t rank, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.reshape(sizes(shape, rank)); });
}

int ct_expand(ct_tensor tensor, const int64_t *shape, size_t rank, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.expand(sizes(shape, rank)); });
}

int ct_permute(ct_tensor tensor, const int64_t *order, size_t rank, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.permute(sizes(order, rank)); });
}

int ct_transpose(ct_tensor tensor, int64_t first, int64_t second, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.transpose(first, second); });
}

int ct_narrow(ct_tensor tensor, int64_t dimension, int64_t start, int64_t length, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.narrow(dimension, start, length); });
}

int ct_split(ct_tensor tensor, int64_t dimension, const int64_t *lengths, size_t count, ct_tensor *out) noexcept {
    return guarded([&] { hand_out(tensor->value.split_with_sizes(sizes(lengths, count), dimension), out); });
}

int ct_unbind(ct_tensor tensor, int64_t dimension, size_t count, ct_tensor *out) noexcept {
    return guarded([&] {
        TORCH_CHECK(tensor->value.size(dimension) == static_cast<int64_t>(count), "the dimension does not have ", count, " entries");
        hand_out(tensor->value.unbind(dimension), out);
    });
}

int ct_unsqueeze(ct_tensor tensor, int64_t dimension, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.unsqueeze(dimension); });
}

int ct_flip(ct_tensor tensor, int64_t dimension, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.flip({dimension}); });
}

int ct_cat(const ct_tensor *tensors, size_t count, int64_t dimension, ct_tensor *out) noexcept {
    return make(out, [&] { return at::cat(list(tensors, count), dimension); });
}

int ct_stack(const ct_tensor *tensors, size_t count, int64_t dimension, ct_tensor *out) noexcept {
    return make(out, [&] { return at::stack(list(tensors, count), dimension); });
}

int ct_index_select(ct_tensor tensor, int64_t dimension, ct_tensor indices, ct_tensor *out) noexcept {
    return make(out, [&] { return tensor->value.index_select(dimension, indices->value); });
}
