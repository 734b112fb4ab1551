/* Every class of the library against a hand-written loop of its family (hand_classes.c): an update of a batch by a recorded
 * function, and an eager one. "hand" has the flags of the library's release build, "native" is compiled for this machine and may
 * add in any order. All results must agree before a ratio is printed. The least of many interleaved rounds: a busy neighbour only
 * adds. The last lines say which classes take more than twice the loop's time.
 * bench_classes [part of a row's text [rows]] runs those only. */
#include "bodies.h"
#include "clock.h"
#include "hand_classes.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROUNDS = 15, FEWEST = 3, ELEMENTS = 10000000, LABELS = 10, MANY = 1000, OPERANDS = 3, SIZES = 4, CANDIDATES = 4 };
static const size_t sizes[SIZES] = { 1, 32, 4096, 1000000 };
static const double close_enough = 1e-6, patience = 4, slow = 2, budget = 0.15;      /* relative; seconds; ratio; seconds */

/* ---- the table */
typedef enum kind {
    NOTHING,
    SCORES,                 /* float32 in (0, 1), [n] or [n, columns] */
    TRUTHS,                 /* int32 0 or 1, [n] */
    CLASSES,                /* int32 below columns, [n] */
    IDS,                    /* int64 below columns, [n] */
    ONE_HOT,                /* float32 [n, columns] */
    COUNTS                  /* float32 0 to 4, [n] */
} kind;
typedef struct row {
    const char  *text;
    kind         y, p;
    size_t       columns;
    bool         weighted;
    hand_loop    loop;
    hand_result *result;    /* the mean of the class's values */
} row;
static const row table[] = {
    { "Mean", NOTHING, SCORES, 1, false, HAND_values, hand_ratio },
    { "Mean", NOTHING, SCORES, 1, true, HAND_weighted, hand_ratio },
    { "Sum", NOTHING, SCORES, 1, false, HAND_values, hand_total },
    { "Accuracy", CLASSES, CLASSES, LABELS, false, HAND_equal, hand_ratio },
    { "BinaryAccuracy", TRUTHS, SCORES, 1, false, HAND_side, hand_ratio },
    { "BinaryAccuracy", TRUTHS, SCORES, 1, true, HAND_weighted_side, hand_ratio },
    { "CategoricalAccuracy", ONE_HOT, SCORES, LABELS, false, HAND_argmax, hand_ratio },
    { "SparseCategoricalAccuracy", IDS, SCORES, LABELS, false, HAND_argmax_id, hand_ratio },
    { "SparseCategoricalAccuracy", IDS, SCORES, MANY, false, HAND_argmax_id, hand_ratio },
    { "TopKCategoricalAccuracy", ONE_HOT, SCORES, LABELS, false, HAND_top5, hand_ratio },
    { "SparseTopKCategoricalAccuracy", IDS, SCORES, LABELS, false, HAND_top5_id, hand_ratio },
    { "SparseTopKCategoricalAccuracy", IDS, SCORES, MANY, false, HAND_top5_id, hand_ratio },
    { "Precision", TRUTHS, SCORES, 1, false, HAND_precision, hand_ratio },
    { "Recall", TRUTHS, SCORES, 1, false, HAND_recall, hand_ratio },
    { "TruePositives", TRUTHS, SCORES, 1, false, HAND_true_positives, hand_total },
    { "TrueNegatives", TRUTHS, SCORES, 1, false, HAND_true_negatives, hand_total },
    { "FalsePositives", TRUTHS, SCORES, 1, false, HAND_false_positives, hand_total },
    { "FalseNegatives", TRUTHS, SCORES, 1, false, HAND_false_negatives, hand_total },
    { "FBetaScore(beta=2)", ONE_HOT, SCORES, LABELS, false, HAND_f_score, hand_f2 },
    { "F1Score", ONE_HOT, SCORES, LABELS, false, HAND_f_score, hand_f1 },
    { "MeanSquaredError", SCORES, SCORES, 1, false, HAND_squared_error, hand_ratio },
    { "RootMeanSquaredError", SCORES, SCORES, 1, false, HAND_squared_error, hand_root },
    { "MeanAbsoluteError", SCORES, SCORES, 1, false, HAND_absolute_error, hand_ratio },
    { "MeanAbsolutePercentageError", SCORES, SCORES, 1, false, HAND_percentage_error, hand_ratio },
    { "MeanSquaredLogarithmicError", SCORES, SCORES, 1, false, HAND_log_error, hand_ratio },
    { "LogCoshError", SCORES, SCORES, 1, false, HAND_log_cosh, hand_ratio },
    { "CosineSimilarity", SCORES, SCORES, LABELS, false, HAND_cosine, hand_ratio },
    { "R2Score", SCORES, SCORES, 1, false, HAND_r2, hand_r2_score },
    { "PearsonCorrelation", SCORES, SCORES, LABELS, false, HAND_pearson, hand_ratio },
    { "ConcordanceCorrelation", SCORES, SCORES, LABELS, false, HAND_concordance, hand_ratio },
    { "Hinge", TRUTHS, SCORES, 1, false, HAND_hinge, hand_ratio },
    { "SquaredHinge", TRUTHS, SCORES, 1, false, HAND_squared_hinge, hand_ratio },
    { "CategoricalHinge", ONE_HOT, SCORES, LABELS, false, HAND_categorical_hinge, hand_ratio },
    { "KLDivergence", ONE_HOT, SCORES, LABELS, false, HAND_divergence, hand_ratio },
    { "Poisson", COUNTS, SCORES, 1, false, HAND_poisson, hand_ratio },
    { "BinaryCrossentropy", TRUTHS, SCORES, 1, false, HAND_crossentropy, hand_ratio },
    { "CategoricalCrossentropy", ONE_HOT, SCORES, LABELS, false, HAND_categorical_crossentropy, hand_ratio },
    { "SparseCategoricalCrossentropy", IDS, SCORES, LABELS, false, HAND_sparse_crossentropy, hand_ratio },
    { "SparseCategoricalCrossentropy(from_logits=True)", IDS, SCORES, LABELS, false, HAND_sparse_logits, hand_ratio },
    { "AUC", TRUTHS, SCORES, 1, false, HAND_buckets, hand_area },
    { "AUC", TRUTHS, SCORES, 1, true, HAND_weighted_buckets, hand_area },
    { "SensitivityAtSpecificity(specificity=0.5)", TRUTHS, SCORES, 1, false, HAND_buckets, hand_sensitivity },
    { "SpecificityAtSensitivity(sensitivity=0.5)", TRUTHS, SCORES, 1, false, HAND_buckets, hand_specificity },
    { "PrecisionAtRecall(recall=0.5)", TRUTHS, SCORES, 1, false, HAND_buckets, hand_precision_at_recall },
    { "RecallAtPrecision(precision=0.5)", TRUTHS, SCORES, 1, false, HAND_buckets, hand_recall_at_precision },
    { "BinaryIoU", TRUTHS, SCORES, 1, false, HAND_pairs_side, hand_mean_iou },
    { "IoU(num_classes=10, target_class_ids=[0, 1])", CLASSES, CLASSES, LABELS, false, HAND_pairs, hand_iou_of_two },
    { "MeanIoU(num_classes=10)", CLASSES, CLASSES, LABELS, false, HAND_pairs, hand_mean_iou },
    { "MeanIoU(num_classes=1000)", CLASSES, CLASSES, MANY, false, HAND_pairs, hand_mean_iou },
    { "OneHotIoU(num_classes=10, target_class_ids=[0, 1])", ONE_HOT, SCORES, LABELS, false, HAND_pairs_of_largest, hand_iou_of_two },
    { "OneHotMeanIoU(num_classes=10)", ONE_HOT, SCORES, LABELS, false, HAND_pairs_of_largest, hand_mean_iou },
};
enum { TABLE = sizeof table / sizeof table[0] };

