/* Golden vectors made by Keras itself (generate.py, vectors.txt): the classes, their options, weights of every shape, with all
 * operands in float32 and in float64. Keras's own answers are float32 sums, and float64 sums, of the same formula, so Tally
 * lies within their error: a few units of float32, and of float64. */
#include "../support.h"
#include <tally/tally.h>

enum { LINE_ROOM = 4096, OPERANDS = 3, ELEMENTS = 64, ANSWERS = 8 };

typedef struct operand {
    tally_tensor x;
    double       f64[ELEMENTS];
    float        f32[ELEMENTS];
} operand;

typedef struct golden {
    char          class_name[64], options[256];
    int           line;               /* of the case in the file */
    tally_metric *m[2];               /* fed with float32, float64 */
} golden;

/* ---- the file's numbers */
static int read_list(const char *text, char between, double *out, int most)
{
    int n = 0;
    for (char *end; n < most; text = end + 1) {
        out[n] = strtod(text, &end);
        if (end == text)
            break;
        n++;
        if (*end != between)
            break;
    }
    return n;
}

static const char *read_operand(const char *text, operand *o)
{
    int64_t stride = 1;
    char   *at = (char *)(uintptr_t)text;
    memset(o, 0, sizeof *o);
    for (bool more = true; more; more = *at == 'x') {
        o->x.shape[o->x.rank] = strtoll(at + (o->x.rank ? 1 : 0), &at, 10);
        o->x.rank++;
    }
    for (int a = o->x.rank - 1; a >= 0; stride *= o->x.shape[a--])
        o->x.stride[a] = stride;
    const double scale = strtod(at + 1, &at);
    assert_int_equal(read_list(at + 1, ',', o->f64, ELEMENTS), stride);
    for (int64_t i = 0; i < stride; i++) {
        o->f64[i] /= scale;
        o->f32[i] = (float)o->f64[i];
    }
    const char *space = strchr(at, ' ');
    return space ? space + 1 : NULL;
}

/* ---- options: "thresholds=0.1|0.5 top_k=2.0" */
static bool find_option(const char *options, const char *key, const char **value)
{
    const size_t n = strlen(key);
    for (const char *at = options; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        if (!strncmp(at, key, n) && at[n] == '=') {
            *value = at + n + 1;
            return true;
        }
    return false;
}

static int32_t whole_option(const char *options, const char *key, int32_t otherwise)
{
    const char *v;
    return find_option(options, key, &v) ? (int32_t)strtod(v, NULL) : otherwise;
}

static tally_metric *make_threshold(const golden *g, bool recall, tally_error *err)
{
    double                  at[ANSWERS];
    char                    list[128] = "";
    const char             *v;
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    if (find_option(g->options, "thresholds", &v)) {
        snprintf(list, sizeof list, "%.*s", (int)strcspn(v, " "), v);
        o.thresholds = at;
        o.n_thresholds = read_list(list, '|', at, ANSWERS);
    }
    o.top_k = whole_option(g->options, "top_k", TALLY_NONE);
    o.class_id = whole_option(g->options, "class_id", TALLY_NONE);
    return recall ? tally_recall_new(&o, err) : tally_precision_new(&o, err);
}

static tally_metric *make_crossentropy(const golden *g, bool sparse, tally_error *err)
{
    const char                *v;
    tally_crossentropy_options o = TALLY_CROSSENTROPY_OPTIONS_INIT;
    o.from_logits = whole_option(g->options, "from_logits", 0);
    o.ignore_class = whole_option(g->options, "ignore_class", TALLY_NONE);
    if (find_option(g->options, "label_smoothing", &v))
        o.label_smoothing = strtod(v, NULL);
    return sparse ? tally_sparse_categorical_crossentropy_new(&o, err) : tally_binary_crossentropy_new(&o, err);
}

static tally_metric *make_binary_accuracy(const golden *g, tally_error *err)
{
    const char                   *v;
    tally_binary_accuracy_options o = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    if (find_option(g->options, "threshold", &v))
        o.threshold = strtod(v, NULL);
    return tally_binary_accuracy_new(&o, err);
}

static tally_metric *make_metric(const golden *g, tally_error *err)
{
    static const struct { const char *name; tally_metric *(*make)(const tally_mean_options *o, tally_error *err); } plain[] = {
        { "Mean", tally_mean_new }, { "Sum", tally_sum_new }, { "Accuracy", tally_accuracy_new },
        { "CategoricalAccuracy", tally_categorical_accuracy_new }, { "SparseCategoricalAccuracy", tally_sparse_categorical_accuracy_new },
        { "MeanSquaredError", tally_mean_squared_error_new }, { "MeanAbsoluteError", tally_mean_absolute_error_new } };
    const char *name = g->class_name;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(plain[i].name, name))
            return plain[i].make(NULL, err);
    if (!strcmp(name, "BinaryAccuracy"))
        return make_binary_accuracy(g, err);
    if (!strcmp(name, "Precision") || !strcmp(name, "Recall"))
        return make_threshold(g, name[0] == 'R', err);
    if (!strcmp(name, "BinaryCrossentropy") || !strcmp(name, "SparseCategoricalCrossentropy"))
        return make_crossentropy(g, name[0] == 'S', err);
    print_error("%s: no such class in this test\n", name);
    fail();
    return NULL;
}

