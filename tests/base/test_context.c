/* context: options, counted memory, the byte limit, hooks, slots, and what failing allocations leave. */
#include "../support.h"

#include "../../src/base/base.h"

static void a_context_without_options_gives_aligned_memory(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    (void)state;
    assert_non_null(c);
    for (size_t n = 1; n < 5000; n = n * 3 + 1) {
        unsigned char *p = tally__zalloc(c, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        assert_int_equal(tally_context_bytes(c), n);
        tally__free(c, p, n);
        assert_int_equal(tally_context_bytes(c), 0);
    }
    tally_context_release(c);
}

static void null_contexts_are_fine(void **state)
{
    (void)state;
    tally_context_release(NULL);
    tally_context_trim(NULL);
    assert_null(tally_context_retain(NULL));
    assert_int_equal(tally_context_bytes(NULL), 0);
}

static void nothing_asked_is_nothing_given(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    (void)state;
    assert_null(tally__alloc(c, 0));
    assert_null(tally__zalloc(c, 0));
    tally__free(c, NULL, 10);
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    (void)state;
    assert_null(tally__alloc(c, SIZE_MAX));
    assert_null(tally__alloc(c, SIZE_MAX - 63));
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

static void the_byte_limit_is_exact(void **state)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    (void)state;
    o.max_bytes = 1000;
    tally_context *c = tally_context_new(&o, NULL);
    void          *a = tally__alloc(c, 600), *b = tally__alloc(c, 400);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(tally__alloc(c, 1));
    assert_int_equal(tally_context_bytes(c), 1000);
    tally__free(c, b, 400);
    assert_null(tally__alloc(c, 401));
    b = tally__alloc(c, 400);
    assert_non_null(b);
    tally__free(c, a, 600);
    tally__free(c, b, 400);
    assert_null(tally__alloc(c, 1001));
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

static void the_given_allocator_is_used_and_gets_all_back(void **state)
{
    test_memory    m = { 0 };
    tally_error    err;
    tally_context *c = test_context(&m, &err);
    (void)state;
    assert_non_null(c);
    assert_int_equal(m.blocks, 1);
    size_t own = m.bytes;
    void  *p = tally__alloc(c, 77);
    assert_int_equal(m.bytes, own + 77);
    tally__free(c, p, 77);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
    assert_int_equal(m.bytes, 0);
}

static void a_failing_allocator_is_reported_and_leaves_nothing(void **state)
{
    test_memory m = { .fail_at = 1 };
    tally_error err;
    (void)state;
    assert_null(test_context(&m, &err));
    assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "memory");
    m = (test_memory){ .fail_at = 2 };
    tally_context *c = test_context(&m, &err);
    assert_null(tally__alloc(c, 10));
    assert_int_equal(tally_context_bytes(c), 0);
    void *p = tally__alloc(c, 10);
    assert_non_null(p);
    tally__free(c, p, 10);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
}

static void *crooked_alloc(void *user, size_t size, size_t align)
{
    unsigned char *p = test_memory_alloc(user, size + 8, align);
    return p ? p + 8 : NULL;
}

static void crooked_free(void *user, void *p, size_t size)
{
    test_memory_free(user, (unsigned char *)p - 8, size + 8);
}

static void an_allocator_that_ignores_alignment_is_refused(void **state)
{
    test_memory           m = { 0 };
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    tally_error           err;
    (void)state;
    o.allocator = (tally_allocator){ crooked_alloc, crooked_free, &m };
    assert_null(tally_context_new(&o, &err));
    assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "memory");
    assert_int_equal(m.blocks, 0);
}

static void half_an_allocator_is_an_error(void **state)
{
    test_memory           m = { 0 };
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    tally_error           err;
    (void)state;
    o.allocator = test_allocator(&m);
    o.allocator.free = NULL;
    assert_null(tally_context_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "context: options.allocator, expected alloc and free or neither");
    o.allocator = (tally_allocator){ NULL, test_memory_free, &m };
    assert_null(tally_context_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found free only");
}

static void options_without_the_initializer_are_an_error(void **state)
{
    tally_context_options o = { 0 };
    tally_error           err;
    (void)state;
    assert_null(tally_context_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "context: options.size, expected ");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found 0");
}

/* an older caller's struct ends early: nothing behind its size may be read */
static void shorter_options_leave_the_rest_at_default(void **state)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    (void)state;
    o.size = offsetof(tally_context_options, max_bytes);
    o.max_bytes = 1;
    tally_context *c = tally_context_new(&o, NULL);
    assert_non_null(c);
    assert_int_equal(c->o.max_bytes, 0);
    assert_int_equal(c->o.size, sizeof o);
    tally_context_release(c);
}

