/* Metrics from text and back: every class and option through the list of classes, spellings, names, and what is wrong told by the
 * option, what was expected and what was found. */
#include "feed.h"

static const tally__schema *schema_of(const tally_metric *m)
{
    return tally__store_of_metric(m)->schema;
}

static tally_metric *made(const char *text)
{
    tally_error   err;
    tally_metric *m = tally_metric_from_text(text, NULL, &err);
    if (!m)
        fail_msg("%s: %s", text, err.text);
    return m;
}

static void spelled(const char *text, const char *want)
{
    char          back[512];
    tally_metric *m = made(text);
    assert_int_equal(tally_metric_to_text(m, NULL, 0), strlen(want) + 1);
    assert_int_equal(tally_metric_to_text(m, back, sizeof back), strlen(want) + 1);
    assert_string_equal(back, want);
    tally_metric_release(m);
}

/* what the text says comes back, as another metric of the same configuration */
static void round_trip(const char *text)
{
    char          back[512];
    tally_metric *m = made(text);
    tally_metric_to_text(m, back, sizeof back);
    tally_metric *again = made(back);
    assert_true(schema_of(m)->fingerprint == schema_of(again)->fingerprint);
    assert_int_equal(tally_metric_merge_state(m, &again, 1, NULL), TALLY_OK);
    assert_string_equal(tally_metric_name(m), tally_metric_name(again));
    tally_metric_release(again);
    tally_metric_release(m);
}

/* "Class(what must be given, option=value)" */
static void spell_option(char *to, size_t room, const tally_metric_description *d, int which, const char *value)
{
    const char *between = "(";
    size_t      n = (size_t)snprintf(to, room, "%s", d->class_name);
    for (int i = 0; i < d->n_options; i++) {
        const tally_metric_option *o = tally_metric_option_at(d->class_name, i);
        if (i == which || !o->standard[0]) {
            n += (size_t)snprintf(to + n, room - n, "%s%s=%s", between, o->name, i == which ? value : o->example);
            between = ", ";
        }
    }
    snprintf(to + n, room - n, "%s", *between == ',' ? ")" : "()");
}

static void every_class_and_option_comes_back(void **state)
{
    tally_metric_description d;
    int                      n = 0;
    (void)state;
    for (; !tally_metric_describe(NULL, n, &d); n++) {
        char plain[256], text[256];
        spell_option(plain, sizeof plain, &d, -1, NULL);
        round_trip(plain);
        spelled(plain, plain);
        for (int i = 0; i < d.n_options; i++) {
            const tally_metric_option *o = tally_metric_option_at(d.class_name, i);
            spell_option(text, sizeof text, &d, i, o->example);
            round_trip(text);
            spelled(text, text);
            if (!o->standard[0])
                continue;
            tally_metric *a = made(plain), *b = made(text);
            assert_true(schema_of(a)->fingerprint != schema_of(b)->fingerprint);        /* the option makes another metric */
            tally_metric_release(b);
            spell_option(text, sizeof text, &d, i, o->standard);
            b = made(text);
            assert_true(schema_of(a)->fingerprint == schema_of(b)->fingerprint);        /* its default does not */
            tally_metric_release(a);
            tally_metric_release(b);
            spelled(text, plain);
        }
        assert_null(tally_metric_option_at(d.class_name, d.n_options));
        assert_null(tally_metric_option_at(d.class_name, -1));
    }
    assert_int_equal(n, tally_metric_classes());
    assert_int_equal(n, TALLY__METRICS);
}