/* ---- the lines */
static void begin_case(golden *g, char *text, int line)
{
    tally_error err;
    memset(g, 0, sizeof *g);
    text[strcspn(text, "\n")] = 0;
    const size_t n = strcspn(text, " ");
    snprintf(g->class_name, sizeof g->class_name, "%.*s", (int)n, text);
    snprintf(g->options, sizeof g->options, "%s", text[n] ? text + n + 1 : "");
    g->line = line;
    for (int i = 0; i < 2; i++)
        if (!(g->m[i] = make_metric(g, &err))) {
            print_error("vectors.txt:%d: %s\n", line, err.text);
            fail();
        }
}

static void update_case(golden *g, const char *text, int line)
{
    operand             o[OPERANDS];
    const tally_tensor *x[OPERANDS];
    int                 n = 0;
    tally_error         err;
    while (text) {
        if (text[0] == 'w')
            text += 2;
        assert_true(n < OPERANDS);
        text = read_operand(text, &o[n++]);
    }
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < n; k++) {
            o[k].x.dtype = i ? TALLY_F64 : TALLY_F32;
            o[k].x.data = i ? (const void *)o[k].f64 : (const void *)o[k].f32;
            x[k] = &o[k].x;
        }
        if (tally_metric_update_state_n(g->m[i], x, n, &err)) {
            print_error("vectors.txt:%d: %s\n", line, err.text);
            fail();
        }
    }
}

static void compare_case(golden *g, const char *text, int which, double relative, double absolute)
{
    double      want[ANSWERS], got[ANSWERS];
    int64_t     shape[TALLY_MAX_RANK] = { 1 };
    tally_error err;
    const int   n = read_list(text, ' ', want, ANSWERS), rank = tally_metric_result_shape(g->m[which], shape);
    assert_int_equal(rank, n > 1);
    assert_int_equal(rank ? shape[0] : 1, n);
    assert_ok(tally_metric_values(g->m[which], got, ANSWERS, &err), &err);
    for (int k = 0; k < n; k++)
        if (!(fabs(got[k] - want[k]) <= relative * fabs(want[k]) + absolute)) {
            print_error("vectors.txt:%d: %s(%s) in %s, value %d: got %.17g, Keras has %.17g, apart by %g\n", g->line, g->class_name,
                        g->options, which ? "float64" : "float32", k, got[k], want[k], fabs(got[k] - want[k]));
            fail();
        }
    tally_metric_release(g->m[which]);
}

static void keras_own_answers_are_met(void **state)
{
    (void)state;
    char   line[LINE_ROOM];
    int    at = 0, cases = 0;
    golden g;
    FILE  *f = fopen(TEST_SOURCE_ROOT "/tests/parity/vectors.txt", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        at++;
        if (!strncmp(line, "case ", 5))
            begin_case(&g, line + 5, at), cases++;
        else if (!strncmp(line, "update ", 7))
            update_case(&g, line + 7, at);
        else if (!strncmp(line, "float32 ", 8))
            compare_case(&g, line + 8, 0, 2e-6, 1e-6);
        else if (!strncmp(line, "float64 ", 8))
            compare_case(&g, line + 8, 1, 1e-14, 1e-15);
        else
            assert_int_equal(line[0], '#');
    }
    fclose(f);
    assert_true(cases >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keras_own_answers_are_met) };
    return cmocka_run_group_tests_name("parity/parity", tests, NULL, NULL);
}
