/* lock, part of base.h: one holder at a time, not recursive. Locks are held for some ten instructions, never while user code
 * runs or memory is allocated, so whoever finds one taken tries again at once, then lets others run, then sleeps: a holder
 * of lower priority comes to run too. Letting go is a plain store, where the system's mutex has a barrier that costs a call with
 * one row 3 of its 40 ns. A build without threads checks that takes and drops pair up. */
#ifndef TALLY__LOCK_H
#define TALLY__LOCK_H

#include <stdatomic.h>

struct tally__lock {
    atomic_bool taken;
};
void tally__lock_wait(tally__lock *l);      /* lock.c: it is taken; returns with it */
static inline void tally__lock_init(tally__lock *l)
{
    atomic_init(&l->taken, false);
}
static inline void tally__lock_destroy(tally__lock *l)
{
    assert(!atomic_load_explicit(&l->taken, memory_order_relaxed));
    (void)l;
}
static inline void tally__lock_take(tally__lock *l)
{
    if (atomic_exchange_explicit(&l->taken, true, memory_order_acquire))
        tally__lock_wait(l);
}
static inline void tally__lock_drop(tally__lock *l)
{
    assert(atomic_load_explicit(&l->taken, memory_order_relaxed));
    atomic_store_explicit(&l->taken, false, memory_order_release);
}

#endif