static bool has_row(const char *class_name)
{
    const size_t n = strlen(class_name);
    for (size_t i = 0; i < TABLE; i++)
        if (!strncmp(table[i].text, class_name, n) && (!table[i].text[n] || table[i].text[n] == '('))
            return true;
    return false;
}

static void check_table(void)
{
    tally_metric_description d;
    for (int i = 0; i < tally_metric_classes(); i++) {
        must(tally_metric_describe(NULL, i, &d));
        if (!has_row(d.class_name)) {
            fprintf(stderr, "%s has no row\n", d.class_name);
            exit(1);
        }
    }
}

/* ---- memory that counts what is asked of it */
static void *counting_alloc(void *user, size_t size, size_t align)
{
    ++*(long *)user;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void counting_free(void *user, void *p, size_t size)
{
    (void)user, (void)size;
    free(p);
}

static void *room(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p)
        exit(1);
    memset(p, 0, bytes);
    return p;
}

/* ---- data */
static float next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return ((float)(*seed >> 8) + 0.5f) * 0x1p-24f;
}

static void fill(void *to, kind k, size_t columns, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned id = (unsigned)(next(&seed) * (float)columns) % (unsigned)columns;
        if (k == CLASSES || k == TRUTHS)
            ((int32_t *)to)[i] = k == TRUTHS ? next(&seed) < 0.5f : (int32_t)id;
        else if (k == IDS)
            ((int64_t *)to)[i] = id;
        else if (k == COUNTS)
            ((float *)to)[i] = floorf(5 * next(&seed));
        else
            for (size_t c = 0; k != NOTHING && c < columns; c++)
                ((float *)to)[i * columns + c] = k == ONE_HOT ? c == id : next(&seed);
    }
}

