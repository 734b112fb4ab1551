/* law_threads: several threads update one metric at once, eagerly and through one function. What a thread is, the build says. */
#include "selftest.h"

#include <stdlib.h>

enum { THREADS = 4, BATCHES = 6, TURNS = 8 };

#if defined TALLY_NO_THREADS
#elif defined TALLY_C11_THREADS
#include <threads.h>
typedef thrd_t thread;
static bool thread_start(thread *t, int (*run)(void *), void *arg) { return thrd_create(t, run, arg) == thrd_success; }
static void thread_join(thread t) { (void)thrd_join(t, NULL); }
#else
#include <pthread.h>
typedef struct thread { pthread_t id; } thread;
typedef struct task { int (*run)(void *); void *arg; } task;
static void *thread_run(void *user)
{
    task t = *(task *)user;
    free(user);
    t.run(t.arg);
    return NULL;
}
static bool thread_start(thread *t, int (*run)(void *), void *arg)
{
    task *of = malloc(sizeof *of);
    if (!of)
        return false;
    *of = (task){ run, arg };
    if (!pthread_create(&t->id, NULL, thread_run, of))
        return true;
    free(of);
    return false;
}
static void thread_join(thread t) { (void)pthread_join(t.id, NULL); }
#endif

typedef struct work {
    const tally__batch *batch;           /* BATCHES of its own */
    tally_metric       *m;
    tally_function     *f;
    tally_status        status;
    tally_error         why;
} work;

static tally_status call(work *w, const tally__batch *b)
{
    tally_value   in[TALLY__SORT_OPERANDS + 2];
    tally_metric *back;
    for (int i = 0; i < b->n; i++)
        in[i] = tally__in_tensor(&b->x[i]);
    in[b->n] = tally__in_metric(w->m);
    return tally_call(w->f, in, b->n + 1, TALLY_OUT(&back), &w->why);
}

/* ABORTED: the body reads its metric, and another thread came first */
static int run(void *user)
{
    work *w = user;
    for (int turn = 0; turn < TURNS; turn++)
        for (int k = 0; k < BATCHES && !w->status; k++)
            do
                w->status = (turn + k) % 2 ? call(w, &w->batch[k]) : tally__give(w->m, &w->batch[k], &w->why);
            while (w->status == TALLY_ABORTED);
    return 0;
}

static void run_all(work *w)
{
#if defined TALLY_NO_THREADS
    for (int k = 0; k < THREADS; k++)
        run(&w[k]);
#else
    thread t[THREADS];
    bool   started[THREADS];
    for (int k = 0; k < THREADS; k++)
        started[k] = thread_start(&t[k], run, &w[k]);
    for (int k = 0; k < THREADS; k++)
        if (started[k])
            thread_join(t[k]);
        else
            run(&w[k]);
#endif
}

void tally__law_threads(tally__trial *c)
{
    tally__batch     b[THREADS * BATCHES];
    work             w[THREADS];
    tally_metric    *m = tally__fresh(c), *want = tally__fresh(c);
    tally__body_user u = { 0, c->sort->n + c->weighted, NULL, { { NULL, 0, 0 } } };
    tally_function  *f = tally_function_new(tally__update_recorded, &u, NULL, NULL);
    for (int k = 0; k < THREADS * BATCHES; k++)
        b[k] = tally__batch_make(c, (int64_t)tally__below(c, 5));
    for (int k = 0; k < THREADS * BATCHES * TURNS; k++)
        tally__eat(c, want, &b[k % (THREADS * BATCHES)]);
    for (int k = 0; k < THREADS; k++)
        w[k] = (work){ b + k * BATCHES, m, f, TALLY_OK, { 0, -1, "" } };
    if (!c->status)
        run_all(w);
    for (int k = 0; k < THREADS; k++)
        tally__must(c, w[k].status, "an update on a thread", &w[k].why);
    tally__same(c, "updated by four threads at once", m, want);
    tally_function_release(f);
}
