/* The loops of hand_classes.h, in the table that HAND_TABLE names. */
#include "hand_classes.h"
#include "../../src/graph/math.h"
#include <math.h>

enum { PART = 1 << 20, TOP = 5 };               /* rows whose count fits 32 bits; the k of top k */
static const float tiny = 1e-7f, nearly_one = 1.0f - 1e-7f;

static inline float clipped(float x, float high)
{
    x = x < tiny ? tiny : x;
    return x > high ? high : x;
}
static inline float largest_of(float a, float b) { return a > b ? a : b; }

/* ---- one value a row */
#define MEAN(name, Y, value)                                                                           \
    static void add_##name(hand_state *s, const hand_batch *b, size_t n)                                     \
    {                                                                                                  \
        const Y     *y = b->y;                                                                         \
        const float *p = b->p;                                                                         \
        double       total = 0;                                                                        \
        (void)y;                                                                                       \
        _Pragma("omp simd reduction(+ : total)")                                                       \
        for (size_t i = 0; i < n; i++)                                                                 \
            total += (double)(value);                                                                  \
        s->sum[0] += total;                                                                            \
        s->sum[1] += (double)n;                                                                        \
    }
static inline float squared(float d) { return d * d; }
static inline float log1p_of(float x) { return tally__log1p_positive_f32(x < tiny ? tiny : x); }
static inline float log_cosh(float d) { return d + tally__log1p_positive_f32(tally__exp_f32(-2 * d)) - 0.693147181f; }
static inline float hinge(float y, float p) { return largest_of(1 - (y != 0 ? y : -1.0f) * p, 0); }
static inline float crossentropy(float y, float p)
{
    const float q = clipped(p, nearly_one);
    return -(y * tally__log_normal_f32(q) + (1.0f - y) * tally__log_normal_f32(1.0f - q));
}
MEAN(values, float, p[i])
MEAN(squared_error, float, squared(p[i] - y[i]))
MEAN(absolute_error, float, fabsf(p[i] - y[i]))
MEAN(percentage_error, float, 100 * (fabsf(y[i] - p[i]) / largest_of(fabsf(y[i]), tiny)))
MEAN(log_error, float, squared(log1p_of(p[i]) - log1p_of(y[i])))
MEAN(log_cosh, float, log_cosh(fabsf(p[i] - y[i])))
MEAN(hinge, int32_t, hinge((float)y[i], p[i]))
MEAN(squared_hinge, int32_t, squared(hinge((float)y[i], p[i])))
MEAN(poisson, float, p[i] - y[i] * tally__log_normal_f32(p[i] + tiny))
MEAN(crossentropy, int32_t, crossentropy((float)y[i], p[i]))

#define WEIGHTED(name, value)                                                                          \
    static void add_##name(hand_state *s, const hand_batch *b, size_t n)                                     \
    {                                                                                                  \
        const int32_t *y = b->y;                                                                       \
        const float   *p = b->p, *w = b->w;                                                            \
        double         total = 0, count = 0;                                                           \
        (void)y;                                                                                       \
        _Pragma("omp simd reduction(+ : total, count)")                                                \
        for (size_t i = 0; i < n; i++) {                                                               \
            total += (double)(value);                                                                  \
            count += (double)w[i];                                                                     \
        }                                                                                              \
        s->sum[0] += total;                                                                            \
        s->sum[1] += count;                                                                            \
    }
WEIGHTED(weighted, w[i] * p[i])
WEIGHTED(weighted_side, (p[i] > 0.5f) == y[i] ? w[i] : 0.0f)

/* ---- two outcomes */
#define COUNTS(name, P, first, second)                                                                 \
    static void part_##name(hand_state *s, const int32_t *y, const P *p, int n)                        \
    {                                                                                                  \
        int32_t a = 0, c = 0;                                                                          \
        _Pragma("omp simd reduction(+ : a, c)")                                                        \
        for (int i = 0; i < n; i++) {                                                                  \
            a += (first);                                                                              \
            c += (second);                                                                             \
        }                                                                                              \
        s->sum[0] += a;                                                                                \
        s->sum[1] += c;                                                                                \
    }                                                                                                  \
    static void add_##name(hand_state *s, const hand_batch *b, size_t n)                                     \
    {                                                                                                  \
        for (size_t at = 0; at < n; at += PART)                                                        \
            part_##name(s, (const int32_t *)b->y + at, (const P *)b->p + at, (int)TALLY__MIN(n - at, (size_t)PART)); \
    }
