/* What the states of hand_classes.h give. */
#include "hand_classes.h"
#include <math.h>
#include <stdbool.h>

static double part(double a, double b) { return b != 0 ? a / b : 0; }
double hand_ratio(const hand_state *s) { return part(s->sum[0], s->sum[1]); }
double hand_total(const hand_state *s) { return s->sum[0]; }
double hand_root(const hand_state *s) { return sqrt(hand_ratio(s)); }

double hand_r2_score(const hand_state *s)
{
    const double scatter = s->sum[0] - s->sum[1] * s->sum[1] / s->sum[3];
    return scatter != 0 ? 1 - s->sum[2] / scatter : 0;
}

/* ---- thresholds */
/* true and false positives at each threshold; the first one here lies below all scores. Returns both sums */
typedef struct points { double tp[HAND_THRESHOLDS], fp[HAND_THRESHOLDS], positives, negatives; } points;
static points points_of(const hand_state *s, bool below_all)
{
    points k;
    double fp = 0, tp = 0;
    for (int i = HAND_THRESHOLDS - 1; i >= 0; i--) {
        k.fp[i] = fp;
        k.tp[i] = tp;
        fp += (double)s->count[0][i] + s->weight[0][i];
        tp += (double)s->count[1][i] + s->weight[1][i];
    }
    if (below_all) {
        k.fp[0] = fp;
        k.tp[0] = tp;
    }
    k.positives = tp;
    k.negatives = fp;
    return k;
}

double hand_area(const hand_state *s)
{
    const points k = points_of(s, true);
    double       area = 0;
    for (int i = 0; i + 1 < HAND_THRESHOLDS; i++)
        area += (k.fp[i] - k.fp[i + 1]) * (k.tp[i] + k.tp[i + 1]) / 2;
    return part(area, k.positives * k.negatives);
}

#define OPERATING_POINT(name, wanted, constrained)                                                     \
    double hand_##name(const hand_state *s)                                                            \
    {                                                                                                  \
        const points k = points_of(s, false);                                                          \
        double       best = 0;                                                                         \
        for (int i = 0; i < HAND_THRESHOLDS; i++)                                                      \
            best = (constrained) >= 0.5 ? fmax(best, wanted) : best;                                   \
        return best;                                                                                   \
    }
#define SENSITIVITY part(k.tp[i], k.positives)
#define SPECIFICITY part(k.negatives - k.fp[i], k.negatives)
#define PRECISION part(k.tp[i], k.tp[i] + k.fp[i])
OPERATING_POINT(sensitivity, SENSITIVITY, SPECIFICITY)
OPERATING_POINT(specificity, SPECIFICITY, SENSITIVITY)
OPERATING_POINT(precision_at_recall, PRECISION, SENSITIVITY)
OPERATING_POINT(recall_at_precision, SENSITIVITY, PRECISION)

static double f_of(const hand_state *s, double b2)
{
    double sum = 0;
    for (size_t c = 0; c < s->columns; c++) {
        const double tp = (double)s->hit[0][c], fp = (double)s->hit[1][c], fn = (double)s->hit[2][c];
        sum += part((1 + b2) * tp, (1 + b2) * tp + b2 * fn + fp);
    }
    return sum / (double)s->columns;
}
double hand_f1(const hand_state *s) { return f_of(s, 1); }
double hand_f2(const hand_state *s) { return f_of(s, 4); }

static double mean_iou(const hand_state *s, size_t classes)
{
    const size_t m = s->columns;
    double       sum = 0, seen = 0;
    for (size_t c = 0; c < classes; c++) {
        double either = 0, both = (double)s->pair[c * m + c];
        for (size_t k = 0; k < m; k++)
            either += (double)(s->pair[c * m + k] + s->pair[k * m + c]);
        sum += part(both, either - both);
        seen += either != 0;
    }
    return part(sum, seen);
}
double hand_mean_iou(const hand_state *s) { return mean_iou(s, s->columns); }
double hand_iou_of_two(const hand_state *s) { return mean_iou(s, 2); }
