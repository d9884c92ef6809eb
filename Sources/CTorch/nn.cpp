#include <cmath>

#include "Handles.hpp"

using namespace ctorch;

int ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::matmul(a->value, b->value); });
}

int ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out) noexcept {
    return make(out, [&] { return at::linear(input->value, weight->value, optional(bias)); });
}

int ct_layer_norm(ct_tensor input, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) noexcept {
    return make(out, [&] {
        return at::layer_norm(input->value, {input->value.size(-1)}, optional(weight), optional(bias), epsilon);
    });
}

int ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &q = query->value, &k = key->value, &v = value->value;
        if (!q.is_cpu()) return at::scaled_dot_product_attention(q, k, v);
        // On CPUs the fused kernel is several times slower than three plain operations at up to a few hundred tokens.
        auto scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
        return at::matmul(at::softmax(scores, -1), v);
    });
}

int ct_mean_pool_2x2(ct_tensor input, ct_tensor *out) noexcept {
    return make(out, [&] { return at::avg_pool2d(input->value, {2, 2}); });
}

int ct_upsample_2x2(ct_tensor input, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto size = input->value.sizes();
        TORCH_CHECK(size.size() == 4, "expected (B, C, h, w), got ", size);
        return at::upsample_nearest2d(input->value, {2 * size[2], 2 * size[3]});
    });
}

int ct_conv2d(ct_tensor input, ct_tensor weight, ct_tensor bias, int64_t stride, int64_t padding, ct_tensor *out) noexcept {
    return make(out, [&] { return at::conv2d(input->value, weight->value, optional(bias), {stride, stride}, {padding, padding}); });
}

int ct_group_norm(ct_tensor input, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) noexcept {
    return make(out, [&] { return at::group_norm(input->value, groups, optional(weight), optional(bias), epsilon); });
}

int ct_pad(ct_tensor input, const int64_t *amounts, size_t count, ct_tensor *out) noexcept {
    return make(out, [&] { return at::constant_pad_nd(input->value, sizes(amounts, count), 0); });
}
