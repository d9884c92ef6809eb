// Loops of nothing but multiply–adds, one for each instruction that does them.
#ifndef LOOPS_H
#define LOOPS_H

#include <stdint.h>
#include <string.h>

/// In bytes: the widest register, and all that a loop reads and writes.
enum { WIDEST = 64, MOST_CHAINS = 24, MEMORY = WIDEST * (MOST_CHAINS + 2) };

/// Runs `rounds` rounds. `memory` (MEMORY bytes) gives the factors and where the sums start, and takes the sums: the
/// compiler knows neither, so it can leave nothing out.
typedef void (*loop)(uint64_t rounds, unsigned char *memory);

typedef struct {
    const char *instruction;
    loop run;
    /// Operations of a round.
    double operations;
} loop_choice;

enum { MOST_CHOICES = 2 };

/// Fills in the loops that may be this processor's fastest, and returns how many there are: 0 where it has none.
int find_loops(int kind, loop_choice choices[MOST_CHOICES]);

/// Defines the loop `name`: `chains` sums of type `sum`, each of which waits only for itself, and two factors of type
/// `factor`. Enough chains hide how long one instruction takes; more than there are registers would spill.
#define DEFINE_LOOP(name, features, chains, sum, factor, multiply_add)                                                 \
    __attribute__((target(features))) static void name(uint64_t rounds, unsigned char *memory) {                       \
        _Static_assert((chains) <= MOST_CHAINS && sizeof(sum) <= WIDEST, "the memory is too small");                   \
        factor a, b;                                                                                                   \
        sum sums[chains];                                                                                              \
        memcpy(&a, memory, sizeof a);                                                                                  \
        memcpy(&b, memory + WIDEST, sizeof b);                                                                         \
        memcpy(sums, memory + 2 * WIDEST, sizeof sums);                                                                \
        for (uint64_t round = 0; round < rounds; round++) {                                                            \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < (chains); i++) {                                    \
                sums[i] = multiply_add(sums[i], a, b);                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        memcpy(memory + 2 * WIDEST, sums, sizeof sums);                                                                \
    }

#endif
