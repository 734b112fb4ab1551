/* block: the immutable buffer behind a TENSOR. A commit swaps one block for another, so readers keep what they saw and
 * nothing is copied under a lock. A block is let go of by whoever holds it last, into the pool of its store: as many
 * blocks exist as calls at once ever needed, and from then on an assign allocates nothing. */
#include "state.h"

enum { BLOCK_FRONT = (sizeof(tally__block) + 63) / 64 * 64 };

tally__block *tally__block_new(tally_context *x, size_t bytes)
{
    tally__block *b = bytes > SIZE_MAX - BLOCK_FRONT ? NULL : tally__alloc(x, BLOCK_FRONT + bytes);
    if (!b)
        return NULL;
    atomic_init(&b->references, 1);
    b->next = NULL;
    b->bytes = bytes;
    b->data = (char *)b + BLOCK_FRONT;
    return b;
}

void tally__block_retain(tally__block *b)
{
    atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
}

static bool block_was_last(tally__block *b)
{
    return b && atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) == 1;
}

void tally__block_free(tally__block *b, tally_context *x)
{
    if (block_was_last(b))
        tally__free(x, b, BLOCK_FRONT + b->bytes);
}

tally__block *tally__block_take(tally__store *s, size_t bytes)
{
    tally__lock_take(&s->lock);
    tally__block *b = s->pool;
    if (b)
        s->pool = b->next;
    tally__lock_drop(&s->lock);
    if (!b)
        return tally__block_new(s->context, bytes);
    b->next = NULL;
    atomic_init(&b->references, 1);
    if (b->bytes == bytes)
        return b;
    tally__block_free(b, s->context);
    return tally__block_new(s->context, bytes);
}

void tally__block_give(tally__block *b, tally__store *s)
{
    if (!block_was_last(b))
        return;
    tally__lock_take(&s->lock);
    b->next = s->pool;
    s->pool = b;
    tally__lock_drop(&s->lock);
}