#define TRUTH (y[i] != 0)
#define CALLED (p[i] > 0.5f)
COUNTS(equal, int32_t, y[i] == p[i], 1)
COUNTS(side, float, CALLED == y[i], 1)
COUNTS(precision, float, CALLED & TRUTH, CALLED)
COUNTS(recall, float, CALLED & TRUTH, TRUTH)
COUNTS(true_positives, float, CALLED & TRUTH, 0)
COUNTS(true_negatives, float, 1 - (CALLED | TRUTH), 0)
COUNTS(false_positives, float, CALLED & (1 - TRUTH), 0)
COUNTS(false_negatives, float, (1 - CALLED) & TRUTH, 0)

/* ---- one value of a row */
#define ROWS(name, Y, step, value)                                                                     \
    static void add_##name(hand_state *s, const hand_batch *b, size_t n)                                     \
    {                                                                                                  \
        const size_t m = b->columns;                                                                   \
        const Y     *y = b->y;                                                                         \
        const float *p = b->p;                                                                         \
        double       total = 0;                                                                        \
        for (size_t i = 0; i < n; i++, y += (step), p += m)                                            \
            total += (value);                                                                          \
        s->sum[0] += total;                                                                            \
        s->sum[1] += (double)n;                                                                        \
    }
static inline size_t place_of_largest(const float *x, size_t m)
{
    size_t at = 0;
    float  most = x[0];
    for (size_t c = 1; c < m; c++)
        if (x[c] > most) {
            most = x[c];
            at = c;
        }
    return at;
}

static inline bool in_top(const float *x, size_t m, size_t id)
{
    const float own = x[id];
    int32_t     above = 0;
    for (size_t c = 0; c < m; c++)
        above += x[c] > own;
    return above < TOP;
}

static inline double hinge_of_row(const float *y, const float *p, size_t m)
{
    double right = 0;
    float  wrong = -INFINITY;
    for (size_t c = 0; c < m; c++) {
        right += (double)(y[c] * p[c]);
        wrong = largest_of(wrong, (1 - y[c]) * p[c]);
    }
    return fmax((double)wrong - right + 1, 0);
}

static inline double sum_of(const float *x, size_t m)
{
    double sum = 0;
    for (size_t c = 0; c < m; c++)
        sum += (double)x[c];
    return sum;
}

static inline double surprise_of_row(const float *y, const float *p, size_t m)
{
    const float sum = (float)sum_of(p, m);
    double      v = 0;
    for (size_t c = 0; c < m; c++)
        if (y[c] != 0)
            v -= (double)(y[c] * tally__log_normal_f32(clipped(p[c] / sum, nearly_one)));
    return v;
}

static inline double surprise_of_id(const float *p, size_t m, size_t id)
{
    double sum = 0;
    for (size_t c = 0; c < m; c++)
        sum += (double)clipped(p[c], nearly_one);
    return -(double)tally__log_normal_f32(clipped(p[id], nearly_one) / (float)sum);
}

static inline double surprise_of_logits(const float *x, size_t m, size_t id)
{
    float  most = x[0];
    double sum = 0;
    for (size_t c = 1; c < m; c++)
        most = largest_of(most, x[c]);
    for (size_t c = 0; c < m; c++)
        sum += (double)tally__exp_f32(x[c] - most);
    return tally__log_f64(sum) - (double)(x[id] - most);
}
ROWS(argmax, float, m, place_of_largest(y, m) == place_of_largest(p, m))
ROWS(argmax_id, int64_t, 1, place_of_largest(p, m) == (size_t)*y)
ROWS(top5, float, m, in_top(p, m, place_of_largest(y, m)))
ROWS(top5_id, int64_t, 1, in_top(p, m, (size_t)*y))
ROWS(categorical_hinge, float, m, hinge_of_row(y, p, m))
ROWS(categorical_crossentropy, float, m, surprise_of_row(y, p, m))
ROWS(sparse_crossentropy, int64_t, 1, surprise_of_id(p, m, (size_t)*y))
ROWS(sparse_logits, int64_t, 1, surprise_of_logits(p, m, (size_t)*y))

/* the sums of all rows are one sum */
static void add_divergence(hand_state *s, const hand_batch *b, size_t n)
{
    const float *y = b->y, *p = b->p;
    double       total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n * b->columns; i++) {
        const float a = clipped(y[i], 1), q = clipped(p[i], 1);
        total += (double)(a * tally__log_normal_f32(a / q));
    }
    s->sum[0] += total;
    s->sum[1] += (double)n;
}

