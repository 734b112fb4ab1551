/* fenced: memory with nothing readable behind or before it, so that a loop which reads or writes one byte too many ends the
 * test. Where there are no pages to protect it is plain memory. The file that includes it does so first. */
#ifndef TALLY_TESTS_FENCED_H
#define TALLY_TESTS_FENCED_H
#if !defined _WIN32
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#endif
#include "../support.h"

typedef struct fenced {
    unsigned char *first;
    size_t         size;
} fenced;

static inline fenced fenced_new(size_t room)
{
#if !defined _WIN32
    size_t         page = (size_t)sysconf(_SC_PAGESIZE), size = (room + page - 1) / page * page;
    unsigned char *p = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p, page, PROT_NONE), 0);
    assert_int_equal(mprotect(p + page + size, page, PROT_NONE), 0);
    return (fenced){ p + page, size };
#else
    unsigned char *p = malloc(room);
    assert_non_null(p);
    return (fenced){ p, room };
#endif
}

/* place 0: ends where the pages end; 1: begins where they begin; 2: one element further */
static inline void *fenced_at(const fenced *f, size_t bytes, size_t element, int place)
{
    assert_true(bytes + element <= f->size);
    return place == 0 ? f->first + f->size - bytes : f->first + (place == 2 ? element : 0);
}

#endif
