/* fuse.h: what walks.c, sink.c and fuse.c share: which rows may be walked, and the steps of a region while they are found. */
#ifndef TALLY__FUSE_H
#define TALLY__FUSE_H

#include "pass.h"

/* ---- walks.c */
typedef struct tally__walks {
    const tally__graph *g;
    tally__dim         *same;       /* [n_size] the size that stands for all provably equal to it */
    bool               *known;      /* [n_size] has its number before anything runs */
    bool                loops;      /* false: no loops at all */
} tally__walks;
bool       tally__walks_begin(tally__walks *w, const tally__graph *g, tally__arena *a, bool loops);     /* false: out of memory */
tally__dim tally__rows_of(const tally__walks *w, tally__id id);        /* the size of axis 0, 0 for what no loop walks */
tally__dim tally__loop_rows(const tally__walks *w, tally__id id);      /* of the loop that the node may run in, or 0 */
bool       tally__operand_walks(const tally__walks *w, const tally__node *n, uint32_t i);      /* with the rows; else the same for all */
bool       tally__takes_whole(const tally__walks *w, const tally__node *n, tally__dim rows);   /* an operand that it could walk */

/* ---- fuse.c */
#define TALLY__NO_STEP UINT32_MAX
typedef struct tally__fusing {
    tally__plan  *p;
    tally__walks  w;
    uint32_t     *at;           /* [n_node] index into step[] of its region, TALLY__NO_STEP: in none of this region */
    bool         *rows;         /* [n_node] a value whose rows a loop makes one by one */
    uint32_t     *user;         /* [n_node] the one step whose rows it is needed for; sink.c */
    uint32_t      region;       /* at work */
    tally__steps *steps;        /* of the region at work */
    uint32_t     *written;      /* [n_slot] first step that may read, 1 + the last that wrote */
    uint32_t     *read;         /* [n_slot] 1 + the last that read, or wrote as a whole */
    uint32_t      printed;      /* 1 + the last print */
} tally__fusing;
static inline uint32_t tally__step_of(const tally__fusing *f, tally__id id)
{
    return id && f->p->graph->node[id].region == f->region ? f->at[id] : TALLY__NO_STEP;
}

/* ---- sink.c */
void tally__sink(tally__fusing *f);     /* moves nodes of the region at work by their `at` */

#endif
