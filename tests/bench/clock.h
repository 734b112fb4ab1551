/* Interleaved timing: every candidate runs once per round, the median counts, so that a busy neighbour hits all alike. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct candidate {
    const char *name;
    void      (*run)(void *user, size_t n);
    double      seconds[32];   /* one per round */
} candidate;

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* median seconds of one run(user, n), each round at least about 2 ms */
static void race(candidate *c, int n_candidates, void *user, size_t n, int rounds)
{
    for (int k = 0; k < n_candidates; k++) c[k].run(user, n);
    for (int r = 0; r < rounds; r++) {
        for (int k = 0; k < n_candidates; k++) {
            size_t times = 0;
            double start = now(), spent;
            do {
                c[k].run(user, n);
                times++;
                spent = now() - start;
            } while (spent < 2e-3);
            c[k].seconds[r] = spent / (double)times;
        }
    }
    for (int k = 0; k < n_candidates; k++) qsort(c[k].seconds, (size_t)rounds, sizeof c[k].seconds[0], by_value);
}

static inline double median(const candidate *c, int rounds) { return c->seconds[rounds / 2]; }
#endif
