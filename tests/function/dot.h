/* dot: a reader of as much of the DOT language as tally_function_dot writes, so that no test needs Graphviz. A text passes if its
 * braces and brackets close, every box and every cluster is declared once, every edge runs between declared boxes, and within
 * quotation marks nothing stands that a label would take for a sign of its own. */
#ifndef TALLY_TESTS_DOT_H
#define TALLY_TESTS_DOT_H

#include "../support.h"

enum { DOT_MOST = 4096, DOT_NAME = 32 };
typedef struct dot_names {
    char name[DOT_MOST][DOT_NAME];
    int  n;
} dot_names;
typedef struct dot_reader {
    const char *at;
    const char *wrong;               /* what it found first, or NULL */
    char        word[DOT_NAME];      /* read last; a text between quotation marks is "" */
    dot_names   boxes, clusters, ends;
    int         labels, edges, dashed;
} dot_reader;

static inline bool dot_wrong(dot_reader *r, const char *what)
{
    if (!r->wrong)
        r->wrong = what;
    return false;
}

static inline bool dot_in(const dot_names *names, const char *name)
{
    for (int i = 0; i < names->n; i++)
        if (!strcmp(names->name[i], name))
            return true;
    return false;
}

static inline bool dot_note(dot_reader *r, dot_names *names, const char *name)
{
    if (names->n == DOT_MOST)
        return dot_wrong(r, "too many names for this reader");
    strcpy(names->name[names->n++], name);
    return true;
}

static inline bool dot_declare(dot_reader *r, dot_names *names, const char *name)
{
    return dot_in(names, name) ? dot_wrong(r, "declared twice") : dot_note(r, names, name);
}

/* ---- words */
static inline bool dot_take(dot_reader *r, const char *sign)
{
    r->at += strspn(r->at, " \n");
    if (strncmp(r->at, sign, strlen(sign)))
        return false;
    r->at += strlen(sign);
    return true;
}

static inline bool dot_need(dot_reader *r, const char *sign)
{
    return dot_take(r, sign) || dot_wrong(r, sign);
}

/* behind the opening mark */
static inline bool dot_quoted(dot_reader *r)
{
    r->word[0] = 0;
    for (; *r->at != '"'; r->at++) {
        if ((unsigned char)*r->at < ' ')
            return dot_wrong(r, "a text that does not end on its line");
        if (*r->at == '\\' && !memchr("\\\"n", *++r->at, 3))
            return dot_wrong(r, "a backslash before another sign");
        if (*r->at == '&' && strncmp(r->at, "&amp;", 5))
            return dot_wrong(r, "an entity");
    }
    r->at++;
    return true;
}

static inline bool dot_word(dot_reader *r)
{
    if (dot_take(r, "\""))
        return dot_quoted(r);
    size_t n = strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    if (!n || n >= DOT_NAME || (*r->at >= '0' && *r->at <= '9'))
        return dot_wrong(r, "no name");
    memcpy(r->word, r->at, n);
    r->word[n] = 0;
    r->at += n;
    return true;
}

/* ---- statements */
static inline bool dot_attributes(dot_reader *r)
{
    if (!dot_take(r, "["))
        return true;
    do {
        if (!dot_word(r))
            return false;
        r->labels += !strcmp(r->word, "label");
        if (!dot_need(r, "=") || !dot_word(r))
            return false;
        r->dashed += !strcmp(r->word, "dashed");
    } while (dot_take(r, ","));
    return dot_need(r, "]");
}

static inline bool dot_block(dot_reader *r);

static inline bool dot_statement(dot_reader *r)
{
    char name[DOT_NAME];
    if (!dot_word(r))
        return false;
    strcpy(name, r->word);
    if (!strcmp(name, "subgraph"))
        return dot_word(r) && dot_declare(r, &r->clusters, r->word) && dot_block(r);
    if (dot_take(r, "="))
        return dot_word(r) && dot_need(r, ";");
    if (dot_take(r, "->")) {
        r->edges++;
        if (!dot_word(r) || !dot_note(r, &r->ends, name) || !dot_note(r, &r->ends, r->word))
            return false;
    } else if (strcmp(name, "node") && !dot_declare(r, &r->boxes, name)) {
        return false;
    }
    return dot_attributes(r) && dot_need(r, ";");
}

static inline bool dot_block(dot_reader *r)
{
    if (!dot_need(r, "{"))
        return false;
    while (!dot_take(r, "}"))
        if (!dot_statement(r))
            return false;
    return true;
}

/* false: r->wrong says why, r->at where */
static inline bool dot_read(dot_reader *r, const char *text)
{
    r->at = text;
    r->wrong = NULL;
    r->boxes.n = r->clusters.n = r->ends.n = r->labels = r->edges = r->dashed = 0;
    if (!dot_need(r, "digraph") || !dot_word(r) || !dot_block(r))
        return false;
    r->at += strspn(r->at, "\n");
    if (*r->at)
        return dot_wrong(r, "more behind the end");
    for (int i = 0; i < r->ends.n; i++)
        if (!dot_in(&r->boxes, r->ends.name[i]))
            return dot_wrong(r, "an edge whose end is no box");
    return r->labels >= r->boxes.n || dot_wrong(r, "a box without a label");
}

static inline void dot_check(dot_reader *r, const char *text, const char *file, int line)
{
    if (dot_read(r, text))
        return;
    print_error("%s at \"%.40s\" of\n%s\n", r->wrong, r->at, text);
    _fail(file, line);
}
#define assert_dot(reader, text) dot_check((reader), (text), __FILE__, __LINE__)

#endif
