/* Plans over a batch against hand-fused loops with the same logarithm (hand.c) and against reading the inputs once: medians of
 * interleaved rounds in one process. Labels are random zeros and ones.
 * bench_plan [rows] runs that many rows only. */
#include "bodies.h"
#include "clock.h"
#include "hand.h"
#include <string.h>

enum { ROUNDS = 9, METRICS = 6, CANDIDATES = 3 };
typedef struct bench {
    tally_function *mean, *accuracy, *crossentropy, *six;
    tally_metric   *m[METRICS], *one;
    float          *labels, *scores;
} bench;
static volatile double sink;

static void call_mean(void *p, size_t n)
{
    bench       *b = p;
    tally_tensor x = tally_vector(b->scores, n);
    must(tally_call(b->mean, TALLY_IN(&x, b->one), TALLY_NO_OUT, NULL));
}

static void call_pair(tally_function *f, bench *b, tally_metric *m, size_t n)
{
    tally_tensor y = tally_vector(b->labels, n), x = tally_vector(b->scores, n);
    must(tally_call(f, TALLY_IN(&y, &x, m), TALLY_NO_OUT, NULL));
}

static void call_accuracy(void *p, size_t n) { call_pair(((bench *)p)->accuracy, p, ((bench *)p)->m[0], n); }
static void call_crossentropy(void *p, size_t n) { call_pair(((bench *)p)->crossentropy, p, ((bench *)p)->m[3], n); }

static void call_six(void *p, size_t n)
{
    bench       *b = p;
    tally_tensor y = tally_vector(b->labels, n), x = tally_vector(b->scores, n);
    must(tally_call(b->six, TALLY_IN(&y, &x, b->m[0], b->m[1], b->m[2], b->m[3], b->m[4], b->m[5]), TALLY_NO_OUT, NULL));
}

static void by_hand_mean(void *p, size_t n) { sink = hand_sum(((bench *)p)->scores, n); }
static void by_hand_accuracy(void *p, size_t n) { sink = hand_binary_accuracy(((bench *)p)->labels, ((bench *)p)->scores, n); }
static void by_hand_crossentropy(void *p, size_t n) { sink = hand_binary_crossentropy(((bench *)p)->labels, ((bench *)p)->scores, n); }
static void by_hand_six(void *p, size_t n) { sink = hand_six(((bench *)p)->labels, ((bench *)p)->scores, n); }

static uint64_t read_bytes(const void *p, size_t bytes)
{
    const unsigned char *b = p;
    uint64_t             all = 0, word;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        memcpy(&word, b + i, 8);
        all |= word;
    }
    return all;
}

static void read_one(void *p, size_t n) { sink = (double)read_bytes(((bench *)p)->scores, n * sizeof(float)); }
static void read_two(void *p, size_t n)
{
    sink = (double)(read_bytes(((bench *)p)->scores, n * sizeof(float)) | read_bytes(((bench *)p)->labels, n * sizeof(float)));
}

typedef struct job {
    const char *name;
    void      (*run[CANDIDATES])(void *user, size_t n);      /* the plan, by hand, reading */
} job;
static const job jobs[] = {
    { "mean", { call_mean, by_hand_mean, read_one } },
    { "binary accuracy", { call_accuracy, by_hand_accuracy, read_two } },
    { "binary crossentropy", { call_crossentropy, by_hand_crossentropy, read_two } },
    { "six metrics", { call_six, by_hand_six, read_two } },
};

static void measure(const job *j, bench *b, size_t n)
{
    candidate c[CANDIDATES];
    for (int k = 0; k < CANDIDATES; k++)
        c[k] = (candidate){ j->name, j->run[k], { 0 } };
    race(c, CANDIDATES, b, n, ROUNDS);
    const double plan = median(&c[0], ROUNDS), hand = median(&c[1], ROUNDS), once = median(&c[2], ROUNDS);
    printf("%-20s %9zu rows  %11.3f us  %8.3f ns a row  %6.2f of hand  %6.2f of reading\n", j->name, n, 1e6 * plan, 1e9 * plan / (double)n,
           plan / hand, plan / once);
}

static void fill(bench *b, size_t n)
{
    unsigned seed = 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        b->scores[i] = (float)(seed >> 8) * 0x1p-24f;
        b->labels[i] = (float)(seed >> 7 & 1u);
    }
}

int main(int argc, char **argv)
{
    static int   one = 1, all = METRICS;
    const size_t only = argc > 1 ? (size_t)atol(argv[1]) : 0, sizes[] = { 1, 32, 256, 4096, 1000000, 30000000 };
    const size_t most = only ? only : sizes[5];
    bench        b = { tally_function_new(mean_body, NULL, NULL, NULL), tally_function_new(pairs_body, &one, NULL, NULL),
                       tally_function_new(pairs_body, &one, NULL, NULL), tally_function_new(pairs_body, &all, NULL, NULL),
                       { tally_binary_accuracy_new(NULL, NULL), tally_precision_new(NULL, NULL), tally_recall_new(NULL, NULL),
                         tally_binary_crossentropy_new(NULL, NULL), tally_mean_squared_error_new(NULL, NULL), tally_mean_absolute_error_new(NULL, NULL) },
                       tally_mean_new(NULL, NULL), malloc(most * sizeof(float)), malloc(most * sizeof(float)) };
    if (!b.labels || !b.scores)
        return 1;
    fill(&b, most);
    for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
            if (!only || (only >= sizes[k] && (k == 5 || only < sizes[k + 1])))
                measure(&jobs[j], &b, only ? only : sizes[k]);
    for (int i = 0; i < METRICS; i++)
        tally_metric_release(b.m[i]);
    tally_metric_release(b.one);
    tally_function_release(b.mean);
    tally_function_release(b.accuracy);
    tally_function_release(b.crossentropy);
    tally_function_release(b.six);
    free(b.labels);
    free(b.scores);
    return 0;
}
