/* call: what the tests of functions share beside program.h: a context on counted memory, stores as
 * arguments. */
#ifndef TALLY_TESTS_CALL_H
#define TALLY_TESTS_CALL_H

#include "../exec/program.h"

#include "../../src/function/function.h"

typedef struct fixture {
    test_memory    memory;
    tally_context *context;
    char           lines[16][512]; /* what the log hook heard */
    int            n_lines, n_warnings;
} fixture;

static inline void log_hook(void *user, tally_level level, const char *line)
{
    fixture *f = user;
    f->n_warnings += level == TALLY_LOG_WARNING;
    if (f->n_lines < 16)
        snprintf(f->lines[f->n_lines++], sizeof f->lines[0], "%s", line);
}

static inline int open_fixture(void **state)
{
    fixture              *f = calloc(1, sizeof *f);
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    o.allocator = test_allocator(&f->memory);
    o.log = log_hook;
    o.user = f;
    f->context = tally_context_new(&o, NULL);
    *state = f;
    return f->context ? 0 : -1;
}

static inline int close_fixture(void **state)
{
    fixture *f = *state;
    tally_context_release(f->context);
    size_t left = atomic_load(&f->memory.blocks);
    if (left)
        print_error("%zu blocks are left\n", left);
    free(f);
    return left ? -1 : 0;
}

static inline tally_metric *as_metric(tally__store *s)
{
    return (tally_metric *)s;
}

static inline tally_function *make_function(fixture *f, const char *name, tally_body body,
                                            void *user)
{
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    tally_error            err = { 0 };
    o.context = f->context;
    o.name = name;
    tally_function *made = tally_function_new(body, user, &o, &err);
    if (!made)
        print_error("%s\n", err.text);
    assert_non_null(made);
    return made;
}

#endif