static void a_class_answers_to_all_its_names(void **state)
{
    tally_metric_description d, by;
    (void)state;
    for (int i = 0; !tally_metric_describe(NULL, i, &d); i++) {
        assert_int_equal(tally_metric_describe(d.class_name, 0, &by), TALLY_OK);
        assert_ptr_equal(by.class_name, d.class_name);
        assert_int_equal(tally_metric_describe(d.name, 0, &by), TALLY_OK);
        assert_ptr_equal(by.class_name, d.class_name);
    }
    spelled("mse", "MeanSquaredError()");
    spelled("MAE()", "MeanAbsoluteError()");
    spelled("bce", "BinaryCrossentropy()");
    spelled(" sparse_categorical_accuracy ( ) ", "SparseCategoricalAccuracy()");
    const char *const none[] = { "", "M", "mse ", "e MSE", "Mse", "mean squared error", "meanSquaredError", "mean_squared_erro" };
    for (size_t i = 0; i < TALLY__COUNT(none); i++)
        assert_int_equal(tally_metric_describe(none[i], 0, &by), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_describe(NULL, -1, &by), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_describe("Mean", 0, NULL), TALLY_INVALID_ARGUMENT);
    assert_null(tally_metric_option_at("Nobody", 0));
    assert_null(tally_metric_option_at(NULL, 0));
}

static void a_class_is_described(void **state)
{
    (void)state;
    tally_metric_description d;
    assert_int_equal(tally_metric_describe("mse", 0, &d), TALLY_OK);
    assert_string_equal(d.class_name, "MeanSquaredError");
    assert_string_equal(d.name, "mean_squared_error");
    assert_string_equal(d.others, "mse MSE");
    assert_string_equal(d.formula, "mean of (y_true - y_pred)^2");
    assert_int_equal(d.operands, TALLY_OPERANDS_NUMBERS);
    assert_int_equal(d.direction, -1);
    assert_int_equal(d.batch, 0);
    assert_int_equal(d.n_options, 1);
    assert_int_equal(tally_metric_describe("Mean", 0, &d), TALLY_OK);
    assert_int_equal(d.operands, TALLY_OPERANDS_VALUES);
    assert_int_equal(d.direction, 0);
    assert_int_equal(tally_metric_describe("recall", 0, &d), TALLY_OK);
    assert_int_equal(d.operands, TALLY_OPERANDS_BINARY);
    assert_int_equal(d.direction, 1);
    assert_int_equal(d.n_options, 3);
    const tally_metric_option *o = tally_metric_option_at("Recall", 0);
    assert_string_equal(o->name, "thresholds");
    assert_string_equal(o->type, "REALS");
    assert_string_equal(o->standard, "None");
    assert_string_equal(tally_metric_option_at("Mean", 0)->type, "samples|elements");
    assert_string_equal(tally_metric_option_at("SparseTopKCategoricalAccuracy", 1)->name, "from_sorted_ids");
    assert_string_equal(tally_metric_option_at("TopKCategoricalAccuracy", 1)->name, "reduction");
}

static void values_have_pythons_spellings(void **state)
{
    (void)state;
    spelled("Precision(thresholds=[0.3, 0.7], top_k=2)", "Precision(thresholds=[0.3, 0.7], top_k=2)");
    spelled("Precision(thresholds=(0.3,0.70,), class_id=-1)", "Precision(thresholds=[0.3, 0.7], class_id=-1)");
    spelled("Precision(thresholds=3e-1)", "Precision(thresholds=[0.3])");
    spelled("Recall(thresholds=[])", "Recall()");
    spelled("Recall( thresholds = None , top_k = 2. )", "Recall(top_k=2)");
    spelled("Mean(reduction='elements')", "Mean(reduction=\"elements\")");
    spelled("Mean(reduction=elements)", "Mean(reduction=\"elements\")");
    spelled("bce(from_logits=1)", "BinaryCrossentropy(from_logits=True)");
    spelled("BinaryAccuracy(threshold=0.1000000000000000055511151231257827)", "BinaryAccuracy(threshold=0.1)");
    spelled("BinaryAccuracy(threshold=-inf)", "BinaryAccuracy(threshold=-inf)");
    spelled("Mean(name=\"a \\\"b\\\" \\\\ c\", nan=skip)", "Mean(name=\"a \\\"b\\\" \\\\ c\", nan=\"skip\")");
    spelled("Mean(name='mean', nan='propagate')", "Mean()");
    tally_metric *m = made("Mean(name='a \\'b\\'')");
    assert_string_equal(tally_metric_name(m), "a 'b'");
    tally_metric_release(m);
    round_trip("Mean(name=\"a \\\"b\\\" \\\\ c\", nan=error)");
}

