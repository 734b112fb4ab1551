/* base, floor 1: what every other floor stands on. Knows libc and libm, nothing of tensors or metrics.
 * Sections follow the files that define them. */
#ifndef TALLY__BASE_H
#define TALLY__BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tally/base.h>

#if defined __FAST_MATH__
#error "Tally's sums are exact: never build it with -ffast-math"
#endif
#if defined FLT_EVAL_METHOD && FLT_EVAL_METHOD != 0
#error "Tally needs FLT_EVAL_METHOD 0 (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

#define TALLY__COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TALLY__MIN(a, b) ((a) < (b) ? (a) : (b))
#define TALLY__MAX(a, b) ((a) > (b) ? (a) : (b))

/* text.c: a bounded line; numbers without locale. Formats: %s string (NULL prints as "?"), %d int, %u unsigned,
 * %l int64_t, %z size_t, %x uint64_t in hex, %g double as tally__format_f64 writes it, %c char, %%. The text always ends
 * in NUL if there is room for one. */
typedef struct tally__text {
    char  *at;      /* NULL is fine when room is 0 */
    size_t room;    /* bytes, the closing NUL included */
    size_t n;       /* characters wanted so far; may exceed room, as with snprintf */
} tally__text;
void   tally__put(tally__text *t, const char *format, ...);
void   tally__put_v(tally__text *t, const char *format, va_list list);

/* decimal.c: the shortest digits that read back to the same bits, of these the nearest to v, a tie to the even one.
 * Laid out as by %.17g: 0.02, 3, 12300, 1e+20, 2.5e-05, -0, nan, inf, -inf. Returns the length, at most 24. */
size_t tally__format_f64(double v, char out[32]);
/* n characters "-1.5e-3", "inf", "nan" as the nearest double, ties to even; false: no number, or more than 40 digits */
bool   tally__read_f64(const char *text, size_t n, double *out);

/* error.c: the caller's tally_error. A text that is too long loses its middle, never its ends. */
typedef struct tally__place {
    const char *file;
    int         line;
} tally__place;
tally_status tally__fail(tally_error *err, tally_status s, int argument, const char *format, ...);
/* "body.c:12: " in front: the user's own line */
tally_status tally__fail_at(tally_error *err, tally_status s, int argument, tally__place at, const char *format, ...);
tally_status tally__fail_memory(tally_error *err, size_t bytes);   /* RESOURCE_EXHAUSTED */

/* lock.h: over the pthreads, C11 threads or none of the build */
typedef struct tally__lock tally__lock;
#include "lock.h"

/* context.c. Every object of the library holds a context; memory always returns to the context it came from. */
enum { TALLY__CONTEXT_SLOTS = 4 };        /* opaque slots that higher floors keep in a context */
enum { TALLY__SLOT_EAGER, TALLY__SLOT_FRAMES };
typedef struct tally__context_slot {
    void *p;
    void (*drop)(tally_context *c, void *p);   /* runs when the context dies */
    void (*trim)(tally_context *c, void *p);   /* tally_context_trim; may be NULL */
} tally__context_slot;
struct tally_context {
    atomic_size_t         references;
    atomic_size_t         bytes;          /* in use now */
    atomic_uint           traces;         /* recordings begun so far: a generation tells two at one address apart */
    tally_context_options o;              /* allocator filled in */
    tally__lock           lock;           /* guards slot */
    tally__context_slot   slot[TALLY__CONTEXT_SLOTS];
    /* tests only: runs between the steps of a commit made with this context, so that another commit can come in between */
    void                (*between_steps)(void *user, int step);
    void                 *between_user;
};
tally_context *tally__context_for(tally_context *given, tally_error *err);   /* retains it, or makes a private one */
void  *tally__alloc(tally_context *c, size_t n);             /* 64-aligned; NULL when refused or over max_bytes; n 0 gives NULL */
void  *tally__zalloc(tally_context *c, size_t n);            /* the same, zeroed */
void   tally__free(tally_context *c, void *p, size_t n);     /* NULL is fine; n as allocated */
bool   tally__interrupted(tally_context *c);
void   tally__log(tally_context *c, tally_level level, const char *line);   /* nothing without a hook */

/* arena.c: many small pieces that die together */
typedef struct tally__arena_block tally__arena_block;
typedef struct tally__arena {
    tally_context      *context;
    tally__arena_block *first, *current;   /* blocks are kept by rewind and used again */
    size_t              used;              /* bytes of current that are taken */
    bool                fixed;             /* asks the context for nothing: what it has must do (another thread's task) */
} tally__arena;
typedef struct tally__arena_mark {
    tally__arena_block *block;
    size_t              used;
} tally__arena_mark;
void  tally__arena_init(tally__arena *a, tally_context *c);
void *tally__arena_alloc(tally__arena *a, size_t n);          /* 64-aligned if n >= 64, else 16; NULL without memory */
void *tally__arena_zalloc(tally__arena *a, size_t n);
char *tally__arena_copy(tally__arena *a, const char *text);   /* NULL text gives NULL */
tally__arena_mark tally__arena_here(const tally__arena *a);
/* a mark of an arena that had no block yet leads back to the state before the first one */
static inline void tally__arena_rewind(tally__arena *a, tally__arena_mark m)
{
    a->current = m.block;
    a->used = m.used;
}
void  tally__arena_release(tally__arena *a);

/* hash.c */
uint64_t tally__hash(const void *p, size_t n, uint64_t seed);  /* same value on every machine */

/* fp.c: the floating-point environment of a call: round to nearest, gradual underflow */
typedef struct tally__fp {
    uint64_t saved;
    bool     changed;
} tally__fp;
tally_status tally__fp_enter(tally__fp *fp, tally_error *err);  /* FAILED_PRECONDITION where it is wrong and cannot be set */
void         tally__fp_restore(const tally__fp *fp);
static inline void tally__fp_leave(const tally__fp *fp)
{
    if (fp->changed)
        tally__fp_restore(fp);
}

/* cpu.c: the one mutable global of the library */
typedef enum tally__isa { TALLY__ISA_BASE, TALLY__ISA_AVX2, TALLY__ISA_AVX512 } tally__isa;
tally__isa tally__cpu(void);

#endif
