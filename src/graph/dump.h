/* dump.h: a graph on its way to text: what dump.c, dump_value.c, dot.c and the pass floor's show.c share. One walk; what it shows
 * (a recording, a plan) and how that is written (lines, DOT) are a row of functions each. */
#ifndef TALLY__DUMP_H
#define TALLY__DUMP_H

#include "graph.h"

typedef struct tally__dump tally__dump;
typedef struct tally__dump_group {      /* nodes of a region that stand together */
    const tally__id *node, *load, *keep;
    uint32_t         n_node, n_load, n_keep;
    tally__dim       rows;              /* of the loop that they are; 0: none, they run one after the other */
    const void      *step;              /* for whoever made the group */
} tally__dump_group;
typedef struct tally__dump_order {      /* what is shown */
    bool (*group)(const tally__dump *d, uint32_t region, uint32_t i, tally__dump_group *out);   /* false: there are no more */
    void (*beside)(tally__dump *d, const tally__dump_group *g, uint32_t at);      /* what is said beside a node, if anything */
} tally__dump_order;
typedef struct tally__dump_form {       /* how; each has the depth of what it writes */
    void (*node)(tally__dump *d, const tally__dump_group *g, uint32_t at, int depth);
    void (*loop)(tally__dump *d, const tally__dump_group *g, int depth), (*loop_end)(tally__dump *d, int depth);
    void (*region)(tally__dump *d, uint32_t region, int depth), (*region_end)(tally__dump *d, uint32_t region, int depth);
    void (*beside)(tally__dump *d);     /* goes before what is said beside a node */
    bool quotes;                        /* names and texts stand within quotation marks */
} tally__dump_form;
struct tally__dump {
    const tally__graph      *g;
    tally__text             *out;
    const tally__dump_form  *form;
    const tally__dump_order *order;
    const void              *user;      /* order's */
    size_t              line;   /* where the line that is written now begins in out */
    uint32_t           *used;   /* [n_node] */
    uint32_t           *weight; /* [n_node] ops that stand inside its expression, itself included */
    uint32_t           *name;   /* [n_node] number of its name, 0: it stands where it is used */
    uint32_t           *size;   /* [n_size] number of its letter, 0: none yet */
    uint32_t            names, sizes;
};

/* dump.c. d has its first five members. all: every value gets a name, so that each node is a line of its own. false: no memory */
bool tally__dump_begin(tally__dump *d, bool all);
void tally__dump_end(tally__dump *d);
void tally__dump_walk(tally__dump *d);                              /* all regions, by form and order */
bool tally__dump_has_line(const tally__dump *d, tally__id id);      /* else it stands where it is used */
void tally__dump_node(tally__dump *d, tally__id id);                /* of a loop or a branch only its head */
void tally__dump_loop(tally__dump *d, const tally__dump_group *g);  /* "rows of n load x0 keep v1" */
void tally__dump_yield(tally__dump *d, uint32_t region);            /* "next i1 = i1 + 1"; nothing where nothing is handed on */
void tally__dump_equality(tally__dump *d, const tally__equality *e);
void tally__dump_indent(tally__dump *d, int depth);
extern const tally__dump_form  tally__dump_lines, tally__dump_dot;  /* dump.c, dot.c */
extern const tally__dump_order tally__dump_recorded;
bool tally__dump_whole_dot(tally__dump *d, const char *what);       /* dot.c: begin to end. false: no memory, nothing written */

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