static bool is_wide(kind k, size_t columns) { return k == ONE_HOT || (k == SCORES && columns > 1); }
static tally_tensor view(const void *p, kind k, size_t columns, size_t n)
{
    if (k == TRUTHS || k == CLASSES)
        return tally_vector((const int32_t *)p, n);
    if (k == IDS)
        return tally_vector((const int64_t *)p, n);
    return is_wide(k, columns) ? tally_matrix((const float *)p, n, columns) : tally_vector((const float *)p, n);
}

/* what tells a row from others of its class */
enum { NAME_ROOM = 80 };
static const char *name_of(const row *r, char to[NAME_ROOM])
{
    int n = snprintf(to, NAME_ROOM, "%s", r->text);
    if (is_wide(r->p, r->columns))
        n += snprintf(to + n, (size_t)(NAME_ROOM - n), " [n, %zu]", r->columns);
    if (r->weighted)
        snprintf(to + n, (size_t)(NAME_ROOM - n), " weighted");
    return to;
}

/* ---- one row at work */
typedef struct bench {
    const row          *r;
    tally_function     *f;
    tally_metric       *m;
    void               *y, *p, *w;
    tally_tensor        x[OPERANDS];
    const tally_tensor *operand[OPERANDS];
    tally_value         in[OPERANDS + 1];
    int                 n_operands;
    long                allocations;
    hand_batch          batch;
    hand_state          hand;
} bench;

static void update_body(tally_trace *t, void *user)
{
    const int n = *(const int *)user;
    tally_node x[OPERANDS];
    for (int i = 0; i < n; i++)
        x[i] = tally_arg(t, i);
    tally_update_state_loc(t, tally_arg_metric(t, n), x, n, TALLY__HERE);
}

static void by_plan(void *user, size_t n)
{
    const bench *b = user;
    (void)n;
    must(tally_call(b->f, b->in, b->n_operands + 1, NULL, 0, NULL));
}

static void eagerly(void *user, size_t n)
{
    const bench *b = user;
    (void)n;
    must(tally_metric_update_state_n(b->m, b->operand, b->n_operands, NULL));
}

