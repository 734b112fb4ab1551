/* kernel_types.h: every row of ops.def for every type that has loops, as KERNEL(name, arity, R, meaning) with T, U, S, LOAD, FN set.
 * R is truth where the result is bool; LANE_COUNT counts as many of them as fit, in lanes as wide as those of T or twice that. */
#define T float
#define U float
#define S f32
#define LANE_TYPE TALLY__LANE_F32
#define LANE_COUNT uint32_t
#define LOAD(x) (x)
#define FN(f) tally__##f##_f32
#define MEANING(f, s, u) f
#define FOR_NUMERIC KERNEL
#define FOR_FLOAT KERNEL
#define FOR_BOOL NO_KERNEL
#include "kernel_rows.h"

#define T double
#define U double
#define S f64
#define LANE_TYPE TALLY__LANE_F64
#define LANE_COUNT uint64_t
#define LOAD(x) (x)
#define FN(f) tally__##f##_f64
#define MEANING(f, s, u) f
#define FOR_NUMERIC KERNEL
#define FOR_FLOAT KERNEL
#define FOR_BOOL NO_KERNEL
#include "kernel_rows.h"

#define T int32_t
#define U uint32_t
#define S i32
#define LANE_TYPE TALLY__LANE_I32
#define LANE_COUNT uint32_t
#define LOAD(x) (x)
#define MEANING(f, s, u) s
#define FOR_NUMERIC KERNEL
#define FOR_FLOAT NO_KERNEL
#define FOR_BOOL NO_KERNEL
#include "kernel_rows.h"

#define T int64_t
#define U uint64_t
#define S i64
#define LANE_TYPE TALLY__LANE_I64
#define LANE_COUNT uint64_t
#define LOAD(x) (x)
#define MEANING(f, s, u) s
#define FOR_NUMERIC KERNEL
#define FOR_FLOAT NO_KERNEL
#define FOR_BOOL NO_KERNEL
#include "kernel_rows.h"

#define T uint8_t
#define U uint8_t
#define S u8
#define LANE_TYPE TALLY__LANE_U8
#define LANE_COUNT uint16_t
#define LOAD(x) (x)
#define MEANING(f, s, u) u
#define FOR_NUMERIC KERNEL
#define FOR_FLOAT NO_KERNEL
#define FOR_BOOL NO_KERNEL
#include "kernel_rows.h"

/* any byte but 0 is true, whoever made it */
#define T truth
#define U uint8_t
#define S b8
#define LANE_TYPE TALLY__LANE_BOOL
#define LANE_COUNT uint16_t
#define LOAD(x) ((x) != 0)
#define MEANING(f, s, u) u
#define FOR_NUMERIC NO_KERNEL
#define FOR_FLOAT NO_KERNEL
#define FOR_BOOL KERNEL
#include "kernel_rows.h"
