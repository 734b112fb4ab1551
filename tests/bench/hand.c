/* The loops of hand.h. Counts run in 32 bits, so rows come in parts that cannot overflow. */
#include "hand.h"
#include "../../src/graph/math.h"

enum { PART = 1 << 20 };

double hand_sum(const float *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

static int32_t part_accuracy(const float *y, const float *x, int n)
{
    int32_t hits = 0;
#pragma omp simd reduction(+ : hits)
    for (int i = 0; i < n; i++)
        hits += (x[i] > 0.5f ? 1.0f : 0.0f) == y[i];
    return hits;
}

double hand_binary_accuracy(const float *y, const float *x, size_t n)
{
    double hits = 0;
    for (size_t at = 0; at < n; at += PART)
        hits += part_accuracy(y + at, x + at, (int)TALLY__MIN(n - at, (size_t)PART));
    return hits;
}

static inline float crossentropy(float y, float x)
{
    const float low = 1e-7f, high = 1.0f - 1e-7f;
    float       q = x < low ? low : x;
    q = q > high ? high : q;
    return -(y * tally__log_normal_f32(q) + (1.0f - y) * tally__log_normal_f32(1.0f - q));
}

double hand_binary_crossentropy(const float *y, const float *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)crossentropy(y[i], x[i]);
    return sum;
}

static double part_six(const float *y, const float *x, int n)
{
    int32_t hits = 0, tp = 0, fp = 0, fn = 0;
    double  bce = 0, mse = 0, mae = 0;
#pragma omp simd reduction(+ : hits, tp, fp, fn, bce, mse, mae)
    for (int i = 0; i < n; i++) {
        const int   called = x[i] > 0.5f, truth = y[i] != 0.0f;
        const float d = y[i] - x[i];
        hits += (x[i] > 0.5f ? 1.0f : 0.0f) == y[i];
        tp += called & truth;
        fp += called & (1 - truth);
        fn += (1 - called) & truth;
        bce += (double)crossentropy(y[i], x[i]);
        mse += (double)(d * d);
        mae += (double)(d < 0.0f ? -d : d);
    }
    return hits + tp + fp + fn + bce + mse + mae;
}

double hand_six(const float *y, const float *x, size_t n)
{
    double all = 0;
    for (size_t at = 0; at < n; at += PART)
        all += part_six(y + at, x + at, (int)TALLY__MIN(n - at, (size_t)PART));
    return all;
}
