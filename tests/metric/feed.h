/* feed: small arrays of any dtype for metrics, and a look at their states. For the tests of the metric floor. */
#ifndef TALLY_TESTS_FEED_H
#define TALLY_TESTS_FEED_H

#include "../support.h"
#include <tally/tally.h>
#include "../../src/metric/metric.h"

enum { FEED_MOST = 64 };
typedef struct array {
    int     rank;
    int64_t shape[4];
    double  v[FEED_MOST];
} array;
#define S0(x)            (&(const array){ 0, { 0 }, { x } })
#define V(n, ...)        (&(const array){ 1, { n }, { __VA_ARGS__ } })
#define M(n, m, ...)     (&(const array){ 2, { n, m }, { __VA_ARGS__ } })
#define T3(n, m, k, ...) (&(const array){ 3, { n, m, k }, { __VA_ARGS__ } })
#define NONE_ARRAY       ((const array *)NULL)

typedef struct feed_memory {
    tally_tensor x;
    char         data[FEED_MOST * 8];
} feed_memory;

static inline const tally_tensor *feed_tensor(feed_memory *f, const array *a, tally_dtype d)
{
    int64_t n = tally__elements(a->rank, a->shape), stride[TALLY_MAX_RANK];
    assert_true(n <= FEED_MOST);
    tally__dense(a->rank, a->shape, stride);
    for (int64_t i = 0; i < n; i++)
        tally__store_f64(f->data + (size_t)i * tally_dtype_size(d), (int32_t)d, a->v[i]);
    f->x = tally_tensor_view(f->data, d, a->rank, a->shape, stride);
    return &f->x;
}

/* one update with operands y, p (or values alone) and weights, each of its dtype */
static inline tally_status feed_as(tally_metric *m, const array *y, tally_dtype dy, const array *p, tally_dtype dp, const array *w,
                                   tally_dtype dw, tally_error *err)
{
    feed_memory         my, mp, mw;
    const tally_tensor *x[3];
    int                 n = 0;
    x[n++] = feed_tensor(&my, y, dy);
    if (p)
        x[n++] = feed_tensor(&mp, p, dp);
    if (w)
        x[n++] = feed_tensor(&mw, w, dw);
    return tally_metric_update_state_n(m, x, n, err);
}

static inline tally_status feed(tally_metric *m, const array *y, const array *p, const array *w, tally_error *err)
{
    return feed_as(m, y, TALLY_F32, p, TALLY_F32, w, TALLY_F32, err);
}

static inline void fed(tally_metric *m, const array *y, const array *p, const array *w, const char *file, int line)
{
    tally_error err = { 0, -1, "" };
    if (feed(m, y, p, w, &err)) {
        print_error("update of %s failed: %s\n", tally_metric_name(m), err.text);
        _fail(file, line);
    }
}
#define FEED(m, y, p, w) fed(m, y, p, w, __FILE__, __LINE__)

/* state i of a metric, element k */
static inline double state_at(const tally_metric *m, int i, int64_t k)
{
    return tally__cell_round(&tally__store_of_metric(m)->cell[i], k);
}

static inline void test_near(double got, double want, double relative, const char *what, const char *file, int line)
{
    if (got == want || (got != got && want != want) || fabs(got - want) <= relative * fabs(want))
        return;
    print_error("%s: got %.17g, expected %.17g within %g of it\n", what, got, want, relative);
    _fail(file, line);
}
#define assert_near(got, want) test_near((got), (want), 2e-6, #got, __FILE__, __LINE__)

static inline void expect_result(tally_metric *m, double want, double relative, const char *file, int line)
{
    double got = tally_metric_result(m);
    test_near(got, want, relative, tally_metric_name(m), file, line);
    tally_metric_release(m);
}

/* a fresh metric, one update, its result; the metric is released */
#define ONE(make, y, p, w, want) ONE_TO(make, y, p, w, want, 2e-6)
#define ONE_TO(make, y, p, w, want, relative)        \
    do {                                             \
        tally_metric *one_ = (make);                 \
        assert_non_null(one_);                       \
        fed(one_, y, p, w, __FILE__, __LINE__);      \
        expect_result(one_, want, relative, __FILE__, __LINE__); \
    } while (0)

/* the metric that a text makes */
static inline tally_metric *of_text(const char *text)
{
    tally_error   err;
    tally_metric *m = tally_metric_from_text(text, NULL, &err);
    if (!m)
        fail_msg("%s: %s", text, err.text);
    return m;
}

/* a text that makes none, and what is said about it */
static inline void refused_text(const char *text, const char *part)
{
    tally_error err = { 0, -1, "" };
    assert_null(tally_metric_from_text(text, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, part);
}

/* fed once and released: the value here, and Keras's, which is another on purpose */
static inline void differs(const char *text, const array *y, const array *p, const array *w, double here, double keras)
{
    tally_metric *m = of_text(text);
    fed(m, y, p, w, __FILE__, __LINE__);
    const double got = tally_metric_result(m);
    test_near(got, here, 1e-15, text, __FILE__, __LINE__);
    assert_true(got != keras);
    tally_metric_release(m);
}

/* a fresh metric, one update that must fail with this status and text; its states stay at 0; released */
#define REFUSED(make, y, p, w, status, part)                       \
    do {                                                           \
        tally_metric *one_ = (make);                               \
        tally_error   err_ = { 0, -1, "" };                        \
        assert_non_null(one_);                                     \
        assert_int_equal(feed(one_, y, p, w, &err_), status);      \
        assert_error_has(&err_, status, part);                     \
        tally_metric_release(one_);                                \
    } while (0)

#endif
