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

int ct_gelu(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::gelu(a->value, "tanh"); });
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

int ct_all_finite(ct_tensor a, bool *out) noexcept {
    return guarded([&] { *out = at::isfinite(a->value).all().item().toBool(); });
}

int ct_relu(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::relu(a->value); });
}

int ct_tanh(ct_tensor a, ct_tensor *out) noexcept {
    return make(out, [&] { return at::tanh(a->value); });
}
