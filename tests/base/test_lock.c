/* lock: one holder at a time; and context counters that threads share stay exact. */
#include "../support.h"

#include <pthread.h>

#include "../../src/base/base.h"

enum { THREADS = 4 };

#if defined TALLY_NO_THREADS

static void threads_are_not_in_this_build(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_are_not_in_this_build) };
    return cmocka_run_group_tests_name("base lock", tests, NULL, NULL);
}

#else

typedef struct shared_count {
    tally__lock    lock;
    uint64_t       n, rounds;          /* plain: only the lock protects it */
    tally_context *context;
} shared_count;

static void run_threads(void *(*body)(void *), void *arg)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, body, arg), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static void *count_up(void *arg)
{
    shared_count *s = arg;
    for (uint64_t i = 0; i < s->rounds; i++) {
        tally__lock_take(&s->lock);
        s->n++;
        tally__lock_drop(&s->lock);
    }
    return NULL;
}

static void no_increment_is_lost(void **state)
{
    shared_count s = { .rounds = test_scaled(200000) };
    (void)state;
    tally__lock_init(&s.lock);
    run_threads(count_up, &s);
    tally__lock_destroy(&s.lock);
    assert_int_equal(s.n, THREADS * s.rounds);
}

static void *allocate_and_free(void *arg)
{
    shared_count *s = arg;
    for (uint64_t i = 0; i < s->rounds; i++) {
        tally_context *c = tally_context_retain(s->context);
        void          *p = tally__alloc(c, 100);
        if (tally_context_bytes(c) > 250)
            abort();
        tally__free(c, p, 100);
        tally_context_release(c);
    }
    return NULL;
}

static void shared_contexts_keep_their_limit_and_their_count(void **state)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    shared_count          s = { .rounds = test_scaled(50000) };
    (void)state;
    o.max_bytes = 250;
    s.context = tally_context_new(&o, NULL);
    assert_non_null(s.context);
    run_threads(allocate_and_free, &s);
    assert_int_equal(tally_context_bytes(s.context), 0);
    assert_int_equal(s.context->references, 1);
    tally_context_release(s.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_increment_is_lost),
        cmocka_unit_test(shared_contexts_keep_their_limit_and_their_count),
    };
    return cmocka_run_group_tests_name("base lock", tests, NULL, NULL);
}

#endif
