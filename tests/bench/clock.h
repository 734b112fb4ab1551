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

/* runs between two looks at the clock, which itself takes some 25 ns */
static size_t burst_of(const candidate *c, void *user, size_t n)
{
    double start = now();
    c->run(user, n);
    return now() - start < 2e-5 ? 64 : 1;
}

/* median seconds of one run(user, n), each round at least about 2 ms */
static void race(candidate *c, int n_candidates, void *user, size_t n, int rounds)
{
    for (int k = 0; k < n_candidates; k++) c[k].run(user, n);      /* warm */
    for (int r = 0; r < rounds; r++) {
        for (int k = 0; k < n_candidates; k++) {
            const size_t burst = burst_of(&c[k], user, n);
            size_t       times = 0;
            double       start = now(), spent;
            do {
                for (size_t b = 0; b < burst; b++) c[k].run(user, n);
                times += burst;
                spent = now() - start;
            } while (spent < 2e-3);
            c[k].seconds[r] = spent / (double)times;
        }
    }
    for (int k = 0; k < n_candidates; k++) qsort(c[k].seconds, (size_t)rounds, sizeof c[k].seconds[0], by_value);
}

static inline double median(const candidate *c, int rounds) { return c->seconds[rounds / 2]; }
#endif
