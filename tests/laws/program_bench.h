/* program_bench: a random program with the data of its calls, and stages on which it runs: a function with metrics and
 * variables of its own under one way of running it. What a call answers, prints, returns and leaves in the stores is written
 * into a transcript, NaN as one NaN, so that two stages are compared byte by byte. */
#ifndef TALLY_TESTS_PROGRAM_BENCH_H
#define TALLY_TESTS_PROGRAM_BENCH_H

#include "layout.h"
#include "program.h"

#include "../../src/function/function.h"

enum { BENCH_CALLS = 3, BENCH_VARIANTS = 16, CREW_MOST = 4, CREW_LAST_FIRST = -1 };

typedef struct bench {
    program     *p;
    test_rng     r;
    int64_t      size[BENCH_CALLS][SIZE_FIRST_RUN];
    tally_tensor x[BENCH_CALLS][MAX_INPUTS];
    array       *variable[MAX_VARIABLES];
    const array *captured[MAX_REGISTERS];
} bench;
void bench_open(bench *b, uint64_t seed);
void bench_close(bench *b);

/* ---- a way of running */
typedef enum disturbance { UNDISTURBED, INTERRUPTED, REFUSED } disturbance;
typedef struct variant {
    const char *name;
    unsigned    passes;
    tally__isa  isa;
    uint32_t    block;
    int         workers;                    /* 0: no hook; CREW_LAST_FIRST: this thread, the last part first; else threads */
    disturbance by;                         /* calls are cut off until one gets through */
} variant;
int  bench_variants(variant v[BENCH_VARIANTS], uint64_t seed);   /* the first: node by node, as recorded */
void crew_start(void);                      /* the threads of all hooks */
void crew_stop(void);

/* ---- what calls did */
typedef struct transcript {
    unsigned char *byte;
    size_t         n, room;
    size_t         at[BENCH_CALLS];         /* where each call begins */
    tally_status   status[BENCH_CALLS];
    char           text[BENCH_CALLS][256];
} transcript;
void transcript_note(transcript *t, const void *p, size_t n);
void transcript_buffer(transcript *t, const tally_buffer *b);        /* sizes and numbers */
int  transcripts_differ(const transcript *a, const transcript *b);   /* the first call that differs, or -1 */

typedef struct stage {
    const bench    *b;
    const variant  *v;
    transcript     *t;
    recording       rec;
    test_memory     memory;
    tally_context  *context;
    tally_function *f;
    int             polls, cancel_at;
    size_t          shared;                 /* loops that the hook was given */
} stage;
void stage_open(stage *s, const bench *b, const variant *v, transcript *t);
void stage_close(stage *s);
void stage_call(stage *s, const tally_tensor *x, int call);          /* x: [n_inputs] */
void stage_stores(const stage *s, transcript *to);                   /* bytes of all metrics, values of all variables */

#endif
