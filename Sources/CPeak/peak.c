#include "include/CPeak.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "loops.h"

/// Long enough for the clock to be exact, short enough that some windows are undisturbed.
static const double window_seconds = 0.01;
/// All threads are running by then.
static const double start_seconds = 0.003;
/// Between two looks at the clock: some 10 µs.
static const uint64_t rounds_at_once = 2000;

typedef struct {
    loop_choice choice;
    double start;
    int windows;
    /// Operations a second of this thread in each window.
    double *rates;
} worker;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *work(void *argument) {
    worker *self = argument;
    unsigned char memory[MEMORY];
    // As float32, bfloat16 and int8 alike a plain number: 0.0115 or 60.
    memset(memory, 0x3C, sizeof memory);
    double time = now();
    while (time < self->start) {
        self->choice.run(rounds_at_once, memory);
        time = now();
    }
    for (int window = 0; window < self->windows; window++) {
        double end = self->start + (window + 1) * window_seconds;
        double begin = time;
        uint64_t count = 0;
        for (; time < end; time = now()) {
            self->choice.run(rounds_at_once, memory);
            count++;
        }
        double work_done = (double)count * (double)rounds_at_once * self->choice.operations;
        self->rates[window] = time > begin ? work_done / (time - begin) : 0;
    }
    return NULL;
}

/// Operations a second of one loop; negative where not all threads can be started.
static double measure(loop_choice choice, int threads, double seconds) {
    int windows = 1 + (int)(seconds / window_seconds);
    worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_t *handles = calloc((size_t)threads, sizeof *handles);
    double *rates = calloc((size_t)threads * (size_t)windows, sizeof *rates);
    double best = -1;
    if (workers != NULL && handles != NULL && rates != NULL) {
        double start = now() + start_seconds;
        int started = 0;
        for (; started < threads; started++) {
            workers[started] = (worker){choice, start, windows, rates + (size_t)started * (size_t)windows};
            if (pthread_create(&handles[started], NULL, work, &workers[started]) != 0) break;
        }
        for (int i = 0; i < started; i++) pthread_join(handles[i], NULL);
        for (int window = 0; started == threads && window < windows; window++) {
            double sum = 0;
            for (int i = 0; i < threads; i++) sum += workers[i].rates[window];
            if (sum > best) best = sum;
        }
    }
    free(workers);
    free(handles);
    free(rates);
    return best;
}

double cp_peak(int kind, int threads, double seconds, const char **instruction) {
    *instruction = NULL;
    loop_choice choices[MOST_CHOICES];
    int count = find_loops(kind, choices);
    if (count == 0) return 0;
    if (threads < 1 || !(seconds > 0 && seconds <= 60)) return -1;
    double best = -1;
    for (int i = 0; i < count; i++) {
        double rate = measure(choices[i], threads, seconds / count);
        if (rate < 0) return rate;
        if (rate > best) {
            best = rate;
            *instruction = choices[i].instruction;
        }
    }
    return best;
}

#if !defined(__x86_64__) && !defined(__aarch64__)
int find_loops(int kind, loop_choice choices[MOST_CHOICES]) {
    (void)kind, (void)choices;
    return 0;
}
#endif
