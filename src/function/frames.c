/* frames: where idle frames wait between calls. The first frame of a version has a place of its own there: whoever takes
 * it by an exchange is the only one who may put it back, so that this is a plain store. Frames of calls that overlap wait in
 * a list under the function's lock. A context knows its functions, so that tally_context_trim can drop what waits. Memory is
 * freed outside every lock. */
#include "function.h"

static tally__frame *frame_new(tally_function *f, tally__version *v, tally_error *err)
{
    tally__frame *fr = tally__frame_new(f->context, v->graph, v->plan, f->isa, err);
    if (!fr)
        return NULL;
    fr->block = f->block;
    tally__lock_take(&f->lock);
    fr->home = !v->homed;
    v->homed = true;
    tally__lock_drop(&f->lock);
    return fr;
}

tally__frame *tally__frame_take(tally_function *f, tally__version *v, tally_error *err)
{
    tally__frame *fr = atomic_exchange_explicit(&v->idle, NULL, memory_order_acquire);
    if (fr)
        return fr;
    tally__lock_take(&f->lock);
    fr = v->spare;
    if (fr)
        v->spare = fr->next;
    tally__lock_drop(&f->lock);
    return fr ? fr : frame_new(f, v, err);
}

void tally__frame_spare(tally_function *f, tally__version *v, tally__frame *fr)
{
    tally__lock_take(&f->lock);
    fr->next = v->spare;
    v->spare = fr;
    tally__lock_drop(&f->lock);
}

/* all idle frames of f, chained */
static tally__frame *frames_detach(tally_function *f)
{
    tally__frame *all = NULL;
    tally__lock_take(&f->lock);
    for (tally__version *v = atomic_load_explicit(&f->newest, memory_order_acquire); v; v = v->next) {
        tally__frame *idle = atomic_exchange_explicit(&v->idle, NULL, memory_order_acquire);
        tally__frame *spare = v->spare;
        v->spare = NULL;
        if (idle) {
            idle->next = spare;
            spare = idle;
            v->homed = false;
        }
        while (spare) {
            tally__frame *next = spare->next;
            spare->next = all;
            all = spare;
            spare = next;
        }
    }
    tally__lock_drop(&f->lock);
    return all;
}

/* A function whose last reference is gone is about to leave the list: it must not come back to life. */
static bool function_catch(tally_function *f)
{
    size_t n = atomic_load_explicit(&f->references, memory_order_relaxed);
    while (n)
        if (atomic_compare_exchange_weak_explicit(&f->references, &n, n + 1, memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* the next function that this trim has not seen, retained */
static tally_function *function_next(tally_context *c, uint64_t trim)
{
    tally_function *f;
    tally__lock_take(&c->lock);
    for (f = c->slot[TALLY__SLOT_FRAMES].p; f; f = f->next)
        if (f->trimmed < trim) {
            f->trimmed = trim;
            if (function_catch(f))
                break;
        }
    tally__lock_drop(&c->lock);
    return f;
}

static void functions_trim(tally_context *c, void *p)
{
    uint64_t trim = 0;
    (void)p;
    tally__lock_take(&c->lock);
    for (tally_function *f = c->slot[TALLY__SLOT_FRAMES].p; f; f = f->next)
        trim = TALLY__MAX(trim, f->trimmed);
    tally__lock_drop(&c->lock);
    for (tally_function *f; (f = function_next(c, trim + 1)) != NULL;) {
        for (tally__frame *fr = frames_detach(f), *next; fr; fr = next) {
            next = fr->next;
            tally__frame_drop(fr);
        }
        tally_function_release(f);
    }
}

void tally__functions_enter(tally_function *f)
{
    tally__context_slot *slot = &f->context->slot[TALLY__SLOT_FRAMES];
    tally__lock_take(&f->context->lock);
    tally_function *first = slot->p;
    f->next = first;
    f->link = NULL;
    if (first)
        first->link = &f->next;
    slot->p = f;
    slot->trim = functions_trim;
    tally__lock_drop(&f->context->lock);
}

void tally__functions_leave(tally_function *f)
{
    tally__lock_take(&f->context->lock);
    if (f->link)
        *f->link = f->next;
    else
        f->context->slot[TALLY__SLOT_FRAMES].p = f->next;
    if (f->next)
        f->next->link = f->link;
    tally__lock_drop(&f->context->lock);
}
