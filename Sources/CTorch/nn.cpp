#include <cmath>

#include "Handles.hpp"
#include "OneDNN.hpp"

using namespace ctorch;

int ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::matmul(a->value, b->value); });
}

int ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &x = input->value, &w = weight->value;
        if (suits_onednn_linear(x, w)) return onednn_linear(x, w, optional(bias));
        return at::linear(x, w, optional(bias));
    });
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

int ct_softmax(ct_tensor input, int64_t dimension, ct_tensor *out) noexcept {
    return make(out, [&] { return at::softmax(input->value, dimension); });
}

int ct_cross_entropy(ct_tensor logits, ct_tensor classes, double smoothing, ct_tensor *out) noexcept {
    return make(out, [&] {
        constexpr int64_t no_class_ignored = -100;
        return at::cross_entropy_loss(logits->value, classes->value, {}, at::Reduction::Mean, no_class_ignored, smoothing);
    });
}

int ct_mean_pool(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) noexcept {
    return make(out, [&] {
        return at::avg_pool2d(input->value, {kernel, kernel}, {stride, stride}, {padding, padding}, false, false);
    });
}

int ct_maximum_pool(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) noexcept {
    return make(out, [&] { return at::max_pool2d(input->value, {kernel, kernel}, {stride, stride}, {padding, padding}); });
}

int ct_channels_last(ct_tensor input, ct_tensor *out) noexcept {
    return make(out, [&] { return input->value.contiguous(at::MemoryFormat::ChannelsLast); });
}

int ct_symmetric_eigen(ct_tensor matrix, ct_tensor *values, ct_tensor *vectors) noexcept {
    return guarded([&] {
        auto [eigenvalues, eigenvectors] = at::linalg_eigh(matrix->value);
        ct_tensor both[2];
        hand_out({eigenvalues, eigenvectors}, both);
        *values = both[0], *vectors = both[1];
    });
}

int ct_upsample_2x2(ct_tensor input, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto size = input->value.sizes();
        TORCH_CHECK(size.size() == 4, "expected (B, C, h, w), got ", size);
        return at::upsample_nearest2d(input->value, {2 * size[2], 2 * size[3]});
    });
}

int ct_conv2d(ct_tensor input, ct_tensor weight, ct_tensor bias, int64_t stride, int64_t padding_rows, int64_t padding_columns,
              ct_tensor *out) noexcept {
    return make(out, [&] {
        return at::conv2d(
            input->value, weight->value, optional(bias), {stride, stride}, {padding_rows, padding_columns});
    });
}

int ct_group_norm(ct_tensor input, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) noexcept {
    return make(out, [&] { return at::group_norm(input->value, groups, optional(weight), optional(bias), epsilon); });
}

int ct_pad(ct_tensor input, const int64_t *amounts, size_t count, ct_tensor *out) noexcept {
    return make(out, [&] { return at::constant_pad_nd(input->value, sizes(amounts, count), 0); });
}

int ct_unfold(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) noexcept {
    return make(out, [&] {
        return at::im2col(input->value, {kernel, kernel}, {1, 1}, {padding, padding}, {stride, stride});
    });
}
