/* dump.h: what dump.c and dump_value.c share: a graph on its way to text. */
#ifndef TALLY__DUMP_H
#define TALLY__DUMP_H

#include "graph.h"

typedef struct tally__dump {
    const tally__graph *g;
    tally__text        *out;
    size_t              line;   /* where the line that is written now begins in out */
    uint32_t           *used;   /* [n_node] */
    uint32_t           *weight; /* [n_node] ops that stand inside its expression, itself included */
    uint32_t           *name;   /* [n_node] number of its name, 0: it stands where it is used */
    uint32_t           *size;   /* [n_size] number of its letter, 0: none yet */
    uint32_t            names, sizes;
} tally__dump;

/* dump.c. all: every value gets a name, so that each node is a line of its own. false: no memory */
bool tally__dump_begin(tally__dump *d, const tally__graph *g, tally__text *out, bool all);
void tally__dump_end(tally__dump *d);
bool tally__dump_has_line(const tally__dump *d, tally__id id);      /* else it stands where it is used */
void tally__dump_node(tally__dump *d, tally__id id);                /* of a loop or a branch only its head */
void tally__dump_yield(tally__dump *d, uint32_t region, int depth); /* the line of what a region hands on, if it does */
void tally__dump_indent(tally__dump *d, int depth);

/* how tightly an expression holds together */
enum {
    TALLY__BIND_ANY,
    TALLY__BIND_LOGIC,
    TALLY__BIND_COMPARE,
    TALLY__BIND_SUM,
    TALLY__BIND_PRODUCT,
    TALLY__BIND_SIGN,
    TALLY__BIND_INDEX
};
void tally__dump_put(tally__dump *d, const char *text);
void tally__dump_size(tally__dump *d, tally__dim dim);
void tally__dump_shape(tally__dump *d, const tally__node *n); /* dtype and sizes */
void tally__dump_store(tally__dump *d, int32_t slot);
void tally__dump_cell(tally__dump *d, const tally__node *n);
void tally__dump_name(tally__dump *d, tally__id id);
void tally__dump_value(tally__dump *d, tally__id id, int least); /* its name, or its expression */
void tally__dump_values(tally__dump *d, const tally__id *id, uint32_t n);
/* in parentheses if it binds less tightly than `least` */
void tally__dump_expression(tally__dump *d, tally__id id, int least);

#endif
