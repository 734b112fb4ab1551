/* loop: a fused step. Blocks of rows go through all its nodes before the next block is touched, so temporaries stay in the
 * nearest cache and memory does not grow with the batch. Every node runs as anywhere else, on the rows of the block; sums
 * are exact and rows independent, so the block length changes no bit. Where the context has a hook for it, many rows are
 * cut into parts that run on frames of their own. Knows rows and views, no op. */
#include "exec.h"

typedef struct loop {
    tally__frame       *f;
    const tally__step  *s;
    tally__code        *code;           /* of this loop in this frame */
    int64_t             rows, block;
    int64_t             from, to;       /* of these rows */
    int                 parts;          /* 1: the calling thread alone */
    tally_status        status;         /* of a part's task */
    tally_tensor       *kept;           /* [n_keep] values that the loop leaves behind */
    void              **fold;           /* [n_fold] what reduces the rows, in the order of its nodes; behind them those of each part */
} loop;

int64_t tally__row_elements(const tally__frame *f, const tally__node *n)
{
    int64_t inner = 1;
    for (int k = 1; k < n->rank; k++)
        inner *= f->size[n->dim[k]];
    return inner;
}

/* as many as there are blocks and the frame allows; 1 where the rows are few or the step cannot be cut */
static int parts_of(const loop *l)
{
    tally__frame *f = l->f;
    int64_t       blocks = (l->rows + l->block - 1) / l->block, elements = l->rows * l->code->widest;
    int           n = (int)TALLY__MIN(blocks, (int64_t)f->parts);
    return f->context->o.parallel_for && n > 1 && elements >= f->share && tally__parts_suit(f, l->s, n, elements) ? n : 1;
}

/* row `from` of x; a tensor without elements may have no memory */
static void *row_at(const tally_tensor *x, int64_t from)
{
    char *data = (char *)(uintptr_t)x->data;
    return data ? data + from * x->stride[0] * (int64_t)tally__element_size(x->dtype) : NULL;
}

/* ---- the rows of the next block, brought near while the instructions of this one run: hardware that sees one stream at a time
 * does not do it. From memory only: in a cache it costs more than it wins, unless there is much to do for each row; and a single loop
 * streams by itself. Nor more at once than a core keeps on its way: the rest would have to wait for it */
enum { AHEAD_LOADS = 4, AHEAD_LINE = 64, AHEAD_MOST = 32 * AHEAD_LINE, AHEAD_BYTES = 1 << 24, AHEAD_SLOW_BYTES = 1 << 21 };
struct tally__ahead {
    const char *at[AHEAD_LOADS];
    size_t      step[AHEAD_LOADS];      /* bytes to fetch with an instruction */
    uint32_t    n;
};

static void ahead_fetch(tally__ahead *a)
{
#if defined __GNUC__
    for (uint32_t k = 0; k < a->n; k++, a->at[k - 1] += a->step[k - 1])
        for (size_t at = 0; at < a->step[k]; at += AHEAD_LINE)
            __builtin_prefetch(a->at[k] + at, 0, 2);
#else
    (void)a;
#endif
}

/* 0: not worth it. Of wide or strided rows a loop may read a part only; what it reads whole of them streams by itself */
static size_t ahead_row_bytes(const tally_tensor *x)
{
    const size_t bytes = tally__is_dense(x) ? (size_t)x->stride[0] * tally__element_size(x->dtype) : 0;
    return bytes <= AHEAD_LINE ? bytes : 0;
}

/* NULL: nothing to fetch. A block that reaches less far than the next step asks for a few bytes behind its end, which is harmless */
static tally__ahead *ahead_of(const loop *l, int64_t from, tally__ahead *a)
{
    const tally__code *c = l->code;
    size_t             all = 0, once = 0;
    if (from >= l->to || c->n_walking < 2)
        return NULL;
    a->n = TALLY__MIN(l->s->n_load, (uint32_t)AHEAD_LOADS);
    for (uint32_t k = 0; k < a->n; k++) {
        const size_t bytes = ahead_row_bytes(c->whole[k]) * (size_t)TALLY__MIN(l->block, l->to - from) / c->n_instr;
        a->at[k] = row_at(c->whole[k], from);
        a->step[k] = (bytes + AHEAD_LINE - 1) / AHEAD_LINE * AHEAD_LINE;
        once += a->step[k];
        all += ahead_row_bytes(c->whole[k]) * (size_t)l->rows;
    }
    return once <= AHEAD_MOST && all >= (size_t)(c->n_slow ? AHEAD_SLOW_BYTES : AHEAD_BYTES) ? a : NULL;
}

/* What reduces all rows takes these, where they come in several blocks. */
static tally_status run_instr_node(tally__frame *f, tally__id id, void ***fold, tally_error *err)
{
    const tally__node *n = &f->graph->node[id];
    if (!*fold || !tally__folds_rows(n))
        return tally__run_node(f, id, err);
    tally__reduce_take(*(*fold)++, n, f->view[n->arg[0]]);
    return TALLY_OK;
}