static void a_text_makes_what_the_options_make(void **state)
{
    (void)state;
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    const double            at[] = { .3, .7 };
    char                    long_list[4096] = "Precision(thresholds=[0", text[4096];
    o.thresholds = at;
    o.n_thresholds = 2;
    o.top_k = 2;
    tally_metric *a = tally_precision_new(&o, NULL), *b = made("Precision(top_k=2, thresholds=[0.3, 0.7])");
    assert_true(schema_of(a)->fingerprint == schema_of(b)->fingerprint);
    assert_int_equal(tally_metric_merge_state(a, &b, 1, NULL), TALLY_OK);
    tally_metric_release(a);
    tally_metric_release(b);
    for (int i = 1; i < 300; i++)
        snprintf(long_list + strlen(long_list), 16, ", %g", i * i / 1e5);
    strcat(long_list, "])");
    a = made(long_list);
    assert_int_equal(tally_metric_to_text(a, text, sizeof text), strlen(long_list) + 1);
    assert_string_equal(text, long_list);
    assert_int_equal(tally_metric_to_text(a, text, 10), strlen(long_list) + 1);     /* as far as the room goes */
    assert_string_equal(text, "Precision");
    tally_metric_release(a);
}

static void a_metric_takes_the_context_that_is_given(void **state)
{
    (void)state;
    tally_context *x = tally_context_new(NULL, NULL);
    tally_metric  *m = tally_metric_from_text("Precision(thresholds=[0.2, 0.7], name='p')", x, NULL);
    assert_ptr_equal(tally__store_of_metric(m)->context, x);
    tally_metric_release(m);
    assert_int_equal(tally_context_bytes(x), 0);
    tally_context_release(x);
}

static void what_is_wrong_in_a_text_is_told(void **state)
{
    static const struct { const char *text, *part; } row[] = {
        { "", "from_text: class, expected a metric's name, found the end" },
        { "Precisio()", "from_text: class, expected a metric's name, found \"Precisio()\"" },
        { "Precision(", "Precision: options, expected option=value, found the end" },
        { "Precision(top_k)", "expected option=value, found \")\"" },
        { "Precision(top_k=2", "Precision: options, expected , or ), found the end" },
        { "Precision(top_k=2) x", "Precision: options, expected the end, found \"x\"" },
        { "Precision(treshold=2)", "Precision: options, expected one of thresholds, top_k, class_id, name, nan, found treshold" },
        { "Mean(top_k=2)", "Mean: options, expected one of reduction, name, nan, found top_k" },
        { "BinaryCrossentropy(ignore_class=2)", "expected one of from_logits, label_smoothing, axis, reduction, name, nan, found ignore_class" },
        { "Precision(top_k=2, top_k=2)", "Precision: options.top_k, expected once, found twice" },
        { "Mean(name='a', name='b')", "Mean: options.name, expected once, found twice" },
        { "Precision(top_k=two)", "Precision: options.top_k, expected a whole number or None, found \"two)\"" },
        { "Precision(top_k=2.5)", "options.top_k, expected a whole number or None, found \"2.5)\"" },
        { "Precision(top_k='2')", "options.top_k, expected a whole number or None, found \"2')\"" },
        { "Precision(top_k=99999999999)", "options.top_k, expected a whole number or None, found \"99999999999)\"" },
        { "Precision(top_k=)", "options.top_k, expected a whole number or None, found \")\"" },
        { "Precision(top_k=0)", "options.top_k, expected 1 or more, or TALLY_NONE, found 0" },
        { "Precision(thresholds=[0.3, 1.5])", "options.thresholds[1], expected 0 to 1, found 1.5" },
        { "Precision(thresholds=[0.3, x])", "options.thresholds, expected a list of numbers, found \"x])\"" },
        { "Precision(thresholds=[0.3 0.4])", "options.thresholds, expected a number or ], found \"0.4])\"" },
        { "Precision(thresholds=[0.3)", "options.thresholds, expected a number or ], found \")\"" },
        { "Precision(thresholds=(0.3]", "options.thresholds, expected a number or ), found \"]\"" },
        { "Precision(thresholds=nan)", "options.thresholds[0], expected 0 to 1, found nan" },
        { "BinaryAccuracy(threshold=None)", "options.threshold, expected a number, found \"None)\"" },
        { "BinaryAccuracy(threshold=nan)", "options.threshold, expected a number, found nan" },
        { "bce(from_logits=2)", "options.from_logits, expected True or False, found \"2)\"" },
        { "bce(axis=77)", "options.axis, expected -6 to 5, found 77" },
        { "bce(label_smoothing=inf)", "options.label_smoothing, expected a finite number, found inf" },
        { "Mean(reduction=sample)", "Mean: options.reduction, expected samples|elements, found \"sample)\"" },
        { "Mean(nan=drop)", "Mean: options.nan, expected propagate|skip|error, found \"drop)\"" },
        { "Mean(name=a)", "Mean: options.name, expected a text in quotes, found \"a)\"" },
        { "Mean(name='a)", "Mean: options.name, expected a text in quotes, found \"a)\"" },
    };
    tally_error err;
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        tally_metric *m = tally_metric_from_text(row[i].text, NULL, &err);
        if (m)
            fail_msg("\"%s\" made a metric", row[i].text);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, row[i].part);
    }
    assert_null(tally_metric_from_text(NULL, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "from_text: text, expected \"Class(option=value)\", found NULL");
    assert_null(tally_metric_from_text("Mean(", NULL, NULL));
}

