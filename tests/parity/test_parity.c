/* Golden vectors made by Keras itself (golden.py says what the files hold): every class and option, with all operands in float32 and
 * in float64. Keras's own answers are float32 sums, and float64 sums, of the same formula, so Tally lies within their error: a few
 * units of float32, and of float64. No class is named here: a case is the text that makes its metric. Another folder of vectors may
 * be given as argument. */
#include "../support.h"
#include <dirent.h>
#include <tally/tally.h>

enum { LINE_ROOM = 4096, OPERANDS = 3, ELEMENTS = 128, ANSWERS = 64, CLASSES = 64, STREAMS = 40 };

static const char *folder = TEST_SOURCE_ROOT "/tests/parity/vectors";

typedef struct operand {
    tally_tensor x;
    int          dtype;               /* its own, or -1 */
    double       f64[ELEMENTS];
    double       memory[ELEMENTS];    /* as it is given */
} operand;

typedef struct golden {
    char          text[256];
    const char   *file;
    int           line;               /* of the case */
    tally_metric *m[2];               /* fed with float32, float64 */
} golden;

static struct { const char *name; int cases; } seen[CLASSES];

static void wrong(const golden *g, int line, const char *what)
{
    print_error("%s:%d: %s: %s\n", g->file, line, g->text, what);
    fail();
}

/* ---- the file's numbers */
static int read_list(const char *text, double *out, int most)
{
    int n = 0;
    for (char *end; n < most && *text && *text != ' '; text = end + 1) {
        out[n] = strtod(text, &end);
        if (end == text)
            break;
        n++;
        if (*end != ',')
            break;
    }
    return n;
}

/* "-" or "3x4"; what follows the colon behind it */
static char *read_shape(char *at, int *rank, int64_t *shape)
{
    *rank = 0;
    if (*at == '-')
        return at + 2;
    for (at--; *rank == 0 || *at == 'x'; ++*rank)
        shape[*rank] = strtoll(at + 1, &at, 10);
    return at + 1;
}

static int read_dtype(char **at)
{
    static const struct { const char *name; tally_dtype d; } row[] = {
        { "bool@", TALLY_BOOL }, { "u8@", TALLY_U8 }, { "i8@", TALLY_I8 }, { "i32@", TALLY_I32 }, { "i64@", TALLY_I64 },
        { "f16@", TALLY_F16 }, { "bf16@", TALLY_BF16 } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (!strncmp(*at, row[i].name, strlen(row[i].name))) {
            *at += strlen(row[i].name);
            return (int)row[i].d;
        }
    return -1;
}

static char *read_operand(char *at, operand *o)
{
    int64_t stride = 1;
    memset(o, 0, sizeof *o);
    o->dtype = read_dtype(&at);
    at = read_shape(at, &o->x.rank, o->x.shape);
    for (int a = o->x.rank - 1; a >= 0; stride *= o->x.shape[a--])
        o->x.stride[a] = stride;
    const double scale = strtod(at, &at);
    assert_int_equal(read_list(at + 1, o->f64, ELEMENTS), stride);
    for (int64_t i = 0; i < stride; i++)
        o->f64[i] /= scale;
    char *space = strchr(at, ' ');
    return space ? space + 1 : NULL;
}

/* the numbers, exact in every dtype that the files use */
static void put_number(void *to, int dtype, double v)
{
    uint32_t bits;
    const float f = (float)v;
    memcpy(&bits, &f, sizeof bits);
    switch (dtype) {
    case TALLY_BOOL: case TALLY_U8: *(uint8_t *)to = (uint8_t)v; break;
    case TALLY_I8:   *(int8_t *)to = (int8_t)v; break;
    case TALLY_I32:  *(int32_t *)to = (int32_t)v; break;
    case TALLY_I64:  *(int64_t *)to = (int64_t)v; break;
    case TALLY_F16:  *(uint16_t *)to = (uint16_t)(v == 0 ? 0 : ((bits >> 16 & 0x8000) | ((bits >> 13 & 0x3ffff) - 0x1c000))); break;
    case TALLY_BF16: *(uint16_t *)to = (uint16_t)(bits >> 16); break;
    case TALLY_F32:  *(float *)to = f; break;
    default:         *(double *)to = v;
    }
}

static const tally_tensor *as_given(operand *o, tally_dtype run)
{
    const int dtype = o->dtype >= 0 ? o->dtype : (int)run;
    for (int i = 0; i < ELEMENTS; i++)
        put_number((char *)o->memory + (size_t)i * tally_dtype_size((tally_dtype)dtype), dtype, o->f64[i]);
    o->x.dtype = dtype;
    o->x.data = o->memory;
    return &o->x;
}

/* ---- the lines */
static void count_class(const char *text)
{
    char   name[64] = "";
    tally_metric_description d;
    memcpy(name, text, strcspn(text, "("));
    assert_int_equal(tally_metric_describe(name, 0, &d), TALLY_OK);
    for (int i = 0; i < CLASSES; i++)
        if (!seen[i].name || !strcmp(seen[i].name, d.class_name)) {
            seen[i].name = d.class_name;
            seen[i].cases++;
            return;
        }
}

static void begin_case(golden *g, const char *text, int line)
{
    tally_error err;
    snprintf(g->text, sizeof g->text, "%.255s", text);
    g->line = line;
    for (int i = 0; i < 2; i++)
        if (!(g->m[i] = tally_metric_from_text(text, NULL, &err)))
            wrong(g, line, err.text);
    count_class(text);
}

static void update_case(golden *g, char *text, int line)
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
        for (int k = 0; k < n; k++)
            x[k] = as_given(&o[k], i ? TALLY_F64 : TALLY_F32);
        if (tally_metric_update_state_n(g->m[i], x, n, &err))
            wrong(g, line, err.text);
    }
}