tally_status tally__run_block(tally__frame *f, const tally__code *c, int64_t n, void **fold, tally__ahead *next, tally_error *err)
{
    const tally__instr *end = c->instr + c->n_instr;
    tally_status        status = TALLY_OK;
    for (const tally__instr *i = c->instr; i < end && !status; i++) {
        if (next)
            ahead_fetch(next);
        if (i->kind == TALLY__INSTR_ADD && i->one && n == 1)
            status = tally__delta_add_one(i->delta, i->cell, tally__double_at(i->in[0]), err);
        else if (i->kind == TALLY__INSTR_ADD)
            status = tally__delta_accumulate(i->delta, i->cell, i->in[0], NULL, NULL, err);
        else if (i->kind == TALLY__INSTR_COUNT)
            status = tally__delta_count(i->delta, i->cell, n * i->each, err);
        else if (i->kind == TALLY__INSTR_TOTAL)
            status = tally__delta_count(i->delta, i->cell, *(const int64_t *)i->in[0]->data, err);
        else if (i->kind == TALLY__INSTR_NODE)
            status = run_instr_node(f, i->id, &fold, err);
        else
            tally__instr_run(i, n);
    }
    return status;
}

static void *loop_memory(const loop *l, size_t n, tally_status *status, tally_error *err)
{
    void *p = *status || !n ? NULL : tally__arena_alloc(&l->f->work, n);
    if (!*status && n && !p)
        *status = tally__fail_memory(err, n);
    return p;
}

static size_t copies_of(const loop *l)
{
    return l->parts > 1 ? 1 + (size_t)l->parts : 1;
}

static tally_status keep_memory(loop *l, tally_error *err)
{
    tally_status status = TALLY_OK;
    l->kept = loop_memory(l, l->s->n_keep * sizeof *l->kept, &status, err);
    for (uint32_t i = 0; !status && i < l->s->n_keep; i++) {
        const tally__node *n = &l->f->graph->node[l->s->keep[i]];
        tally_tensor      *x = &l->kept[i];
        *x = (tally_tensor){ NULL, n->dtype, n->rank, { l->rows }, { 0 } };
        for (int k = 1; k < n->rank; k++)
            x->shape[k] = l->f->size[n->dim[k]];
        tally__dense(x->rank, x->shape, x->stride);
        x->data = loop_memory(l, (size_t)(l->rows * tally__row_elements(l->f, n)) * tally__element_size(n->dtype), &status, err);
    }
    return status;
}

/* what reduces the rows begins; its value's memory outlives the blocks */
static tally_status fold_memory(loop *l, tally_error *err)
{
    tally_status status = TALLY_OK;
    uint32_t     fold = 0;
    l->fold = loop_memory(l, copies_of(l) * l->s->n_fold * sizeof *l->fold, &status, err);
    for (uint32_t i = 0; !status && i < l->s->n_node && fold < l->s->n_fold; i++) {
        tally__id          id = l->s->node[i];
        const tally__node *n = &l->f->graph->node[id];
        tally_tensor      *out = &l->f->value[id];
        if (!tally__folds_rows(n))
            continue;
        *out = (tally_tensor){ NULL, n->dtype, n->rank, { 0 }, { 0 } };
        for (int k = 0; k < n->rank; k++)
            out->shape[k] = l->f->size[n->dim[k]];
        tally__dense(out->rank, out->shape, out->stride);
        out->data = loop_memory(l, (size_t)tally__elements(out->rank, out->shape) * tally__element_size(n->dtype), &status, err);
        for (size_t k = 0; k < copies_of(l); k++) {
            void *room = l->fold[k * l->s->n_fold + fold] = loop_memory(l, tally__reduce_room(out), &status, err);
            if (!status)
                tally__reduce_begin(room, n, out, l->f->graph->node[n->arg[0]].dtype);
        }
        fold++;
    }
    return status;
}

static void end_folds(const loop *l)
{
    uint32_t fold = 0;
    for (uint32_t i = 0; fold < l->s->n_fold; i++) {
        const tally__node *n = &l->f->graph->node[l->s->node[i]];
        if (tally__folds_rows(n))
            tally__reduce_end(l->fold[fold++], &l->f->value[l->s->node[i]]);
    }
}

/* the block's rows of each operand from outside, and where the loop writes what stays */
static void take_rows(const loop *l, int64_t from, int64_t n)
{
    const tally__code *c = l->code;
    tally__code_rows(l->f, l->s, n);
    for (uint32_t i = 0; i < l->s->n_load; i++)
        c->part[i].data = row_at(c->whole[i], from);
    for (uint32_t i = 0; i < l->s->n_keep; i++)
        if (c->direct[i])
            l->f->value[l->s->keep[i]].data = row_at(&l->kept[i], from);
}

static void keep_rows(const loop *l, int64_t from)
{
    for (uint32_t i = 0; i < l->s->n_keep; i++)
        if (!l->code->direct[i])
            tally__value_copy(row_at(&l->kept[i], from), l->f->view[l->s->keep[i]]);
}