static void any_cut_of_a_text_is_a_metric_or_an_error(void **state)
{
    static const char whole[] = "Precision(thresholds=[0.25, 0.75], top_k=2, class_id=None, name='a\\'b', nan='skip')";
    char              text[sizeof whole];
    tally_error       err;
    (void)state;
    for (size_t n = 0; n + 1 < sizeof whole; n++)
        for (int c = -1; c < 128; c += 3) {
            memcpy(text, whole, sizeof whole);
            text[n] = c < 0 ? 0 : (char)c;
            tally_metric *m = tally_metric_from_text(text, NULL, &err);
            assert_true(m || err.status == TALLY_INVALID_ARGUMENT);
            tally_metric_release(m);
        }
}

static tally_node own_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[0];
}

static void own_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static void a_class_of_ones_own_has_no_text(void **state)
{
    static const tally_state_spec   spec[] = { { "total", TALLY_STATE_SUM, 0, { 0, 0 } } };
    static const tally_metric_class k = { sizeof k, "Mean", 1, 1, 0, 0, spec, own_update, own_result };
    (void)state;
    tally_metric *m = tally_metric_new(&k, NULL, 0, NULL, NULL);
    assert_int_equal(tally_metric_to_text(m, NULL, 0), 0);
    assert_int_equal(tally_metric_to_text(NULL, NULL, 0), 0);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_and_option_comes_back),
        cmocka_unit_test(a_class_answers_to_all_its_names),
        cmocka_unit_test(a_class_is_described),
        cmocka_unit_test(values_have_pythons_spellings),
        cmocka_unit_test(a_text_makes_what_the_options_make),
        cmocka_unit_test(a_metric_takes_the_context_that_is_given),
        cmocka_unit_test(what_is_wrong_in_a_text_is_told),
        cmocka_unit_test(any_cut_of_a_text_is_a_metric_or_an_error),
        cmocka_unit_test(a_class_of_ones_own_has_no_text),
    };
    return cmocka_run_group_tests_name("metric/text", tests, NULL, NULL);
}
