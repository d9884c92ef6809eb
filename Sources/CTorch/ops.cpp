#include "Handles.hpp"

using namespace ctorch;

int ct_add(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::add(a->value, b->value); });
}

int ct_sub(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sub(a->value, b->value); });
}

int ct_mul(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::mul(a->value, b->value); });
}

int ct_div(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::div(a->value, b->value); });
}

int ct_add_scalar(ct_tensor a, double b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::add(a->value, b); });
}

int ct_mul_scalar(ct_tensor a, double b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::mul(a->value, b); });
}

int ct_addcmul(ct_tensor a, ct_tensor b, ct_tensor c, ct_tensor *out) noexcept {
    return make(out, [&] { return at::addcmul(a->value, b->value, c->value); });
}

int ct_lerp(ct_tensor a, ct_tensor b, ct_tensor weight, ct_tensor *out) noexcept {
    return make(out, [&] { return at::lerp(a->value, b->value, weight->value); });
}

int ct_exp(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::exp(a->value); });
}

int ct_square(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::square(a->value); });
}

int ct_sin(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sin(a->value); });
}

int ct_cos(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::cos(a->value); });
}

int ct_abs(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::abs(a->value); });
}

int ct_sigmoid(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sigmoid(a->value); });
}

int ct_silu(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::silu(a->value); });
}

int ct_sqrt(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sqrt(a->value); });
}

int ct_log(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::log(a->value); });
}

int ct_at_most(ct_tensor a, ct_tensor b, ct_tensor *out) noexcept {
    return make(out, [&] { return at::le(a->value, b->value).to(a->value.scalar_type()); });
}

int ct_clamp(ct_tensor a, double lowest, double highest, ct_tensor *out) noexcept {
    return make(out, [&] { return at::clamp(a->value, lowest, highest); });
}

int ct_sum(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sum(a->value); });
}

int ct_mean(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::mean(a->value); });
}

int ct_maximum(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::max(a->value); });
}

int ct_sum_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) noexcept {
    return make(out, [&] { return at::sum(a->value, {dimension}, keep); });
}

int ct_mean_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) noexcept {
    return make(out, [&] { return at::mean(a->value, {dimension}, keep); });
}

int ct_maximum_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) noexcept {
    return make(out, [&] { return at::amax(a->value, {dimension}, keep); });
}

int ct_extremes(ct_tensor a, int64_t count, bool largest, ct_tensor *values, ct_tensor *indices) noexcept {
    return guarded([&] {
        auto [best, places] = at::topk(a->value, count, -1, largest);
        ct_tensor both[2];
        hand_out({best, places}, both);
        *values = both[0], *indices = both[1];
    });
}

int ct_all_finite(ct_tensor a, bool *out) noexcept {
    return guarded([&] { *out = at::isfinite(a->value).all().item().toBool(); });
}

int ct_relu(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::relu(a->value); });
}

int ct_tanh(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::tanh(a->value); });
}
