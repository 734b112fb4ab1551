/* to_text: a metric's configuration as the text that makes it anew: what differs from the defaults, in the order of options.def. */
#include "metric.h"

/* place i of "samples|elements" */
static void put_word(tally__text *t, const char *words, int i)
{
    for (; i > 0; i--)
        words = strchr(words, '|') + 1;
    const int n = (int)strcspn(words, "|");
    if (n == 4 && !memcmp(words, "None", 4)) {
        tally__put(t, "None");
        return;
    }
    tally__put(t, "\"");
    for (int k = 0; k < n; k++)
        tally__put(t, "%c", words[k]);
    tally__put(t, "\"");
}

static void put_number_at(tally__text *t, const tally__option *o, const char *p)
{
    double  v;
    int32_t whole;
    if (tally__option_size(o) == sizeof v) {
        memcpy(&v, p, sizeof v);
        if (tally__option_may_be_none(o) && v == TALLY_NONE)
            tally__put(t, "None");
        else
            tally__put(t, "%g", v);
        return;
    }
    memcpy(&whole, p, sizeof whole);
    if (o->type == TALLY__TYPE_CHOICE)
        put_word(t, o->face.type, whole);
    else if (o->type == TALLY__TYPE_FLAG)
        tally__put(t, "%s", whole ? "True" : "False");
    else if (o->type == TALLY__TYPE_OPTIONAL && whole == TALLY_NONE)
        tally__put(t, "None");
    else
        tally__put(t, "%d", (int)whole);
}

static void put_option(tally__text *t, const tally__option *o, const char *config)
{
    tally__list list;
    if (!tally__option_is_list(o)) {
        put_number_at(t, o, config + o->config_at);
        return;
    }
    memcpy(&list, config + o->config_at, sizeof list);
    if (!list.n) {
        tally__put(t, "None");
        return;
    }
    for (int32_t i = 0; i < list.n; i++) {
        tally__put(t, i ? ", " : "[");
        put_number_at(t, o, config + list.at + (size_t)i * tally__option_size(o));
    }
    tally__put(t, "]");
}

/* is its text the default's? A list is seldom short: only as many characters as the default has count. */
static bool is_standard(const tally__option *o, const char *config)
{
    char        line[64];
    tally__text text = { line, sizeof line, 0 };
    put_option(&text, o, config);
    return text.n < sizeof line && !strcmp(line, o->face.standard);
}

static void put_quoted(tally__text *t, const char *s)
{
    tally__put(t, "\"");
    for (; *s; s++)
        tally__put(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    tally__put(t, "\"");
}

static void put_metric(tally__text *t, const tally__metric_row *row, const tally__class *k, const char *name)
{
    static const char *const nan[] = { "propagate", "skip", "error" };
    const char              *config = tally__config_of(k), *between = "";
    tally__put(t, "%s(", row->keras_name);
    for (const tally__option *o = NULL; (o = tally__option_next(row, o));) {
        if (is_standard(o, config))
            continue;
        tally__put(t, "%s%s=", between, o->face.name);
        put_option(t, o, config);
        between = ", ";
    }
    if (strcmp(name, row->name)) {
        tally__put(t, "%sname=", between);
        put_quoted(t, name);
        between = ", ";
    }
    if (k->nan != TALLY_NAN_PROPAGATE)
        tally__put(t, "%snan=\"%s\"", between, nan[k->nan]);
    tally__put(t, ")");
}

size_t tally_metric_to_text(const tally_metric *m, char *buf, size_t n)
{
    if (!m)
        return 0;
    const tally__class      *k = tally__class_of(tally__store_of_metric(m)->schema);
    const tally__metric_row *row = k->origin.own ? tally__metric_row_of(k->face.name) : NULL;
    tally__text              text = { buf, buf ? n : 0, 0 };
    if (!row)
        return 0;
    put_metric(&text, row, k, tally_metric_name(m));
    return text.n + 1;
}