static void compare_case(golden *g, char *text, int which, double relative, double absolute)
{
    double      want[ANSWERS], got[ANSWERS];
    int64_t     shape[TALLY_MAX_RANK] = { 0 }, got_shape[TALLY_MAX_RANK] = { 0 };
    int         rank;
    tally_error err;
    const int   n = read_list(read_shape(text, &rank, shape), want, ANSWERS);
    if (tally_metric_result_shape(g->m[which], got_shape) != rank || memcmp(shape, got_shape, sizeof shape))
        wrong(g, g->line, "the result has another shape");
    assert_ok(tally_metric_values(g->m[which], got, ANSWERS, &err), &err);
    for (int k = 0; k < n; k++)
        if (!(fabs(got[k] - want[k]) <= relative * fabs(want[k]) + absolute) && !(got[k] != got[k] && want[k] != want[k])) {
            print_error("%s:%d: %s in %s, value %d: got %.17g, Keras has %.17g, apart by %g\n", g->file, g->line, g->text,
                        which ? "float64" : "float32", k, got[k], want[k], fabs(got[k] - want[k]));
            fail();
        }
    tally_metric_release(g->m[which]);
}

static void judge_line(golden *g, char *line, int at)
{
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "case ", 5))
        begin_case(g, line + 5, at);
    else if (!strncmp(line, "update ", 7))
        update_case(g, line + 7, at);
    else if (!strcmp(line, "reset"))
        tally_metric_reset_state(g->m[0]), tally_metric_reset_state(g->m[1]);
    else if (!strncmp(line, "float32 ", 8))
        compare_case(g, line + 8, 0, 2e-6, 1e-6);
    else if (!strncmp(line, "float64 ", 8))
        compare_case(g, line + 8, 1, 1e-14, 1e-15);
    else
        assert_int_equal(line[0], '#');
}

static void judge_file(const char *name)
{
    char   path[512], line[LINE_ROOM];
    golden g = { .file = name };
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int at = 1; fgets(line, sizeof line, f); at++) {
        assert_non_null(strchr(line, '\n'));
        judge_line(&g, line, at);
    }
    fclose(f);
}

static void keras_own_answers_are_met(void **state)
{
    (void)state;
    int  files = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') {
            judge_file(e->d_name);
            files++;
        }
    closedir(d);
    assert_true(files > 0);
}

static void every_class_has_its_streams(void **state)
{
    tally_metric_description d;
    int                      missing = 0;
    (void)state;
    for (int i = 0; !tally_metric_describe(NULL, i, &d); i++) {
        int k = 0;
        while (k < CLASSES && seen[k].name && strcmp(seen[k].name, d.class_name))
            k++;
        if (k == CLASSES || seen[k].cases < STREAMS) {
            print_error("%s: %d streams, expected %d or more\n", d.class_name, k < CLASSES ? seen[k].cases : 0, STREAMS);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keras_own_answers_are_met), cmocka_unit_test(every_class_has_its_streams) };
    if (argc > 1)
        folder = argv[1];
    return cmocka_run_group_tests_name("parity/parity", tests, NULL, NULL);
}
