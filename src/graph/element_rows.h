/* element_rows.h: the elementwise kernels of one compute type, made from the rows of ops.def;
 * included once per type by element.c, which sets
 *   T, U              the type and its unsigned partner
 *   S                 the type's name in function names
 *   LOAD(x)           an element as a, b or c
 *   FN(f)             the function f for T
 *   MEANING(f, s, u)  the column that counts
 *   FOR_NUMERIC, FOR_FLOAT, FOR_BOOL   ROW or NO_ROW: does T take part? */
#define MAKE_SOURCE(...)
#define MAKE_REDUCE(...)
#define MAKE_ROW(...)
#define MAKE_VIEW(...)
#define MAKE_OTHER(...)
#define MAKE_READ(...)
#define MAKE_EFFECT(...)
#define MAKE_REGION(...)
#define MAKE_ELEMENT(name, arity, accepts, result, ...) \
    GIVES_##result(name, arity, accepts, __VA_ARGS__)
#define MAKE_JOINED MAKE_ELEMENT
#define GIVES_GIVEN(...)
#define GIVES_F64(...)
#define GIVES_SAME(name, arity, accepts, ...) FOR_##accepts(name, arity, T, MEANING(__VA_ARGS__))
#define GIVES_BOOL(name, arity, accepts, ...) \
    FOR_##accepts(name, arity, uint8_t, MEANING(__VA_ARGS__))
#define FOR_ANY(name, arity, R, ...) ROW(name, arity, R, __VA_ARGS__)
#define NO_ROW(...)
#define OP(name, form, arity, takes, accepts, result, shape, laws, ...) \
    MAKE_##form(name, arity, accepts, result, __VA_ARGS__)

#define NAMED(name) NAMED_(name, S)
#define NAMED_(name, s) NAMED__(name, s)
#define NAMED__(name, s) name##_##s##_ref
#define ROW(name, arity, R, ...) LOOP_##arity(NAMED(name), R, __VA_ARGS__)
#define LOOP(function, R, lanes, elements, ...)                                       \
    static void function(void *out, const tally__lane *in, size_t n)                  \
    {                                                                                 \
        R *r = out;                                                                   \
        lanes                                                                         \
        for (size_t i = 0; i < n; i++) {                                              \
            elements                                                                  \
            r[i] = (R)(__VA_ARGS__);                                                  \
        }                                                                             \
    }
#define LANE(x, k) const T *x##_at = in[k].p; const int64_t x##_step = in[k].step;
#define ELEMENT(x) const T x = LOAD(x##_at[(int64_t)i * x##_step]); (void)x;
#define LOOP_1(function, R, ...) LOOP(function, R, LANE(a, 0), ELEMENT(a), __VA_ARGS__)
#define LOOP_2(function, R, ...) \
    LOOP(function, R, LANE(a, 0) LANE(b, 1), ELEMENT(a) ELEMENT(b), __VA_ARGS__)
#define LOOP_3(function, R, ...) \
    LOOP(function, R, LANE(a, 0) LANE(b, 1) LANE(c, 2), \
         ELEMENT(a) ELEMENT(b) ELEMENT(c), __VA_ARGS__)
#include "ops.def"
#undef ROW

#define ROW(name, arity, R, ...) [TALLY__OP_##name] = NAMED(name),
static element_function *const NAMED(element)[TALLY__OPS] = {
#include "ops.def"
};

#undef OP
#undef ROW
#undef NO_ROW
#undef MAKE_SOURCE
#undef MAKE_REDUCE
#undef MAKE_ROW
#undef MAKE_VIEW
#undef MAKE_OTHER
#undef MAKE_READ
#undef MAKE_EFFECT
#undef MAKE_REGION
#undef MAKE_ELEMENT
#undef MAKE_JOINED
#undef GIVES_GIVEN
#undef GIVES_F64
#undef GIVES_SAME
#undef GIVES_BOOL
#undef FOR_ANY
#undef FOR_NUMERIC
#undef FOR_FLOAT
#undef FOR_BOOL
#undef NAMED
#undef NAMED_
#undef NAMED__
#undef LOOP
#undef LOOP_1
#undef LOOP_2
#undef LOOP_3
#undef LANE
#undef ELEMENT
#undef MEANING
#undef LOAD
#undef FN
#undef T
#undef U
#undef S
