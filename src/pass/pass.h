/* pass, floor 5: from a recorded graph to a plan that gives the same bits sooner. One file per pass; pipeline.c is the list.
 * Knows graphs; no frame, no kernel of an instruction set. */
#ifndef TALLY__PASS_H
#define TALLY__PASS_H

#include "../graph/graph.h"

/* ---- what a pass may do to its graph: decide what each node has become. Ids stay; tally__graph_copy drops what is gone */
typedef struct tally__edit {
    tally__graph *graph;                /* args, constants and ops may be changed in place */
    tally__id    *instead;              /* [n_node] the node that stands for it: itself, or an earlier one */
    bool         *dead;                 /* [n_node] nobody needs it */
    tally__arena *work;                 /* scratch */
    uint32_t      changed;              /* nodes that became another op or effect in place, for people */
} tally__edit;
typedef bool tally__pass(tally__edit *e);      /* false: out of memory */
tally__pass tally__pass_fold, tally__pass_cse, tally__pass_ranges, tally__pass_peephole, tally__pass_count, tally__pass_dce;

/* ---- fold.c */
bool tally__is_constant(const tally__graph *g, tally__id id, double v);        /* of rank 0; of a float also the sign of a zero */
bool tally__same_value_type(const tally__graph *g, const tally__node *n, tally__id a);     /* dtype and sizes */

/* ---- fuse.c: per region the steps that its nodes become */
typedef enum tally__step_kind { TALLY__STEP_NODE, TALLY__STEP_LOOP } tally__step_kind;
typedef struct tally__step {
    tally__step_kind kind;
    tally__dim       rows;              /* loop: the size of axis 0 that all its nodes share */
    tally__id       *node;              /* in program order; STEP_NODE has one */
    uint32_t         n_node;
    tally__id       *load;              /* loop: operands from outside whose rows the loop walks */
    uint32_t         n_load;
    tally__id       *keep;              /* loop: values that are needed whole behind it */
    bool             whole;             /* loop: a node needs all rows of an operand that it could walk */
    uint32_t         n_keep, n_fold;    /* n_fold: nodes that reduce the rows and have their value behind the last */
    tally__id       *beside;            /* loop: other operands from outside, the same for all rows; no constants */
    uint32_t         n_beside;
    uint32_t        *slot;              /* loop: [n_node] where the rows of a block of a node's value are kept */
    uint32_t         n_slot;
    bool            *counted;           /* loop: [n_node] all that anybody wants of this bool value is how often it is true */
    uint32_t         loop;              /* loop: its number in the plan */
} tally__step;
#define TALLY__NO_SLOT UINT32_MAX
typedef struct tally__steps {
    tally__step *step;
    uint32_t     n_step;
} tally__steps;

/* ---- pipeline.c */
enum {
    TALLY__PASS_FOLD = 1, TALLY__PASS_CSE = 2, TALLY__PASS_DCE = 4, TALLY__PASS_FUSE = 8, TALLY__PASS_COUNT = 16, TALLY__PASS_RANGES = 32,
    TALLY__PASS_PEEPHOLE = 64, TALLY__PASS_ALL = 127
};
enum { TALLY__PASSES_MOST = 8 };
typedef struct tally__pass_done {       /* what a pass did, for people */
    const char *name, *gone, *change;   /* the words for the second and the third: */
    uint32_t    before, after;          /* nodes */
    uint32_t    constants, shared, changed, dropped;    /* nodes that became constants, became another node, do less, are needed no more */
} tally__pass_done;
typedef struct tally__plan {
    tally_context *context;             /* borrowed */
    tally__graph  *graph;               /* optimised; owned */
    tally__arena   arena;
    tally__steps  *region;              /* [graph->n_region] */
    uint32_t       n_loop;
    tally__pass_done done[TALLY__PASSES_MOST];
    uint32_t       n_done;
} tally__plan;
tally__plan *tally__plan_new(tally_context *c, const tally__graph *recorded, unsigned passes, tally_error *err);
void         tally__plan_drop(tally__plan *p);                 /* NULL is fine */
bool         tally__folds_rows(const tally__node *n);    /* of a loop: reduces all rows; walks.c */
bool         tally__fuse(tally__plan *p, bool loops);          /* loops false: every node a step of its own. false: out of memory */

/* ---- slots.c: slots by last use, and what every block of a loop sees whole */
bool         tally__slots(tally__plan *p);                     /* false: out of memory */
bool         tally__is_view(const tally__node *n);             /* has no memory of its own: a view, or a value made of sizes */

/* ---- show.c: what each pass did, the steps, and with what each node runs: `with` says, NULL for nothing. counted: only how often it is true */
typedef const char *tally__runs_with(const tally__plan *p, tally__id id, bool counted, void *user);
bool tally__plan_dump(const tally__plan *p, tally__runs_with *with, void *user, tally__text *out);   /* false: no memory, which it says */
bool tally__plan_dot(const tally__plan *p, tally__runs_with *with, void *user, tally__text *out);    /* false: no memory, nothing written */

#endif
