/* detail: the machinery behind the list macros of the other headers. Nothing in here is meant to be used directly.
 *
 * TALLY__NARG counts up to 12 arguments, TALLY__MAP(M, a, b ...) is M(a), M(b) ..., TALLY__LIST(T, a, b ...) an array of
 * them: a compound literal in C, a packed value in C++. Each lives until the end of the statement that holds it at least.
 */
#ifndef TALLY_DETAIL_H
#define TALLY_DETAIL_H
#include <stddef.h>
#define TALLY__HERE __FILE__, __LINE__
#define TALLY__AT const char *file, int line
#define TALLY__CAT_(a, b) a##b
#define TALLY__CAT(a, b) TALLY__CAT_(a, b)
#define TALLY__NARG(...) TALLY__NARG_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TALLY__NARG_(a, b, c, d, e, f, g, h, i, j, k, l, n, ...) n
#define TALLY__MAP(M, ...) TALLY__CAT(TALLY__M, TALLY__NARG(__VA_ARGS__))(M, __VA_ARGS__)
#define TALLY__M1(M, a) M(a)
#define TALLY__M2(M, a, ...) M(a), TALLY__M1(M, __VA_ARGS__)
#define TALLY__M3(M, a, ...) M(a), TALLY__M2(M, __VA_ARGS__)
#define TALLY__M4(M, a, ...) M(a), TALLY__M3(M, __VA_ARGS__)
#define TALLY__M5(M, a, ...) M(a), TALLY__M4(M, __VA_ARGS__)
#define TALLY__M6(M, a, ...) M(a), TALLY__M5(M, __VA_ARGS__)
#define TALLY__M7(M, a, ...) M(a), TALLY__M6(M, __VA_ARGS__)
#define TALLY__M8(M, a, ...) M(a), TALLY__M7(M, __VA_ARGS__)
#define TALLY__M9(M, a, ...) M(a), TALLY__M8(M, __VA_ARGS__)
#define TALLY__M10(M, a, ...) M(a), TALLY__M9(M, __VA_ARGS__)
#define TALLY__M11(M, a, ...) M(a), TALLY__M10(M, __VA_ARGS__)
#define TALLY__M12(M, a, ...) M(a), TALLY__M11(M, __VA_ARGS__)
#ifdef __cplusplus
template <class T, size_t N> struct tally__array { T v[N]; };
template <class T, class... A> constexpr tally__array<T, sizeof...(A)> tally__pack(A... a) { return { { static_cast<T>(a)... } }; }
#define TALLY__LIST(T, ...) (tally__pack<T>(__VA_ARGS__).v)
#else
#define TALLY__LIST(T, ...) ((T[]){ __VA_ARGS__ })
#endif
#endif
