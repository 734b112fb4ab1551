/* Three ways to use threads: one shared metric, a clone per thread merged at the end, and a step that reads and overwrites
 * a variable, repeated while another thread came first (ABORTED). All three are exact. */
#include <pthread.h>
#include <stdio.h>
#include <tally/tally.h>

enum { THREADS = 4, N = 4000, BATCH = 50 };

typedef struct work { tally_function *update, *count; tally_metric *shared, *own; tally_variable *steps; const float *x; tally_status s; } work;

static void update(tally_trace *t, void *user)                    /* (x[n], shared, own) */
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    tally_update_state(t, tally_arg_metric(t, 2), tally_arg(t, 0));
}

static void count(tally_trace *t, void *user)                     /* (steps): steps += 1 */
{
    (void)user;
    tally_variable_ref steps = tally_arg_variable(t, 0);
    tally_assign(t, steps, tally_add(tally_read(t, steps), tally_num(1)));
}

static void *run(void *p)
{
    work *w = (work *)p;
    for (int i = 0; i < N / THREADS && !w->s; i += BATCH) {
        tally_tensor x = tally_vector(w->x + i, BATCH);
        w->s = tally_call(w->update, TALLY_IN(&x, w->shared, w->own), TALLY_NO_OUT, NULL);
        tally_status again = TALLY_ABORTED;
        while (again == TALLY_ABORTED) again = tally_call(w->count, TALLY_IN(w->steps), TALLY_NO_OUT, NULL);
        if (again) w->s = again;
    }
    return NULL;
}

int main(void)
{
    static float    x[N];
    pthread_t       id[THREADS];
    work            w[THREADS];
    tally_error     err = { 0, -1, "" };
    int64_t         zero = 0, steps = 0;
    tally_tensor    z = tally_scalar(&zero);
    tally_metric   *shared = tally_mean_new(NULL, &err), *merged = tally_mean_new(NULL, &err), *own[THREADS];
    tally_variable *v = tally_variable_new(NULL, &z, &err);
    tally_function *f = tally_function_new(update, NULL, NULL, &err), *g = tally_function_new(count, NULL, NULL, &err);
    int             failed = err.status != TALLY_OK;

    for (int i = 0; i < N; i++) x[i] = (float)i / 8;
    for (int i = 0; i < THREADS; i++) {
        own[i] = tally_metric_clone(merged, &err);
        w[i] = (work){ f, g, shared, own[i], v, x + i * (N / THREADS), TALLY_OK };
        if (pthread_create(&id[i], NULL, run, &w[i])) return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        failed |= w[i].s != TALLY_OK;
    }
    tally_buffer out = tally_buffer_of(&steps, 1);
    failed |= tally_metric_merge_state(merged, own, THREADS, &err) || tally_variable_read(v, &out, &err);
    printf("shared %g  merged %g  steps %d\n", tally_metric_result(shared), tally_metric_result(merged), (int)steps);
    for (int i = 0; i < THREADS; i++) tally_metric_release(own[i]);
    tally_metric_release(shared); tally_metric_release(merged); tally_variable_release(v);
    tally_function_release(f); tally_function_release(g);
    return failed;
}
