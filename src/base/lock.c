/* lock: what to do while another thread holds one. Knows the system's ways to let others run. */
#if !defined _WIN32 && !defined TALLY_C11_THREADS
#define _POSIX_C_SOURCE 200809L
#endif
#include "base.h"

enum { TRIES = 64, YIELDS = 64, NAP_NANOSECONDS = 50000 };

#if defined TALLY_NO_THREADS

static void lock_yield(void) { assert(!"a lock is taken twice in a build without threads"); }
static void lock_nap(void) { lock_yield(); }

#elif defined TALLY_C11_THREADS

#include <threads.h>

static void lock_yield(void) { thrd_yield(); }

static void lock_nap(void)
{
    thrd_sleep(&(struct timespec){ .tv_nsec = NAP_NANOSECONDS }, NULL);
}

#elif defined _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static void lock_yield(void) { SwitchToThread(); }
static void lock_nap(void) { Sleep(1); }

#else

#include <sched.h>
#include <time.h>

static void lock_yield(void) { sched_yield(); }

static void lock_nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = NAP_NANOSECONDS }, NULL);
}

#endif

void tally__lock_wait(tally__lock *l)
{
    for (int round = 0;; round += round < TRIES + YIELDS) {
        if (!atomic_load_explicit(&l->taken, memory_order_relaxed) && !atomic_exchange_explicit(&l->taken, true, memory_order_acquire))
            return;
        if (round >= TRIES + YIELDS)
            lock_nap();
        else if (round >= TRIES)
            lock_yield();
    }
}
