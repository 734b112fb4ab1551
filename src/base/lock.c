/* lock: one mutex that is not recursive, over whatever threads the build has. Locks are short and never held while
 * user code runs or memory is allocated, so neither conditions nor readers and writers are needed. A lock that the
 * system will not make or take is a broken program, not a state to go on from: asserted. */
#include "base.h"

#if defined TALLY_NO_THREADS

void tally__lock_init(tally__lock *l)
{
    l->taken = false;
}

void tally__lock_destroy(tally__lock *l)
{
    assert(!l->taken);
    (void)l;
}

void tally__lock_take(tally__lock *l)
{
    assert(!l->taken);
    l->taken = true;
}

void tally__lock_drop(tally__lock *l)
{
    assert(l->taken);
    l->taken = false;
}

#elif defined TALLY_C11_THREADS

void tally__lock_init(tally__lock *l)
{
    int done = mtx_init(&l->os, mtx_plain);
    assert(done == thrd_success);
    (void)done;
}

void tally__lock_destroy(tally__lock *l)
{
    mtx_destroy(&l->os);
}

void tally__lock_take(tally__lock *l)
{
    int done = mtx_lock(&l->os);
    assert(done == thrd_success);
    (void)done;
}

void tally__lock_drop(tally__lock *l)
{
    int done = mtx_unlock(&l->os);
    assert(done == thrd_success);
    (void)done;
}

#elif defined _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

_Static_assert(sizeof(SRWLOCK) == sizeof(void *), "an SRWLOCK is one pointer");

void tally__lock_init(tally__lock *l)
{
    InitializeSRWLock((SRWLOCK *)&l->os);
}

void tally__lock_destroy(tally__lock *l)
{
    (void)l;
}

void tally__lock_take(tally__lock *l)
{
    AcquireSRWLockExclusive((SRWLOCK *)&l->os);
}

void tally__lock_drop(tally__lock *l)
{
    ReleaseSRWLockExclusive((SRWLOCK *)&l->os);
}

#else

void tally__lock_init(tally__lock *l)
{
    int done = pthread_mutex_init(&l->os, NULL);
    assert(done == 0);
    (void)done;
}

void tally__lock_destroy(tally__lock *l)
{
    int done = pthread_mutex_destroy(&l->os);
    assert(done == 0);
    (void)done;
}

void tally__lock_take(tally__lock *l)
{
    int done = pthread_mutex_lock(&l->os);
    assert(done == 0);
    (void)done;
}

void tally__lock_drop(tally__lock *l)
{
    int done = pthread_mutex_unlock(&l->os);
    assert(done == 0);
    (void)done;
}

#endif
