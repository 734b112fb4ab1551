/* parts: the frames on which the parts of a loop run, one each, so that tasks on other threads share nothing that changes.
 * All memory that a task may need is taken here, on the calling thread, and kept with the frame. What tasks added is merged
 * here, exactly, so neither their number nor their order changes a bit. Cuts no rows and runs nothing: that is loop.c. */
#include "exec.h"

/* An element of a state costs a merge per part, which rows must outweigh by far. */
#if defined TALLY_TINY_LIMITS
enum { ROWS_PER_MERGE = 1 };
#else
enum { ROWS_PER_MERGE = 16 };
#endif

/* An unbuilt state takes the sizes that its first rows would give it; false: they are not known, or do not fit. */
static bool part_state_built(tally__frame *f, const tally__node *n)
{
    tally__delta      *d = &f->delta[n->slot];
    const tally__cell *c = &d->cell[n->cell];
    const tally__node *value = &f->graph->node[n->arg[0]];
    int64_t            shape[TALLY_MAX_RANK];
    tally_error        why;
    if (c->built || n->op == TALLY__OP_accumulate_at)
        return c->built;
    for (int k = 0; k < c->rank; k++)
        if ((shape[k] = f->size[value->dim[value->rank - c->rank + k]]) < 0)
            return false;
    return tally__delta_build(d, n->cell, shape, &why) == TALLY_OK;
}

/* Of effects, updates have a part of their own and an assert touches nothing; all others belong to the calling thread. */
bool tally__parts_suit(tally__frame *f, const tally__step *s, int n, int64_t elements)
{
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *x = &f->graph->node[s->node[i]];
        uint8_t            form = tally__op_table[x->op].form;
        bool               updates = tally__is_update(x);
        if (form == TALLY__FORM_READ || form == TALLY__FORM_REGION || (form == TALLY__FORM_EFFECT && !updates && x->op != TALLY__OP_assert))
            return false;
        if (updates && (!part_state_built(f, x) || f->delta[x->slot].cell[x->cell].n > elements / n / ROWS_PER_MERGE))
            return false;
    }
    return true;
}

/* temporaries of one block: results, and room for a line or two of the ops that walk rows, each on lines of its own */
static size_t part_bytes(const tally__frame *f, const tally__step *s, int64_t block)
{
    size_t bytes = 0, line = 4 * sizeof(double), pad = 128;
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *n = &f->graph->node[s->node[i]];
        if (n->dtype)
            bytes += (size_t)(block * tally__row_elements(f, n)) * tally__element_size(n->dtype) + pad;
        if (tally__op_table[n->op].form == TALLY__FORM_ROW)
            bytes += (size_t)tally__row_elements(f, &f->graph->node[n->arg[0]]) * line + 2 * pad;
    }
    return bytes;
}

static tally_status part_memory(tally__frame *part, size_t bytes, tally_error *err)
{
    part->work.fixed = false;
    tally__arena_rewind(&part->work, part->start);
    void *p = tally__arena_alloc(&part->work, bytes);
    tally__arena_rewind(&part->work, part->start);
    part->work.fixed = true;
    return p ? TALLY_OK : tally__fail_memory(err, bytes);
}

static tally_status part_deltas(const tally__frame *f, tally__frame *part, const tally__step *s, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (int built = 0; built < 2; built++)
        for (uint32_t i = 0; !status && i < s->n_node; i++) {
            const tally__node *n = &f->graph->node[s->node[i]];
            if (!tally__is_update(n))
                continue;
            tally__delta *d = &part->delta[n->slot];
            if (built)
                status = tally__delta_part(d, &f->delta[n->slot], n->cell, err);
            else if (!(status = tally__delta_prepare(d, part->context, f->delta[n->slot].store, err)))
                status = tally__deltas_begin(d, 1, err);
        }
    return status;
}

/* what the nodes see of the world outside the loop; their own values are the part's */
static void part_views(const tally__frame *f, tally__frame *part, const tally__step *s)
{
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *n = &f->graph->node[s->node[i]];
        for (uint32_t k = 0; k < n->n_arg; k++)
            part->view[n->arg[k]] = f->view[n->arg[k]];
    }
    for (uint32_t i = 0; i < s->n_node; i++)
        part->view[s->node[i]] = &part->value[s->node[i]];
    for (uint32_t i = 0; i < s->n_load; i++)
        part->view[s->load[i]] = f->code[s->loop].whole[i];
}

static tally_status part_frame(tally__frame *f, int i, tally_error *err)
{
    if (!f->part[i] && !(f->part[i] = tally__frame_new(f->context, f->graph, f->plan, f->isa, err)))
        return TALLY_RESOURCE_EXHAUSTED;
    tally__frame *part = f->part[i];
    part->polls = false;
    part->size = f->size;               /* they bind with the whole's */
    part->block = f->block;
    part->layout += part->of_layout != f->layout;
    part->of_layout = f->layout;
    return TALLY_OK;
}

tally_status tally__parts_take(tally__frame *f, const tally__step *s, int n, int64_t block, tally_error *err)
{
    size_t       bytes = part_bytes(f, s, block);
    tally_status status = TALLY_OK;
    for (int i = 0; !status && i < n; i++) {
        status = part_frame(f, i, err);
        if (!status)
            status = part_memory(f->part[i], bytes, err);
        if (!status)
            status = part_deltas(f, f->part[i], s, err);
        if (!status)
            part_views(f, f->part[i], s);
    }
    return status;
}

tally_status tally__parts_merge(tally__frame *f, const tally__step *s, int n, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *x = &f->graph->node[s->node[i]];
        for (int k = 0; tally__is_update(x) && !status && k < n; k++)
            status = tally__delta_part_merge(&f->delta[x->slot], &f->part[k]->delta[x->slot], x->cell, err);
    }
    return status;
}