static void by_hand(void *user, size_t n)
{
    bench *b = user;
    hand_plain[b->r->loop](&b->hand, &b->batch, n);
}

static void natively(void *user, size_t n)
{
    bench *b = user;
    hand_native[b->r->loop](&b->hand, &b->batch, n);
}

static void add_operand(bench *b, tally_tensor x)
{
    b->x[b->n_operands] = x;
    b->operand[b->n_operands] = &b->x[b->n_operands];
    b->in[b->n_operands] = (tally_value){ &b->x[b->n_operands], TALLY_KIND_TENSOR, 0 };
    b->n_operands++;
}

static void take_rows(bench *b, size_t n)
{
    const row *r = b->r;
    b->n_operands = 0;
    if (r->y != NOTHING)
        add_operand(b, view(b->y, r->y, r->columns, n));
    add_operand(b, view(b->p, r->p, r->columns, n));
    if (r->weighted)
        add_operand(b, tally_vector((const float *)b->w, n));
    b->in[b->n_operands] = (tally_value){ b->m, TALLY_KIND_METRIC, 0 };
    b->batch = (hand_batch){ b->y, b->p, b->w, r->columns };
}

/* ---- both say the same */
static double tally_value_of(const tally_metric *m)
{
    int64_t shape[TALLY_MAX_RANK];
    double  all[HAND_CLASSES], sum = 0;
    if (tally_metric_result_shape(m, shape) != 1)
        return tally_metric_result(m);
    must(tally_metric_values(m, all, HAND_CLASSES, NULL));
    for (int64_t i = 0; i < shape[0]; i++)
        sum += all[i];
    return sum / (double)shape[0];
}

/* of bytes; a binary class has two of one column */
static size_t pairs_of(const row *r) { return (r->columns == 1 ? 4 : r->columns * r->columns) * sizeof(int64_t); }
static void reset_hand(hand_state *s, const row *r)
{
    int64_t *pair = s->pair;
    memset(pair, 0, pairs_of(r));
    memset(s, 0, sizeof *s);
    s->pair = pair;
}

/* Each way twice: the second batch finds a state that is there. */
static bool agree(bench *b, size_t n)
{
    void (*const tally[])(void *, size_t) = { by_plan, eagerly }, (*const hand[])(void *, size_t) = { by_hand, natively };
    bool same = true;
    for (int k = 0; same && k < 2; k++) {
        tally_metric_reset_state(b->m);
        reset_hand(&b->hand, b->r);
        for (int times = 0; times < 2; times++) {
            tally[k](b, n);
            hand[k](b, n);
        }
        const double a = tally_value_of(b->m), h = b->r->result(&b->hand);
        same = fabs(a - h) <= close_enough * fmax(fabs(h), 0.1);
        if (!same)
            printf("%s, %zu rows: Tally has %.17g, the loop %.17g: no ratio\n", b->r->text, n, a, h);
    }
    return same;
}

/* ---- time */
static double once(bench *b, size_t n)
{
    const double start = now();
    by_plan(b, n);
    return now() - start;
}

static int rounds_for(double seconds)
{
    const double fit = budget / (2 * seconds);      /* a round that is longer than its time runs twice */
    return fit > ROUNDS ? ROUNDS : fit < FEWEST ? FEWEST : (int)fit;
}

static double measure(bench *b, size_t n)
{
    candidate c[CANDIDATES] = {
        { "plan", by_plan, { 0 } }, { "eager", eagerly, { 0 } }, { "hand", by_hand, { 0 } }, { "native", natively, { 0 } } };
    const long   before = b->allocations;
    const double unit = n > 32 ? 1e9 / (double)n : 1e9;
    char         name[NAME_ROOM];
    race(c, CANDIDATES, b, n, rounds_for(once(b, n)));
    const double plan = c[0].seconds[0], eager = c[1].seconds[0], hand = c[2].seconds[0], native = c[3].seconds[0];
    printf("%-60s %7zu ", name_of(b->r, name), n);
    for (int k = 0; k < CANDIDATES; k++)
        printf(" %9.*f", n > 32 ? 3 : 1, c[k].seconds[0] * unit);
    printf("  ns a %s  %7.2f %7.2f %7.2f  %ld\n", n > 32 ? "row " : "call", plan / hand, eager / hand, plan / native,
           b->allocations - before);
    fflush(stdout);
    return plan / hand;
}

