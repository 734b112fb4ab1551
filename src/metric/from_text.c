/* from_text: "Precision(thresholds=[0.3, 0.7], top_k=2)" becomes options over the defaults, as a program would fill them in. Knows
 * the spelling of values; names, types and bounds are the tables'. */
#include "metric.h"

typedef struct word {                   /* a value, or an entry of a list */
    const char *at;
    size_t      n;
    bool        quoted;
} word;

typedef struct reader {
    const char              *at;
    const tally__metric_row *row;
    char                    *options;   /* of the row's family */
    uint64_t                 given;     /* bits by place in the class's options, name and nan behind them */
    tally__arena             arena;     /* lists and names, until the metric is made */
    tally_error             *err;
} reader;

static void skip_spaces(reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
        r->at++;
}

static bool take(reader *r, char c)
{
    skip_spaces(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_value_char(char c)
{
    return is_name_char(c) || c == '.' || c == '+' || c == '-';
}

/* What stands here, for a text: the rest, but not all of a long one. */
static const char *found(const reader *r, char out[40])
{
    tally__text text = { out, 40, 0 };
    size_t      n = strlen(r->at);
    tally__put(&text, n ? "\"" : "the end");
    for (size_t i = 0; i < n && i < 24; i++)
        tally__put(&text, "%c", r->at[i]);
    tally__put(&text, n > 24 ? "...\"" : n ? "\"" : "");
    return out;
}

static bool wrong_here(reader *r, const char *option, const char *expected)
{
    char here[40];
    tally__option_wrong(r->row, r->err, "%s, expected %s, found %s", option, expected, found(r, here));
    return false;
}

static bool wrong_syntax(reader *r, const char *expected)
{
    char here[40];
    tally__fail(r->err, TALLY_INVALID_ARGUMENT, 0, "%s: options, expected %s, found %s", r->row->keras_name, expected, found(r, here));
    return false;
}

static bool take_word(reader *r, word *w)
{
    skip_spaces(r);
    const char quote = *r->at;
    *w = (word){ r->at, 0, quote == '"' || quote == '\'' };
    if (!w->quoted) {
        while (is_value_char(*r->at))
            r->at++;
        w->n = (size_t)(r->at - w->at);
        return w->n > 0;
    }
    for (w->at = ++r->at; *r->at && *r->at != quote; r->at++)
        if (*r->at == '\\' && r->at[1])
            r->at++;
    w->n = (size_t)(r->at - w->at);
    if (*r->at != quote)
        return false;
    r->at++;
    return true;
}

static bool is_text(const word *w, const char *text)
{
    return w->n == strlen(text) && !memcmp(w->at, text, w->n);
}

/* ---- values */
static bool wrong_word(reader *r, const char *option, const char *expected, const word *w)
{
    reader at = *r;
    at.at = w->at;
    return wrong_here(&at, option, expected);
}

static bool word_place(const char *choices, const word *w, int32_t *place)
{
    for (*place = 0;; ++*place) {
        const size_t n = strcspn(choices, "|");
        if (n == w->n && !memcmp(choices, w->at, n))
            return true;
        if (!choices[n])
            return false;
        choices += n + 1;
    }
}

static const char *type_in_words(const tally__option *o)
{
    static const char *const text[] = {
        [TALLY__TYPE_REAL] = "a number", [TALLY__TYPE_WHOLE] = "a whole number", [TALLY__TYPE_OPTIONAL] = "a whole number or None",
        [TALLY__TYPE_OPTIONAL_REAL] = "a number or None",
        [TALLY__TYPE_FLAG] = "True or False", [TALLY__TYPE_REALS] = "a list of numbers", [TALLY__TYPE_WHOLES] = "a list of whole numbers" };
    return o->type == TALLY__TYPE_CHOICE ? o->face.type : text[o->type];
}

static bool whole_of(const tally__option *o, const word *w, int32_t *out)
{
    double v;
    if (o->type == TALLY__TYPE_CHOICE)
        return word_place(o->face.type, w, out);
    if (w->quoted)
        return false;
    if (o->type == TALLY__TYPE_FLAG && (is_text(w, "True") || is_text(w, "False"))) {
        *out = is_text(w, "True");
        return true;
    }
    if (o->type == TALLY__TYPE_OPTIONAL && is_text(w, "None")) {
        *out = TALLY_NONE;
        return true;
    }
    if (!tally__read_f64(w->at, w->n, &v) || !(v > INT32_MIN && v <= INT32_MAX) || v != (double)(int32_t)v)
        return false;
    *out = (int32_t)v;
    return o->type != TALLY__TYPE_FLAG || *out == 0 || *out == 1;
}

/* one value, or one entry of a list */
static bool store_word(reader *r, const tally__option *o, const word *w, char *to)
{
    double  v;
    int32_t whole;
    if (o->type == TALLY__TYPE_OPTIONAL_REAL && !w->quoted && is_text(w, "None")) {
        memcpy(to, &(double){ TALLY_NONE }, sizeof v);
        return true;
    }
    if (tally__option_size(o) == sizeof v && !w->quoted && tally__read_f64(w->at, w->n, &v)) {
        memcpy(to, &v, sizeof v);
        return true;
    }
    if (tally__option_size(o) == sizeof whole && whole_of(o, w, &whole)) {
        memcpy(to, &whole, sizeof whole);
        return true;
    }
    return wrong_word(r, o->face.name, type_in_words(o), w);
}

/* the entries that follow, counted without being looked at */
static int32_t count_words(const reader *r)
{
    reader  ahead = *r;
    word    w;
    int32_t n = 0;
    while (take_word(&ahead, &w)) {
        n++;
        if (!take(&ahead, ','))
            break;
    }
    return n;
}

static bool store_list(reader *r, const tally__option *o)
{
    const size_t size = tally__option_size(o);
    const bool   many = take(r, '[') || take(r, '(');
    const char   end = many ? r->at[-1] == '[' ? ']' : ')' : 0;
    int32_t      n = many ? count_words(r) : 1;
    char        *list = tally__arena_alloc(&r->arena, (size_t)TALLY__MAX(n, 1) * size);
    if (!list) {
        tally__fail_memory(r->err, (size_t)n * size);
        return false;
    }
    for (int32_t i = 0; i < n; i++) {
        word w;
        if (!take_word(r, &w))
            return wrong_here(r, o->face.name, type_in_words(o));
        if (!many && is_text(&w, "None") && !w.quoted)
            n = 0;
        else if (!store_word(r, o, &w, list + (size_t)i * size))
            return false;
        if (many)
            take(r, ',');
    }
    if (many && !take(r, end))
        return wrong_here(r, o->face.name, end == ']' ? "a number or ]" : "a number or )");
    if (!n)
        list = NULL;
    memcpy(r->options + o->options_at, &list, sizeof list);
    memcpy(r->options + o->count_at, &n, sizeof n);
    return true;
}

static bool store_option(reader *r, const tally__option *o)
{
    word w;
    if (tally__option_is_list(o))
        return store_list(r, o);
    if (!take_word(r, &w))
        return wrong_here(r, o->face.name, type_in_words(o));
    return store_word(r, o, &w, r->options + o->options_at);
}

/* ---- what all classes have */
static bool store_name(reader *r)
{
    tally_metric_options *head = (tally_metric_options *)(void *)r->options;
    word                  w;
    skip_spaces(r);
    if (!take_word(r, &w) || !w.quoted)
        return wrong_word(r, "name", "a text in quotes", &w);
    char *name = tally__arena_alloc(&r->arena, w.n + 1), *to = name;
    if (!name) {
        tally__fail_memory(r->err, w.n + 1);
        return false;
    }
    for (size_t i = 0; i < w.n; i++) {
        i += w.at[i] == '\\' && i + 1 < w.n;
        *to++ = w.at[i];
    }
    *to = 0;
    head->name = name;
    return true;
}

static bool store_nan(reader *r)
{
    static const char     policies[] = "propagate|skip|error";
    tally_metric_options *head = (tally_metric_options *)(void *)r->options;
    word                  w;
    if (!take_word(r, &w) || !word_place(policies, &w, &head->nan))
        return wrong_word(r, "nan", policies, &w);
    return true;
}

/* ---- the text */
static bool no_such_option(reader *r, const word *key)
{
    char        list[160];
    tally__text text = { list, sizeof list, 0 };
    for (const tally__option *o = NULL; (o = tally__option_next(r->row, o));)
        tally__put(&text, "%s, ", o->face.name);
    tally__put(&text, "name, nan");
    char *name = tally__arena_alloc(&r->arena, key->n + 1);
    if (!name) {
        tally__fail_memory(r->err, key->n + 1);
        return false;
    }
    memcpy(name, key->at, key->n);
    name[key->n] = 0;
    tally__fail(r->err, TALLY_INVALID_ARGUMENT, 0, "%s: options, expected one of %s, found %s", r->row->keras_name, list, name);
    return false;
}

static bool first_time(reader *r, int place, const char *name)
{
    const bool again = r->given >> place & 1;
    r->given |= UINT64_C(1) << place;
    if (again)
        tally__option_wrong(r->row, r->err, "%s, expected once, found twice", name);
    return !again;
}

static bool read_option(reader *r)
{
    word key;
    int  place = 0;
    skip_spaces(r);
    if (!take_word(r, &key) || key.quoted || !take(r, '='))
        return wrong_syntax(r, "option=value");
    for (const tally__option *o = NULL; (o = tally__option_next(r->row, o)); place++)
        if (is_text(&key, o->face.name))
            return first_time(r, place, o->face.name) && store_option(r, o);
    if (is_text(&key, "name"))
        return first_time(r, place, "name") && store_name(r);
    if (is_text(&key, "nan"))
        return first_time(r, place + 1, "nan") && store_nan(r);
    return no_such_option(r, &key);
}

static bool read_options(reader *r)
{
    skip_spaces(r);
    if (take(r, '(') && !take(r, ')')) {
        do {
            if (!read_option(r))
                return false;
        } while (take(r, ','));
        if (!take(r, ')'))
            return wrong_syntax(r, ", or )");
    }
    skip_spaces(r);
    return !*r->at || wrong_syntax(r, "the end");
}

static const tally__metric_row *read_class(reader *r)
{
    char   name[64];
    size_t n = 0;
    skip_spaces(r);
    for (; is_name_char(r->at[n]) && n + 1 < sizeof name; n++)
        name[n] = r->at[n];
    name[n] = 0;
    const tally__metric_row *row = tally__metric_row_of(name);
    char                     here[40];
    if (!row)
        tally__fail(r->err, TALLY_INVALID_ARGUMENT, 0, "from_text: class, expected a metric's name, found %s", found(r, here));
    r->at += n;
    return row;
}

static tally_metric *read_metric(reader *r, tally_context *x)
{
    const tally__family *family = &tally__family_table[r->row->family];
    tally_metric        *m = NULL;
    tally__arena_init(&r->arena, x);
    r->options = tally__arena_alloc(&r->arena, family->options_size);
    if (!r->options) {
        tally__fail_memory(r->err, family->options_size);
    } else {
        memcpy(r->options, family->standard, family->options_size);
        ((tally_metric_options *)(void *)r->options)->context = x;
        if (read_options(r))
            m = tally__metric_from_options(r->row, r->options, r->err);
    }
    tally__arena_release(&r->arena);
    return m;
}

tally_metric *tally_metric_from_text(const char *text, tally_context *c, tally_error *err)
{
    reader r = { .at = text, .err = err };
    if (!text) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "from_text: text, expected \"Class(option=value)\", found NULL");
        return NULL;
    }
    if (!(r.row = read_class(&r)))
        return NULL;
    tally_context *x = tally__context_for(c, err);
    if (!x)
        return NULL;
    tally_metric *m = read_metric(&r, x);
    tally_context_release(x);
    return m;
}
