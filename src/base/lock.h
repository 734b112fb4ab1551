/* lock, part of base.h: what a lock is made of on this system. base.h declares the verbs, lock.c defines them. */
#ifndef TALLY__LOCK_H
#define TALLY__LOCK_H

#if defined TALLY_NO_THREADS
struct tally__lock {
    bool taken;      /* one thread: only checks that takes and drops pair up */
};
#elif defined TALLY_C11_THREADS
#include <threads.h>
struct tally__lock {
    mtx_t os;
};
#elif defined _WIN32
struct tally__lock {
    void *os;        /* an SRWLOCK; windows.h stays out of every other file */
};
#else
#include <pthread.h>
struct tally__lock {
    pthread_mutex_t os;
};
#endif

#endif