static tally_status run_blocks(loop *l, tally_error *err)
{
    tally__arena_mark mark = tally__arena_here(&l->f->work);
    tally_status      status = TALLY_OK;
    tally__ahead      next;
    for (int64_t from = l->from; !status && from < l->to; from += l->block) {
        int64_t n = TALLY__MIN(l->block, l->to - from);
        tally__arena_rewind(&l->f->work, mark);
        take_rows(l, from, n);
        status = tally__poll(l->f, err);
        if (!status)
            status = tally__run_block(l->f, l->code, n, l->fold, ahead_of(l, from + l->block, &next), err);
        if (!status)
            keep_rows(l, from);
    }
    tally__arena_rewind(&l->f->work, mark);
    return status;
}

/* ---- in parts */
static void run_part(void *arg, size_t i)
{
    loop       *l = (loop *)arg + i;
    tally_error err;
    tally__fp   fp;
    l->status = tally__fp_enter(&fp, &err);     /* a thread of the hook has an environment of its own */
    if (l->status)
        return;
    l->status = run_blocks(l, &err);
    tally__fp_leave(&fp);
}

static tally_status begin_part(const loop *l, loop *part, int i, tally_error *err)
{
    int64_t blocks = (l->rows + l->block - 1) / l->block;
    *part = *l;
    part->f = l->f->part[i];
    part->code = &part->f->code[l->s->loop];
    part->from = blocks * i / l->parts * l->block;
    part->to = TALLY__MIN(blocks * (i + 1) / l->parts * l->block, l->rows);
    if (l->fold)
        part->fold = l->fold + (size_t)(i + 1) * l->s->n_fold;
    part->status = TALLY_INTERNAL;              /* until its task has run */
    return tally__code_enter(part->f, l->s, l->rows, err);
}

static tally_status merge_parts(const loop *l, const loop *part, tally_error *err)
{
    uint32_t fold = 0;
    for (uint32_t i = 0; fold < l->s->n_fold; i++) {
        const tally__node *n = &l->f->graph->node[l->s->node[i]];
        if (!tally__folds_rows(n))
            continue;
        for (int k = 0; k < l->parts; k++)
            tally__reduce_merge(l->fold[fold], part[k].fold[fold], &l->f->value[l->s->node[i]]);
        fold++;
    }
    return tally__parts_merge(l->f, l->s, l->parts, err);
}

/* *done false: a part failed, and nothing of any part was taken over. Then the calling thread runs all rows itself: it
 * meets the same failure in the order of the rows. */
static tally_status run_parts(const loop *l, bool *done, tally_error *err)
{
    const tally_context_options *o = &l->f->context->o;
    loop                         part[TALLY__PARTS];
    tally_status                 status = tally__parts_take(l->f, l->s, l->parts, l->block, err);
    if (!status)
        status = tally__poll(l->f, err);
    if (status)
        return status;
    for (int i = 0; !status && i < l->parts; i++)
        status = begin_part(l, &part[i], i, err);
    if (status)
        return status;
    o->parallel_for(o->user, (size_t)l->parts, run_part, part);
    status = tally__poll(l->f, err);
    *done = true;
    for (int i = 0; i < l->parts; i++)
        *done = *done && !part[i].status;
    return status || !*done ? status : merge_parts(l, part, err);
}

static tally_status run_in_blocks(loop *l, tally_error *err)
{
    bool          done = false;
    tally_status  status = fold_memory(l, err);
    if (!status && l->parts > 1)
        status = run_parts(l, &done, err);
    if (!status && !done)
        status = run_blocks(l, err);
    if (!status)
        end_folds(l);
    return status;
}

/* what stays is whole from now on */
static void show_kept(const loop *l)
{
    for (uint32_t i = 0; i < l->s->n_keep; i++) {
        l->f->value[l->s->keep[i]] = l->kept[i];
        l->f->view[l->s->keep[i]] = &l->f->value[l->s->keep[i]];
    }
    l->code->rows = -1;
}

static tally_status run_at_once(loop *l, tally_error *err)
{
    tally__code_rows(l->f, l->s, l->rows);
    if (!l->s->n_keep)
        return tally__run_block(l->f, l->code, l->rows, NULL, NULL, err);
    take_rows(l, 0, l->rows);
    tally_status status = tally__run_block(l->f, l->code, l->rows, NULL, NULL, err);
    if (!status)
        keep_rows(l, 0);
    return status;
}

static tally_status run_entered(loop *l, tally_error *err)
{
    tally_status status = l->s->n_keep ? keep_memory(l, err) : TALLY_OK;
    if (status)
        return status;
    if (l->rows > l->block) {
        l->parts = parts_of(l);
        status = run_in_blocks(l, err);
    } else {
        status = run_at_once(l, err);
    }
    if (!status && l->s->n_keep)
        show_kept(l);
    return status;
}

tally_status tally__run_loop(tally__frame *f, const tally__step *s, tally_error *err)
{
    loop l = { .f = f, .s = s, .code = &f->code[s->loop], .rows = s->n_load ? f->view[s->load[0]]->shape[0] : f->size[s->rows], .parts = 1 };
    tally_status status = tally__code_enter(f, s, l.rows, err);
    if (status)
        return status;
    l.block = l.code->block;
    l.to = l.rows;
    status = run_entered(&l, err);
    tally__code_leave(f, s);
    return status;
}