/* ratio[k]: of the row at size k, 0 where there is none. only: this size, or 0 */
static void run_sizes(bench *b, size_t only, double ratio[SIZES])
{
    const row *r = b->r;
    double     seconds = 0;
    char       name[NAME_ROOM];
    for (int k = 0; k < SIZES; k++) {
        const size_t n = sizes[k], wide = is_wide(r->p, r->columns) ? r->columns : 1;
        const double expected = k ? seconds * (double)n / (double)sizes[k - 1] : 0;
        if (n * wide > ELEMENTS || (only && n != only))
            continue;
        if (expected > patience) {
            printf("%-60s %7zu  left out, it would take %.0f s a batch\n", name_of(r, name), n, expected);
            ratio[k] = INFINITY;
            continue;
        }
        take_rows(b, n);
        if (!agree(b, n))
            continue;
        seconds = once(b, n);
        ratio[k] = measure(b, n);
    }
}

static void run_row(bench *b, const row *r, size_t only, double ratio[SIZES])
{
    tally_context_options  c = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    int                    operands = 1 + (r->y != NOTHING) + r->weighted;
    tally_error            err;
    c.allocator = (tally_allocator){ counting_alloc, counting_free, &b->allocations };
    o.context = tally_context_new(&c, &err);
    b->r = r;
    b->m = tally_metric_from_text(r->text, o.context, &err);
    b->f = tally_function_new(update_body, &operands, &o, &err);
    if (!b->m || !b->f) {
        fprintf(stderr, "%s: %s\n", r->text, err.text);
        exit(1);
    }
    const size_t last = only ? only : sizes[SIZES - 1], most = is_wide(r->p, r->columns) ? ELEMENTS / r->columns : last;
    fill(b->y, r->y, r->columns, most < last ? most : last, 1);
    fill(b->p, r->p, r->columns, most < last ? most : last, 2);
    b->hand.pair = room(pairs_of(r));
    run_sizes(b, only, ratio);
    free(b->hand.pair);
    tally_function_release(b->f);
    tally_metric_release(b->m);
    tally_context_release(o.context);
}

static void print_slow(double (*ratio)[SIZES])
{
    char name[NAME_ROOM];
    for (int k = 2; k < SIZES; k++) {
        int listed = 0;
        printf("above %.1f of hand at %zu rows:", slow, sizes[k]);
        for (size_t i = 0; i < TABLE; i++)
            if (ratio[i][k] > slow)
                printf("%s %s", listed++ ? "," : "", name_of(&table[i], name));
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static double ratio[TABLE][SIZES];
    static bench  b;
    check_table();
    b.y = room(ELEMENTS * sizeof(float));
    b.p = room(ELEMENTS * sizeof(float));
    b.w = room(sizes[SIZES - 1] * sizeof(float));
    fill(b.w, SCORES, 1, sizes[SIZES - 1], 3);
    printf("%-60s %7s  %9s %9s %9s %9s %11s %7s %7s %7s  %s\n", "class", "rows", "plan", "eager", "hand", "native", "", "p/hand",
           "e/hand", "p/nat.", "allocations");
    for (size_t i = 0; i < TABLE; i++)
        if (argc < 2 || strstr(table[i].text, argv[1]))
            run_row(&b, &table[i], argc > 2 ? (size_t)atol(argv[2]) : 0, ratio[i]);
    print_slow(ratio);
    free(b.y);
    free(b.p);
    free(b.w);
    return 0;
}
