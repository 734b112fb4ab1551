/* kernel_rows.h: the rows of ops.def that one type takes part in, as KERNEL(name, arity, R, meaning), those of
 * form JOINED with their name for the arity; included by kernel_types.h. */
#define MAKE_SOURCE(...)
#define MAKE_REDUCE(...)
#define MAKE_ROW(...)
#define MAKE_VIEW(...)
#define MAKE_OTHER(...)
#define MAKE_READ(...)
#define MAKE_EFFECT(...)
#define MAKE_REGION(...)
#define MAKE_ELEMENT(name, arity, accepts, result, ...) GIVES_##result(name, arity, accepts, __VA_ARGS__)
#define MAKE_JOINED(name, arity, accepts, result, ...) GIVES_##result(name, name, accepts, __VA_ARGS__)
#define GIVES_GIVEN(...)
#define GIVES_F64(...)
#define GIVES_SAME(name, arity, accepts, ...) FOR_##accepts(name, arity, T, MEANING(__VA_ARGS__))
#define GIVES_BOOL(name, arity, accepts, ...) FOR_##accepts(name, arity, truth, MEANING(__VA_ARGS__))
#define FOR_ANY(name, arity, R, ...) KERNEL(name, arity, R, __VA_ARGS__)
#define NO_KERNEL(...)
#define OP(name, form, arity, takes, accepts, result, shape, laws, ...) MAKE_##form(name, arity, accepts, result, __VA_ARGS__)
#include "../graph/ops.def"
#undef OP
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
#undef NO_KERNEL
#undef MEANING
#undef LOAD
#undef FN
#undef T
#undef U
#undef S
#undef LANE_TYPE
#undef LANE_COUNT
