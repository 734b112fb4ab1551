/* arena: many small pieces that die together, cut from a chain of blocks. Rewinding keeps the blocks, so the same work
 * done again asks the context for nothing. Pieces are never given back one by one and nothing runs when they die. */
#include "base.h"

/* The limits shrink in a test build, so that a few pieces already meet every edge. */
#if defined TALLY_TINY_LIMITS
enum { BLOCK_FIRST = 64, BLOCK_MOST = 256 };
#else
enum { BLOCK_FIRST = 4096 - 64, BLOCK_MOST = 65536 - 64 };
#endif
enum { BLOCK_HEAD = 64 };          /* keeps what follows 64-aligned */

struct tally__arena_block {
    tally__arena_block *next;
    size_t              size;      /* bytes after the head */
};
_Static_assert(sizeof(tally__arena_block) <= BLOCK_HEAD, "the head holds the block's own words");

static char *block_data(tally__arena_block *b)
{
    return (char *)b + BLOCK_HEAD;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Blocks double, so that a large recording needs few and a small one little. */
static tally__arena_block *block_new(const tally__arena *a, size_t n)
{
    size_t size = a->current ? TALLY__MIN(a->current->size * 2 + BLOCK_HEAD, (size_t)BLOCK_MOST) : BLOCK_FIRST;
    if (n > SIZE_MAX / 2)
        return NULL;
    size = TALLY__MAX(size, round_up(n, BLOCK_HEAD));
    tally__arena_block *b = tally__alloc(a->context, BLOCK_HEAD + size);
    if (b)
        *b = (tally__arena_block){ NULL, size };
    return b;
}

/* a new block behind the current one */
static tally__arena_block *block_insert(tally__arena *a, size_t n)
{
    tally__arena_block *b = a->fixed ? NULL : block_new(a, n);
    if (b && a->current) {
        b->next = a->current->next;
        a->current->next = b;
    } else if (b) {
        b->next = a->first;
        a->first = b;
    }
    return b;
}

/* The next block that is large enough, else a new one. Those that are too small are passed over, so that pieces never lie
 * further along the chain than the same pieces when each was at least as large: smaller work asks the context for nothing. */
static bool block_advance(tally__arena *a, size_t n)
{
    tally__arena_block *next = a->current ? a->current->next : a->first;
    while (next && next->size < n)
        next = next->next;
    if (!next && !(next = block_insert(a, n)))
        return false;
    a->current = next;
    a->used = 0;
    return true;
}

void tally__arena_init(tally__arena *a, tally_context *c)
{
    *a = (tally__arena){ c, NULL, NULL, 0, false };
}

void *tally__arena_alloc(tally__arena *a, size_t n)
{
    size_t align = n >= 64 ? 64 : 16;
    n = n ? n : 1;
    size_t from = round_up(a->used, align);
    if (!a->current || from > a->current->size || n > a->current->size - from) {
        if (!block_advance(a, n))
            return NULL;
        from = 0;
    }
    a->used = from + n;
    return block_data(a->current) + from;
}

void *tally__arena_zalloc(tally__arena *a, size_t n)
{
    void *p = tally__arena_alloc(a, n);
    return p ? memset(p, 0, n) : NULL;
}

char *tally__arena_copy(tally__arena *a, const char *text)
{
    if (!text)
        return NULL;
    size_t n = strlen(text) + 1;
    char  *p = tally__arena_alloc(a, n);
    return p ? memcpy(p, text, n) : NULL;
}

tally__arena_mark tally__arena_here(const tally__arena *a)
{
    return (tally__arena_mark){ a->current, a->used };
}

void tally__arena_release(tally__arena *a)
{
    for (tally__arena_block *b = a->first, *next; b; b = next) {
        next = b->next;
        tally__free(a->context, b, BLOCK_HEAD + b->size);
    }
    tally__arena_init(a, a->context);
}
