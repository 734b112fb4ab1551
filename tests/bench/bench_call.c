/* What a call costs: one row through a function, eagerly, by the scalar path; recording; a loop iteration. In ns, and in ns
 * at the pace at which a dependent addition takes 0.83: a virtual machine changes its own by half. The least of many rounds: a
 * busy neighbour only adds. */
#include "bodies.h"
#include "clock.h"

enum { ROUNDS = 15, MOST = 1000, METRICS = 6, ITERATIONS = 1000, ADDITIONS = 1000 };
typedef struct bench {
    tally_function *mean, *six, *loop;
    tally_metric   *m[METRICS], *one;
    float          *labels, *scores;
} bench;
static volatile double sink;
static int             six = METRICS;

static void loop_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i) {
        tally_update_state(t, mean, tally_at(x, i));
        i = tally_add(i, tally_num(1));
    }
}

static void call_mean(void *p, size_t n)
{
    bench *b = p;
    tally_tensor x = tally_vector(b->scores, n);
    must(tally_call(b->mean, TALLY_IN(&x, b->one), TALLY_NO_OUT, NULL));
}

static void eager_mean(void *p, size_t n)
{
    bench *b = p;
    tally_tensor x = tally_vector(b->scores, n);
    must(tally_metric_update_state(b->one, &x));
}

static void scalar_mean(void *p, size_t n) { (void)n; must(tally_metric_update_scalar(((bench *)p)->one, 0.25)); }
static void read_mean(void *p, size_t n) { (void)n; sink = tally_metric_result(((bench *)p)->one); }

static void call_loop(void *p, size_t n)
{
    bench *b = p;
    tally_tensor x = tally_vector(b->scores, n);
    must(tally_call(b->loop, TALLY_IN(&x, b->one), TALLY_NO_OUT, NULL));
}

static void record_six(void *p, size_t n)
{
    bench *b = p;
    tally_tensor y = tally_vector(b->labels, n), x = tally_vector(b->scores, n);
    tally_function *f = tally_function_new(pairs_body, &six, NULL, NULL);
    must(tally_function_prepare(f, TALLY_IN(&y, &x, b->m[0], b->m[1], b->m[2], b->m[3], b->m[4], b->m[5]), NULL));
    tally_function_release(f);
}

/* additions that wait for each other: four cycles each, whatever the neighbours do */
static void wait_in_line(void *p, size_t n)
{
    volatile float x = ((bench *)p)->scores[0];
    float          sum = 0;
    (void)n;
    for (int i = 0; i < ADDITIONS; i++)
        sum += x;
    sink = (double)sum;
}

static void cost(const char *what, void (*run)(void *, size_t), bench *b, size_t n, double per, const char *unit)
{
    candidate c[] = { { what, run, { 0 } }, { "additions", wait_in_line, { 0 } } };
    race(c, 2, b, n, ROUNDS);
    const double spent = c[0].seconds[0], addition = c[1].seconds[0] / ADDITIONS;
    printf("%-36s %9.2f %s, %9.2f where an addition takes 0.83 ns (here %.2f)\n", what, spent * per, unit, spent * per * 0.83e-9 / addition,
           1e9 * addition);
}

int main(void)
{
    tally_error e;
    bench b = { tally_function_new(mean_body, NULL, NULL, &e), tally_function_new(pairs_body, &six, NULL, &e),
                tally_function_new(loop_body, NULL, NULL, &e),
                { tally_binary_accuracy_new(NULL, &e), tally_precision_new(NULL, &e), tally_recall_new(NULL, &e),
                  tally_binary_crossentropy_new(NULL, &e), tally_mean_squared_error_new(NULL, &e), tally_mean_absolute_error_new(NULL, &e) },
                tally_mean_new(NULL, &e), malloc(MOST * sizeof(float)), malloc(MOST * sizeof(float)) };
    unsigned seed = 1;
    for (size_t i = 0; i < MOST; i++) {
        seed = seed * 1664525u + 1013904223u;
        b.scores[i] = (float)(seed >> 8) * 0x1p-24f;
        b.labels[i] = (float)(seed >> 7 & 1u);
    }
    cost("checked call, one row", call_mean, &b, 1, 1e9, "ns");
    cost("eager update, one row", eager_mean, &b, 1, 1e9, "ns");
    cost("scalar update", scalar_mean, &b, 1, 1e9, "ns");
    cost("result", read_mean, &b, 1, 1e9, "ns");
    cost("recording and verifying six metrics", record_six, &b, 32, 1e6, "us");
    cost("loop iteration with one update", call_loop, &b, ITERATIONS, 1e9 / ITERATIONS, "ns");
    for (int i = 0; i < METRICS; i++) tally_metric_release(b.m[i]);
    tally_metric_release(b.one);
    tally_function_release(b.mean); tally_function_release(b.six); tally_function_release(b.loop);
    free(b.labels);
    free(b.scores);
    return 0;
}