/* ---- two vectors a row, by their running sums */
typedef struct moments { double y, p, yy, pp, yp; } moments;
static inline moments moments_of(const float *y, const float *p, size_t m)
{
    moments s = { 0, 0, 0, 0, 0 };
    for (size_t c = 0; c < m; c++) {
        const double a = (double)y[c], b = (double)p[c];
        s.y += a;
        s.p += b;
        s.yy += a * a;
        s.pp += b * b;
        s.yp += a * b;
    }
    return s;
}

static inline double cosine(moments s) { return s.yp / (sqrt(fmax(s.yy, 1e-14)) * sqrt(fmax(s.pp, 1e-14))); }
static inline double pearson(moments s, double m)
{
    return (s.yp - s.y * s.p / m) / sqrt((s.yy - s.y * s.y / m) * (s.pp - s.p * s.p / m));
}
static inline double concordance(moments s, double m)
{
    const double apart = (s.y - s.p) / m, both = (s.yy - s.y * s.y / m + s.pp - s.p * s.p / m) / m;
    return 2 * (s.yp - s.y * s.p / m) / m / (both + apart * apart + 1e-7);
}
ROWS(cosine, float, m, cosine(moments_of(y, p, m)))
ROWS(pearson, float, m, pearson(moments_of(y, p, m), (double)m))
ROWS(concordance, float, m, concordance(moments_of(y, p, m), (double)m))

/* ---- R2 */
static void add_r2(hand_state *s, const hand_batch *b, size_t n)
{
    const float *y = b->y, *p = b->p;
    double       square = 0, sum = 0, residual = 0;
#pragma omp simd reduction(+ : square, sum, residual)
    for (size_t i = 0; i < n; i++) {
        const double a = (double)y[i], d = (double)p[i] - a;
        square += a * a;
        sum += a;
        residual += d * d;
    }
    s->sum[0] += square;
    s->sum[1] += sum;
    s->sum[2] += residual;
    s->sum[3] += (double)n;
}

/* ---- evenly spread thresholds: a score lies above as many as its bucket says */
static inline int bucket_of(float p)
{
    p = p < 0 ? 0 : p > 1 ? 1 : p;
    return (int)ceilf(p * (HAND_THRESHOLDS - 1));
}

static void add_buckets(hand_state *s, const hand_batch *b, size_t n)
{
    const int32_t *y = b->y;
    const float   *p = b->p;
    for (size_t i = 0; i < n; i++)
        s->count[y[i] != 0][bucket_of(p[i])]++;
}

static void add_weighted_buckets(hand_state *s, const hand_batch *b, size_t n)
{
    const int32_t *y = b->y;
    const float   *p = b->p;
    for (size_t i = 0; i < n; i++)
        s->weight[y[i] != 0][bucket_of(p[i])] += (double)b->w[i];
}

/* ---- F score: what equals the largest of its row is called */
static void add_f_score(hand_state *s, const hand_batch *b, size_t n)
{
    const size_t m = b->columns;
    const float *y = b->y, *p = b->p;
    for (size_t i = 0; i < n; i++, y += m, p += m) {
        float most = p[0];
        for (size_t c = 1; c < m; c++)
            most = largest_of(most, p[c]);
        for (size_t c = 0; c < m; c++) {
            const int called = (p[c] >= most) & (fabsf(p[c]) > 1e-9f), truth = y[c] != 0;
            s->hit[0][c] += called & truth;
            s->hit[1][c] += called & (1 - truth);
            s->hit[2][c] += (1 - called) & truth;
        }
    }
    s->columns = m;
}

/* ---- pairs of a label and a prediction */
static void add_pairs(hand_state *s, const hand_batch *b, size_t n)
{
    const int32_t *y = b->y, *p = b->p;
    const size_t   m = s->columns = b->columns;
    for (size_t i = 0; i < n; i++)
        s->pair[(size_t)y[i] * m + (size_t)p[i]]++;
}

static void add_pairs_side(hand_state *s, const hand_batch *b, size_t n)
{
    const int32_t *y = b->y;
    const float   *p = b->p;
    s->columns = 2;
    for (size_t i = 0; i < n; i++)
        s->pair[y[i] * 2 + (p[i] >= 0.5f)]++;
}

static void add_pairs_of_largest(hand_state *s, const hand_batch *b, size_t n)
{
    const float *y = b->y, *p = b->p;
    const size_t m = s->columns = b->columns;
    for (size_t i = 0; i < n; i++, y += m, p += m)
        s->pair[place_of_largest(y, m) * m + place_of_largest(p, m)]++;
}

#if !defined HAND_TABLE
#define HAND_TABLE hand_plain
#endif
#define X(name) add_##name,
hand_add *const HAND_TABLE[HAND_LOOPS_COUNT] = { HAND_LOOPS(X) };
