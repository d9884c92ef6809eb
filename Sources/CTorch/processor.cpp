/// What the processor can do.

#include "Kernels.hpp"

int32_t ctorch::vector_bits() noexcept {
#ifdef __x86_64__
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2 && avx512) return 512;
    if (avx2) return 256;
#endif
    return 128;
}

bool ctorch::has_exact_int8() noexcept {
#ifdef __x86_64__
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("avxvnni");
#else
    return true;
#endif
}

bool ctorch::has_bf16_products() noexcept {
#ifdef __x86_64__
    __builtin_cpu_init();
    return vector_bits() == 512 && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}
