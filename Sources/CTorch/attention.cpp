/// Attention without a matrix of scores in memory.
///
/// CPUs run the loops of Attention.hpp, at the highest level of vector instructions that the processor has; other devices run
/// libtorch's own.

#include "Handles.hpp"
#define LOOPS "Attention.hpp"
#include "Levels.hpp"

using namespace ctorch;

/// softmax(factor·q·kᵀ)·v, the heads side by side: (B, N, H·d). Every head is a task of its own, or several where there are
/// fewer heads than threads.
static at::Tensor attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v) {
    int64_t batch = q.size(0), heads = q.size(1), queries = q.size(2), keys = k.size(2), width = q.size(3);
    auto out = at::empty({batch, queries, heads * width}, q.options());
    auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
    int64_t wanted = std::clamp<int64_t>(at::get_num_threads() / std::max<int64_t>(1, batch * heads), 1, std::max<int64_t>(1, queries / 64));
    int64_t share = std::max<int64_t>(1, (queries + wanted - 1) / wanted), parts = (queries + share - 1) / share;
    with_type(q, [&]<class T>(T *) {
        auto head_of = [](const at::Tensor &x, int64_t b, int64_t head) { return data<T>(x) + b * x.stride(0) + head * x.stride(1); };
        each_row(batch * heads * parts, share * keys, [&](int64_t task) {
            static thread_local std::vector<float> scratch;
            int64_t b = task / parts / heads, head = task / parts % heads, first = task % parts * share;
            ON_THIS_PROCESSOR(attend<T>(
                {head_of(q, b, head) + first * q.stride(2), q.stride(2)}, {head_of(k, b, head), k.stride(2)},
                {head_of(v, b, head), v.stride(2)}, {data<T>(out) + ((b * queries + first) * heads + head) * width, heads * width},
                std::min(share, queries - first), keys, width, factor, scratch));
        });
    });
    return out;
}

int ct_merged_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) noexcept {
    return make(out, [&] {
        auto &q = query->value, &k = key->value, &v = value->value;
        TORCH_CHECK(
            q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() && q.size(0) == k.size(0) && q.size(1) == k.size(1) &&
                q.size(3) == k.size(3) && k.size(2) > 0 && q.size(3) > 0 && k.scalar_type() == q.scalar_type() &&
                v.scalar_type() == q.scalar_type() && k.device() == q.device() && v.device() == q.device(),
            "queries ", q.sizes(), ", keys ", k.sizes(), " and values ", v.sizes(), " do not fit (B, H, N|M, d)");
        auto merged = [&](const at::Tensor &x) { return x.transpose(1, 2).reshape({q.size(0), q.size(2), q.size(1) * q.size(3)}); };
        if (!q.is_cpu()) return merged(at::scaled_dot_product_attention(q, k, v));
        auto rows = [](const at::Tensor &x) { return x.stride(3) == 1 ? x : x.contiguous(); };
        return attention(rows(q), rows(k), rows(v));
    });
}
