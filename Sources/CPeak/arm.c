#if defined(__aarch64__)

#include "include/CPeak.h"
#include "loops.h"

#include <arm_neon.h>

#ifdef __APPLE__
#include <sys/sysctl.h>

static int has(const char *feature) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(feature, &value, &size, NULL, 0) == 0 && value != 0;
}

static int has_bf16(void) { return has("hw.optional.arm.FEAT_BF16"); }
static int has_int8_matrices(void) { return has("hw.optional.arm.FEAT_I8MM"); }
static int has_int8_dot(void) { return has("hw.optional.arm.FEAT_DotProd"); }
#else
#include <sys/auxv.h>

// Linux's numbers for what the processor can do.
static int has_bf16(void) { return getauxval(AT_HWCAP2) >> 14 & 1; }
static int has_int8_matrices(void) { return getauxval(AT_HWCAP2) >> 13 & 1; }
static int has_int8_dot(void) { return getauxval(AT_HWCAP) >> 20 & 1; }
#endif

DEFINE_LOOP(f32, "neon", 24, float32x4_t, float32x4_t, vfmaq_f32)
DEFINE_LOOP(bf16_dot, "bf16", 24, float32x4_t, bfloat16x8_t, vbfdotq_f32)
DEFINE_LOOP(bf16_matrices, "bf16", 24, float32x4_t, bfloat16x8_t, vbfmmlaq_f32)
DEFINE_LOOP(int8_dot, "dotprod", 24, int32x4_t, int8x16_t, vdotq_s32)
DEFINE_LOOP(int8_matrices, "i8mm", 24, int32x4_t, int8x16_t, vmmlaq_s32)

// Products of small matrices do more work in an instruction, but some processors take longer over it.
int find_loops(int kind, loop_choice choices[MOST_CHOICES]) {
    loop_choice *choice = choices;
    switch (kind) {
    case CP_F32: *choice++ = (loop_choice){"fmla, 128 bits", f32, 2 * 24 * 4}; break;
    case CP_BF16:
        if (has_bf16()) {
            *choice++ = (loop_choice){"bfmmla, 128 bits", bf16_matrices, 2 * 24 * 16};
            *choice++ = (loop_choice){"bfdot, 128 bits", bf16_dot, 2 * 24 * 8};
        }
        break;
    case CP_INT8:
        if (has_int8_matrices()) *choice++ = (loop_choice){"smmla, 128 bits", int8_matrices, 2 * 24 * 32};
        if (has_int8_dot()) *choice++ = (loop_choice){"sdot, 128 bits", int8_dot, 2 * 24 * 16};
        break;
    }
    return (int)(choice - choices);
}

#endif
