/* context: where an object's memory comes from and goes back to, whom it may tell and ask, how much it may hold. It
 * counts every byte that its objects have (its own few are not among them), so a byte limit is exact and a leak shows
 * as a number. What higher floors keep in its slots is opaque here; a slot must not retain the context that holds it. */
#include "base.h"

#include <stdlib.h>
#if defined _WIN32
#include <malloc.h>
#endif

enum { MEMORY_ALIGN = 64 };

static void *system_alloc(void *user, size_t size, size_t align)
{
    (void)user;
    if (size > SIZE_MAX - align)
        return NULL;
    size = (size + align - 1) / align * align;     /* aligned_alloc wants whole multiples */
#if defined _WIN32
    return _aligned_malloc(size, align);
#else
    return aligned_alloc(align, size);
#endif
}

static void system_free(void *user, void *p, size_t size)
{
    (void)user;
    (void)size;
#if defined _WIN32
    _aligned_free(p);
#else
    free(p);
#endif
}

/* An allocator that ignores the alignment is as good as one without memory: kernels rely on it. */
static void *raw_alloc(const tally_allocator *a, size_t n)
{
    void *p = a->alloc(a->user, n, MEMORY_ALIGN);
    if ((uintptr_t)p % MEMORY_ALIGN == 0)
        return p;
    a->free(a->user, p, n);
    return NULL;
}

static tally_status context_options_check(const tally_context_options *o, tally_error *err)
{
    if (o->size < sizeof o->size)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0,
                           "context: options.size, expected %z as TALLY_CONTEXT_OPTIONS_INIT sets it, found %z",
                           sizeof *o, o->size);
    return TALLY_OK;
}

tally_context *tally_context_new(const tally_context_options *options, tally_error *err)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    if (options) {
        if (context_options_check(options, err))
            return NULL;
        memcpy(&o, options, TALLY__MIN(options->size, sizeof o));
        o.size = sizeof o;
    }
    if (!o.allocator.alloc != !o.allocator.free) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "context: options.allocator, expected alloc and free or neither, "
                    "found %s only", o.allocator.alloc ? "alloc" : "free");
        return NULL;
    }
    if (!o.allocator.alloc)
        o.allocator = (tally_allocator){ system_alloc, system_free, NULL };
    tally_context *c = raw_alloc(&o.allocator, sizeof *c);
    if (!c) {
        tally__fail_memory(err, sizeof *c);
        return NULL;
    }
    memset(c, 0, sizeof *c);
    atomic_init(&c->references, 1);
    atomic_init(&c->bytes, 0);
    c->o = o;
    tally__lock_init(&c->lock);
    return c;
}

tally_context *tally_context_retain(tally_context *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void tally_context_release(tally_context *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = TALLY__CONTEXT_SLOTS - 1; i >= 0; i--)
        if (c->slot[i].p && c->slot[i].drop)
            c->slot[i].drop(c, c->slot[i].p);
    assert(atomic_load(&c->bytes) == 0);
    tally__lock_destroy(&c->lock);
    tally_allocator a = c->o.allocator;
    a.free(a.user, c, sizeof *c);
}

size_t tally_context_bytes(const tally_context *c)
{
    return c ? atomic_load_explicit(&((tally_context *)c)->bytes, memory_order_relaxed) : 0;
}

void tally_context_trim(tally_context *c)
{
    for (int i = 0; c && i < TALLY__CONTEXT_SLOTS; i++) {
        tally__lock_take(&c->lock);
        tally__context_slot slot = c->slot[i];
        tally__lock_drop(&c->lock);
        if (slot.p && slot.trim)
            slot.trim(c, slot.p);
    }
}

tally_context *tally__context_for(tally_context *given, tally_error *err)
{
    return given ? tally_context_retain(given) : tally_context_new(NULL, err);
}

/* Counted before it is asked for, so that threads together never pass the limit. */
static bool bytes_reserve(tally_context *c, size_t n)
{
    size_t limit = c->o.max_bytes ? c->o.max_bytes : SIZE_MAX;
    size_t used = atomic_load_explicit(&c->bytes, memory_order_relaxed);
    do {
        if (used > limit || n > limit - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&c->bytes, &used, used + n, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void *tally__alloc(tally_context *c, size_t n)
{
    if (!n || !bytes_reserve(c, n))
        return NULL;
    void *p = raw_alloc(&c->o.allocator, n);
    if (!p)
        atomic_fetch_sub_explicit(&c->bytes, n, memory_order_relaxed);
    return p;
}

void *tally__zalloc(tally_context *c, size_t n)
{
    void *p = tally__alloc(c, n);
    return p ? memset(p, 0, n) : NULL;
}

void tally__free(tally_context *c, void *p, size_t n)
{
    if (!p)
        return;
    assert(atomic_load_explicit(&c->bytes, memory_order_relaxed) >= n);
    c->o.allocator.free(c->o.allocator.user, p, n);
    atomic_fetch_sub_explicit(&c->bytes, n, memory_order_relaxed);
}

bool tally__interrupted(tally_context *c)
{
    return c->o.interrupt && c->o.interrupt(c->o.user);
}

void tally__log(tally_context *c, tally_level level, const char *line)
{
    if (c->o.log)
        c->o.log(c->o.user, level, line);
}
