#include <ATen/CPUGeneratorImpl.h>

#include "Handles.hpp"

using namespace ctorch;

int ct_generator_new(uint64_t seed, ct_generator *out) noexcept {
    return guarded([&] { *out = new ct_generator_s{at::detail::createCPUGenerator(seed)}; });
}

void ct_generator_free(ct_generator generator) noexcept { delete generator; }

int ct_randn(const int64_t *shape, size_t rank, ct_generator generator, ct_tensor *out) noexcept {
    return make(out, [&] { return at::randn(sizes(shape, rank), generator->value); });
}

int ct_rand(const int64_t *shape, size_t rank, ct_generator generator, ct_tensor *out) noexcept {
    return make(out, [&] { return at::rand(sizes(shape, rank), generator->value); });
}
