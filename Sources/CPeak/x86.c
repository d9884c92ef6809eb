#if defined(__x86_64__)

#include "include/CPeak.h"
#include "loops.h"

#include <cpuid.h>
#include <immintrin.h>

#define FMA_512(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define FMA_256(sum, a, b) _mm256_fmadd_ps(a, b, sum)

// 32 registers with AVX-512, 16 without.
DEFINE_LOOP(f32_512, "avx512f", 24, __m512, __m512, FMA_512)
DEFINE_LOOP(bf16_512, "avx512f,avx512bf16", 24, __m512, __m512bh, _mm512_dpbf16_ps)
DEFINE_LOOP(int8_512, "avx512f,avx512vnni", 24, __m512i, __m512i, _mm512_dpbusd_epi32)
DEFINE_LOOP(f32_256, "avx2,fma", 12, __m256, __m256, FMA_256)
DEFINE_LOOP(int8_256, "avx2,avxvnni", 12, __m256i, __m256i, _mm256_dpbusd_avx_epi32)

/// Whether the processor has AVX-VNNI: bit 4 of EAX in the second part of leaf 7.
static int has_avx_vnni(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

int find_loops(int kind, loop_choice choices[MOST_CHOICES]) {
    __builtin_cpu_init();
    int wide = __builtin_cpu_supports("avx512f");
    loop_choice *choice = choices;
    switch (kind) {
    case CP_F32:
        if (wide)
            *choice++ = (loop_choice){"vfmadd231ps, 512 bits", f32_512, 2 * 24 * 16};
        else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            *choice++ = (loop_choice){"vfmadd231ps, 256 bits", f32_256, 2 * 12 * 8};
        break;
    case CP_BF16:
        if (wide && __builtin_cpu_supports("avx512bf16"))
            *choice++ = (loop_choice){"vdpbf16ps, 512 bits", bf16_512, 2 * 24 * 32};
        break;
    case CP_INT8:
        if (wide && __builtin_cpu_supports("avx512vnni"))
            *choice++ = (loop_choice){"vpdpbusd, 512 bits", int8_512, 2 * 24 * 64};
        else if (has_avx_vnni())
            *choice++ = (loop_choice){"vpdpbusd, 256 bits", int8_256, 2 * 12 * 32};
        break;
    }
    return (int)(choice - choices);
}

#endif