static void longer_options_of_a_newer_caller_are_accepted(void **state)
{
    struct { tally_context_options known; char newer[64]; } o = { TALLY_CONTEXT_OPTIONS_INIT, { 0 } };
    (void)state;
    o.known.size = sizeof o;
    o.known.max_bytes = 10;
    tally_context *c = tally_context_new(&o.known, NULL);
    assert_non_null(c);
    assert_int_equal(c->o.max_bytes, 10);
    tally_context_release(c);
}

static void context_for_retains_or_makes(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL), *same = tally__context_for(c, NULL);
    (void)state;
    assert_ptr_equal(c, same);
    assert_int_equal(c->references, 2);
    tally_context_release(same);
    tally_context *own = tally__context_for(NULL, NULL);
    assert_non_null(own);
    assert_ptr_not_equal(own, c);
    tally_context_release(own);
    tally_context_release(c);
}

typedef struct heard {
    int         lines, polls;
    tally_level level;
    char        line[32];
    bool        stop;
} heard;

static void hear_log(void *user, tally_level level, const char *line)
{
    heard *h = user;
    h->lines++;
    h->level = level;
    snprintf(h->line, sizeof h->line, "%s", line);
}

static int hear_interrupt(void *user)
{
    heard *h = user;
    h->polls++;
    return h->stop;
}

static void hooks_are_called_with_their_user(void **state)
{
    heard                 h = { 0 };
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    (void)state;
    o.log = hear_log;
    o.interrupt = hear_interrupt;
    o.user = &h;
    tally_context *c = tally_context_new(&o, NULL);
    tally__log(c, TALLY_LOG_WARNING, "a line");
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.level, TALLY_LOG_WARNING);
    assert_string_equal(h.line, "a line");
    assert_false(tally__interrupted(c));
    h.stop = true;
    assert_true(tally__interrupted(c));
    assert_int_equal(h.polls, 2);
    tally_context_release(c);
}

static void without_hooks_nothing_is_said_and_nothing_stops(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    (void)state;
    tally__log(c, TALLY_LOG_PRINT, "a line");
    assert_false(tally__interrupted(c));
    tally_context_release(c);
}

static int slot_drops, slot_trims;

static void slot_drop(tally_context *c, void *p)
{
    slot_drops++;
    tally__free(c, p, 32);
}

static void slot_trim(tally_context *c, void *p)
{
    (void)p;
    slot_trims++;
    tally__lock_take(&c->lock);              /* a trim may look at the slots: no lock is held over it */
    tally__lock_drop(&c->lock);
}

static void slots_are_trimmed_on_request_and_dropped_at_the_end(void **state)
{
    test_memory    m = { 0 };
    tally_context *c = test_context(&m, NULL);
    (void)state;
    slot_drops = slot_trims = 0;
    c->slot[TALLY__SLOT_EAGER] = (tally__context_slot){ tally__alloc(c, 32), slot_drop, NULL };
    c->slot[TALLY__SLOT_FRAMES] = (tally__context_slot){ tally__alloc(c, 32), slot_drop, slot_trim };
    tally_context_trim(c);
    assert_int_equal(slot_trims, 1);
    tally_context_retain(c);
    tally_context_release(c);
    assert_int_equal(slot_drops, 0);
    tally_context_release(c);
    assert_int_equal(slot_drops, 2);
    assert_int_equal(m.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_without_options_gives_aligned_memory),
        cmocka_unit_test(null_contexts_are_fine),
        cmocka_unit_test(nothing_asked_is_nothing_given),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(the_byte_limit_is_exact),
        cmocka_unit_test(the_given_allocator_is_used_and_gets_all_back),
        cmocka_unit_test(a_failing_allocator_is_reported_and_leaves_nothing),
        cmocka_unit_test(an_allocator_that_ignores_alignment_is_refused),
        cmocka_unit_test(half_an_allocator_is_an_error),
        cmocka_unit_test(options_without_the_initializer_are_an_error),
        cmocka_unit_test(shorter_options_leave_the_rest_at_default),
        cmocka_unit_test(longer_options_of_a_newer_caller_are_accepted),
        cmocka_unit_test(context_for_retains_or_makes),
        cmocka_unit_test(hooks_are_called_with_their_user),
        cmocka_unit_test(without_hooks_nothing_is_said_and_nothing_stops),
        cmocka_unit_test(slots_are_trimmed_on_request_and_dropped_at_the_end),
    };
    return cmocka_run_group_tests_name("base context", tests, NULL, NULL);
}
