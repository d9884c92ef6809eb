// The machine's own peak: how many multiply–adds its processor does a second where nothing waits for memory.
#ifndef CPEAK_H
#define CPEAK_H

/// The types of the factors. Sums are float32 of float32 and bfloat16, and int32 of int8.
enum { CP_F32 = 0, CP_BF16 = 1, CP_INT8 = 2 };

/// Operations a second, a multiply–add counting as two: independent chains in registers alone, on so many threads at
/// once, no more than there are processors. It is the best of many windows of ten milliseconds within so many seconds.
///
/// `instruction` becomes the name and the width of the instruction that did it, such as "vfmadd231ps, 512 bits".
///
/// Returns 0 where this processor has no instruction for the type, and a negative number where the threads cannot be
/// started.
double cp_peak(int kind, int threads, double seconds, const char **instruction);

#endif
