/* sum_laws: adversarial sums against exact_reference.h. Every case makes its own terms, splits them at
 * random, adds the pieces in any order with any guess, merges; then the words, every rounding, mean, ratio,
 * packing and subtraction must be exactly right. The hash of all result bits is printed: every compiler must
 * print the same. */
#include "exact_terms.h"

enum { CASES = 300000, RATIOS = 150000, PIECES = 5 };

static uint64_t result_hash = 0x7461;   /* of all results, in order */

static void fold(uint64_t bits)
{
    test_rng r = { result_hash ^ bits };
    result_hash = test_next(&r);
}

/* ---- one case ---- */

typedef struct sum_case {
    uint64_t seed;
    int32_t  dtype;
    size_t   n;
    int64_t  stride;
    void    *data;                /* first element */
    ref_sum  ref;
} sum_case;

static uint64_t drawn[MOST];
static uint64_t memory[3 * MOST + 8];   /* up to 8 bytes an element, up to stride 3 */

static void wrong(const sum_case *c, const char *what, uint64_t got)
{
    print_error("%s is wrong: case seed 0x%016llx, %s, n %zu, stride %lld, got 0x%016llx\n", what,
                (unsigned long long)c->seed, tally_dtype_name((tally_dtype)c->dtype), c->n,
                (long long)c->stride, (unsigned long long)got);
    fail();
}

static void refer_integer(ref_sum *s, int32_t dtype, uint64_t raw)
{
    const int  bits = tally__dtype_bits(dtype);
    const bool negative = tally__dtype_kind_of(dtype) == TALLY__KIND_INT && raw >> (bits - 1) & 1;
    const uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

    if (dtype == TALLY_BOOL) ref_add_whole(s, false, (raw & mask) != 0);
    else ref_add_whole(s, negative, (negative ? 0 - raw : raw) & mask);
}

static void put_raw(void *at, uint64_t raw, int bits)
{
    const uint8_t  byte = (uint8_t)raw;
    const uint16_t half = (uint16_t)raw;
    const uint32_t word = (uint32_t)raw;

    memcpy(at,
           bits == 8    ? (const void *)&byte
           : bits == 16 ? (const void *)&half
           : bits == 32 ? (const void *)&word
                        : (const void *)&raw,
           (size_t)bits / 8);
}

static void draw_case(sum_case *c, uint64_t seed)
{
    static const int64_t strides[] = { 1, 1, 1, 1, 1, 2, 3, -1, -2, -3, 0 };
    test_rng      r = { seed };
    const format *f = NULL;
    const int     kind = (int)test_below(&r, 24);

    c->seed = seed;
    c->n = draw_count(&r);
    c->stride = strides[test_below(&r, TALLY__COUNT(strides))];
    if (kind < 18) f = &formats[kind < 8 ? 0 : kind < 14 ? 1 : kind < 16 ? 2 : 3];
    c->dtype = f ? f->dtype : TALLY_BOOL + (int32_t)test_below(&r, 9);
    if (f) draw_floats(f, &r, drawn, c->n);
    for (size_t i = 0; !f && i < c->n; i++)
        drawn[i] = test_below(&r, 4) ? test_next(&r) : 0 - (test_next(&r) & 1);
    const int    bits = tally__dtype_bits(c->dtype);
    const size_t size = (size_t)bits / 8, span = 3 * MOST * size, start = test_below(&r, 4) * size;
    c->data = (char *)memory + (c->stride < 0 ? span - size : start);
    memset(&c->ref, 0, sizeof c->ref);
    for (size_t i = 0; i < c->n; i++) {
        const uint64_t raw = drawn[c->stride ? i : 0];
        put_raw((char *)c->data + (int64_t)i * c->stride * (int64_t)size, raw, bits);
        if (f) ref_add_bits(&c->ref, raw, f->fraction, f->exponent);
        else refer_integer(&c->ref, c->dtype, raw);
    }
}

static void add_run(const sum_case *c, tally__sum *s, tally__guess *g, size_t from, size_t n, test_rng *r)
{
    const int64_t size = (int64_t)tally__element_size(c->dtype);
    const void   *at = (const char *)c->data + (int64_t)from * c->stride * size;

    if (test_below(r, 3) == 0) {
        const uint64_t any = test_next(r);
        memcpy(g, &any, sizeof *g);                /* any guess is a guess */
        if (any >> 62) g->level &= 7;
    }
    if (c->dtype == TALLY_F64 && c->stride == 1 && test_next(r) & 1) tally__sum_add_f64(s, g, at, n);
    else if (c->dtype == TALLY_F32 && c->stride == 1 && test_next(r) & 1) tally__sum_add_f32(s, g, at, n);
    else tally__sum_add(s, g, c->dtype, at, c->stride, n);
}

/* the terms, cut anywhere, each run to some piece; then the pieces merged */
static void add_split(const sum_case *c, tally__sum piece[PIECES], tally__sum *total, test_rng *r)
{
    tally__guess guess[PIECES] = { { 0, 0, 0 } };
    size_t       cut[9] = { 0 };
    const size_t cuts = test_below(r, 8);

    memset(piece, 0, PIECES * sizeof *piece);
    memset(total, 0, sizeof *total);
    for (size_t i = 1; i <= cuts; i++) cut[i] = cut[i - 1] + test_below(r, c->n - cut[i - 1] + 1);
    cut[cuts + 1 > 8 ? 8 : cuts + 1] = c->n;
    for (size_t i = cuts + 1; i-- > 0;) {          /* last run first */
        const size_t k = test_below(r, PIECES);
        add_run(c, &piece[k], &guess[k], cut[i], cut[i + 1] - cut[i], r);
    }
    const size_t first = test_below(r, PIECES);
    for (size_t i = 0; i < PIECES; i++) tally__sum_merge(total, &piece[(first + i) % PIECES]);
}

static bool words_equal(const tally__sum *s, const ref_sum *want)
{
    bool       negative;
    const big  m = ref_magnitude(want, &negative);
    uint64_t   carry = negative;

    for (int i = 0; i < TALLY__SUM_WORDS; i++) {
        const uint64_t low = 2 * i < m.n ? m.limb[2 * i] : 0, high = 2 * i + 1 < m.n ? m.limb[2 * i + 1] : 0;
        const uint64_t w = low | high << 32, v = (negative ? ~w : w) + carry;
        carry = carry && !v;
        if (s->word[i] != v) return false;
    }
    return m.n <= 2 * TALLY__SUM_WORDS && s->inf == want->inf && s->neg_inf == want->neg_inf &&
           s->nan == want->nan;
}

/* what a sum with these counters reads as, where not all are 0 */
static uint64_t special_of(const ref_sum *s)
{
    if (s->nan || (s->inf && s->neg_inf)) return UINT64_C(0x7ff8000000000000);
    return s->inf ? UINT64_C(0x7ff0000000000000) : UINT64_C(0xfff0000000000000);
}

static bool ref_finite(const ref_sum *s)
{
    return !s->inf && !s->neg_inf && !s->nan;
}

/* got = num / den, den > 0 whole */
static bool right_quotient(const ref_sum *num, const big *den, uint64_t got)
{
    bool      negative;
    const big a = ref_magnitude(num, &negative);

    if (!ref_finite(num)) return got == special_of(num);
    if (!a.n) return got == 0;
    return got >> 63 == negative && ref_is_nearest(&a, den, got & (UINT64_MAX >> 1), 52, 11);
}

static bool right_f32(const ref_sum *s, uint32_t got)
{
    bool      negative;
    const big a = ref_magnitude(s, &negative);
    big       one = { 0, { 0 } };

    big_add_at(&one, 1, REF_UNIT);
    if (!ref_finite(s)) {
        const uint64_t v = special_of(s);
        return got == (v << 12 ? 0x7fc00000 : v >> 63 ? 0xff800000 : 0x7f800000);
    }
    if (!a.n) return got == 0;
    return got >> 31 == negative && ref_is_nearest(&a, &one, got & 0x7fffffff, 23, 8);
}

static void check_values(const sum_case *c, const tally__sum *s, test_rng *r)
{
    const int shift = (int)test_below(r, 64); /* one draw a line: the order of operands is the compiler's */
    const uint64_t v = test_bits_f64(tally__sum_round(s)), count = test_next(r) >> shift | 1;
    const uint32_t f = test_bits_f32(tally__sum_round_f32(s));
    const uint64_t mean = test_bits_f64(tally__sum_mean(s, count));
    big            one = { 0, { 0 } }, many = { 0, { 0 } };

    big_add_at(&one, 1, REF_UNIT);
    big_add_at(&many, count, REF_UNIT);
    if (!right_quotient(&c->ref, &one, v)) wrong(c, "the double", v);
    if (!right_f32(&c->ref, f)) wrong(c, "the float", f);
    if (!right_quotient(&c->ref, &many, mean)) wrong(c, "the mean", mean);
    fold(v), fold(f), fold(mean);
}

static void check_bytes(const sum_case *c, const tally__sum *s)
{
    uint8_t      bytes[TALLY__SUM_BYTES_MAX], again[TALLY__SUM_BYTES_MAX];
    tally__sum   back;
    const size_t n = tally__sum_pack(s, bytes);

    memset(&back, 0x55, sizeof back);
    if (n > sizeof bytes || n != tally__sum_pack(s, NULL)) wrong(c, "the packed size", n);
    if (tally__sum_unpack(&back, bytes, n) != n) wrong(c, "unpack", n);
    if (memcmp(&back, s, sizeof back)) wrong(c, "the unpacked sum", n);
    if (tally__sum_unpack(&back, bytes, n - 1) != 0) wrong(c, "unpack of a cut text", n);
    if (tally__sum_pack(&back, again) != n || memcmp(bytes, again, n)) wrong(c, "the second packing", n);
    fold(tally__hash(bytes, n, 1));
}

static void check_subtract(const sum_case *c, const tally__sum *total, const tally__sum piece[PIECES],
                           test_rng *r)
{
    const size_t out = test_below(r, PIECES);
    tally__sum   rest = *total, others = { { 0 }, 0, 0, 0 };

    tally__sum_subtract(&rest, &piece[out]);
    for (size_t i = 0; i < PIECES; i++)
        if (i != out) tally__sum_merge(&others, &piece[i]);
    if (memcmp(&rest, &others, sizeof rest)) wrong(c, "the difference", out);
    for (size_t i = 0; i < PIECES; i++)
        if (i != out) tally__sum_subtract(&rest, &piece[i]);
    if (!tally__sum_is_zero(&rest)) wrong(c, "what is left", out);
}

static void check_whole(const sum_case *c, const tally__sum *s)
{
    bool       negative;
    const big  m = ref_magnitude(&c->ref, &negative);
    ref_sum    want = { { 0, { 0 } }, { 0, { 0 } }, 0, 0, 0 };
    int64_t    v = 0;

    if (tally__sum_whole(s, &v)) {
        ref_add_whole(&want, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
        if (!ref_finite(&c->ref) || big_compare(v < 0 ? &want.minus : &want.plus, &m) || negative != (v < 0))
            wrong(c, "the whole number", (uint64_t)v);
        return;
    }
    if (!ref_finite(&c->ref)) return;
    int zeros = 0;
    while (zeros < 32 * m.n && !(m.limb[zeros / 32] >> (zeros % 32) & 1)) zeros++;
    big limit = { 0, { 0 } };
    big_add_at(&limit, (uint64_t)INT64_MAX + negative, REF_UNIT);
    if (zeros >= REF_UNIT && big_compare(&m, &limit) <= 0) wrong(c, "the verdict not whole", 0);
}

/* a / b where one is not finite and b is not 0: what IEEE division gives, a finite sum counting as finite
 * however large */
static uint64_t special_ratio(const ref_sum *a, const ref_sum *b)
{
    bool           a_negative, b_negative;
    const big      magnitude = ref_magnitude(a, &a_negative);
    const double   signs[2] = { 1.0, -1.0 };

    ref_magnitude(b, &b_negative);
    const double x = ref_finite(a) ? magnitude.n ? signs[a_negative] : 0 : test_from_bits_f64(special_of(a));
    const double y = ref_finite(b) ? signs[b_negative] : test_from_bits_f64(special_of(b));
    const double q = x / y;
    return q != q ? UINT64_C(0x7ff8000000000000) : test_bits_f64(q);
}

static void check_ratio(const sum_case *c, const tally__sum *a, const sum_case *d, const tally__sum *b)
{
    const uint64_t got = test_bits_f64(tally__sum_ratio(a, b));
    bool           negative;
    ref_sum        num = c->ref;
    const big      den = ref_magnitude(&d->ref, &negative);

    fold(got);
    if (!den.n && ref_finite(&d->ref)) {
        if (got) wrong(c, "the ratio to 0", got);
    } else if (!ref_finite(&c->ref) || !ref_finite(&d->ref)) {
        if (got != special_ratio(&c->ref, &d->ref)) wrong(c, "the ratio of what is not finite", got);
    } else {
        if (negative) num.plus = c->ref.minus, num.minus = c->ref.plus;
        if (!right_quotient(&num, &den, got)) wrong(c, "the ratio", got);
    }
}

static void sums_of_any_terms_in_any_order_are_exactly_right(void **state)
{
    static sum_case   c[2];
    static tally__sum total[2], piece[PIECES];
    const size_t      cases = test_scaled(CASES);

    (void)state;
    draw_case(&c[1], 0);
    add_split(&c[1], piece, &total[1], &(test_rng){ 1 });
    for (size_t i = 0; i < cases; i++) {
        const int now = (int)(i & 1);
        test_rng  r = { 1000003 * i + 77 };
        draw_case(&c[now], i + 1);
        add_split(&c[now], piece, &total[now], &r);
        if (!words_equal(&total[now], &c[now].ref)) wrong(&c[now], "the sum", i);
        check_values(&c[now], &total[now], &r);
        check_bytes(&c[now], &total[now]);
        check_subtract(&c[now], &total[now], piece, &r);
        check_whole(&c[now], &total[now]);
        check_ratio(&c[now], &total[now], &c[!now], &total[!now]);
    }
}

/* ---- weighted sums: fl64(w * x) is the term ---- */

static void weighted_sums_are_the_exact_sum_of_rounded_products(void **state)
{
    static double  product[MOST];
    const size_t   cases = test_scaled(CASES / 10);

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        test_rng      r = { 31 * i + 5 };
        const size_t  n = test_below(&r, 400);
        const format *f = &formats[test_below(&r, 2)];
        sum_case      c = { i, TALLY_F64, n, 1, product, { { 0, { 0 } }, { 0, { 0 } }, 0, 0, 0 } };
        tally__sum    piece[PIECES], total;
        draw_floats(f, &r, drawn, n);
        for (size_t j = 0; j < n; j++) {
            double       w = test_unit(&r), x;
            const float  narrow = test_from_bits_f32((uint32_t)drawn[j]);
            if (f->dtype == TALLY_F64) memcpy(&x, &drawn[j], sizeof x);
            else x = (double)narrow, w = (double)(float)w;
            w *= (double)(1 + test_below(&r, 1000));
            product[j] = w * x;
            ref_add_bits(&c.ref, test_bits_f64(product[j]), 52, 11);
        }
        add_split(&c, piece, &total, &r);
        if (!words_equal(&total, &c.ref)) wrong(&c, "the weighted sum", i);
        check_values(&c, &total, &r);
    }
}

/* ---- quotients chosen to hurt ---- */

static void add_to_both(tally__sum *s, ref_sum *ref, double v)
{
    tally__sum_add_one(s, v);
    ref_add_bits(ref, test_bits_f64(v), 52, 11);
}

/* s = b * m * 2^shift exactly, of 53 and 54 bits */
static void add_product(tally__sum *s, ref_sum *ref, uint64_t b, uint64_t m, int shift)
{
    const uint64_t b_part[2] = { b & 0x3ffffff, b >> 26 },
                   m_part[3] = { m & 0x3ffff, m >> 18 & 0x3ffff, m >> 36 };

    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            add_to_both(s, ref, ldexp((double)(b_part[i] * m_part[j]), 26 * i + 18 * j + shift));
}

static double drawn_scale(test_rng *r, int low, int high)
{
    const int    e = low + (int)test_below(r, (size_t)(high - low));
    const double v = ldexp(1 + test_unit(r), e);
    return test_next(r) & 1 ? -v : v;
}

static void draw_ratio(test_rng *r, tally__sum *a, ref_sum *x, tally__sum *b, ref_sum *y)
{
    const uint64_t m = (test_next(r) >> 10) | (uint64_t)1 << 53 | 1,
                   den = test_next(r) >> 11 | (uint64_t)1 << 52;
    const int      shift = (int)test_below(r, 1700) - 850, how = (int)test_below(r, 7);

    if (how < 2) {                                  /* a quotient of 54 bits that is a tie, or next to one */
        add_product(b, y, den, 1, -60);
        add_product(a, x, den, m, shift);
        if (test_next(r) & 1) add_to_both(a, x, drawn_scale(r, -1000, shift));
    } else if (how == 2) {                          /* ties and neighbours among subnormals */
        const int      cut = 12 + (int)test_below(r, 52);
        const uint64_t odd = test_next(r) >> cut | 1;
        add_product(b, y, den, 1, 200);
        add_product(a, x, den, odd, 200 - 1075);
        if (test_next(r) & 1) add_to_both(a, x, drawn_scale(r, -1074, -900));
    } else if (how == 3) {                          /* around the largest number, and beyond */
        add_product(b, y, den, 1, -760);
        const int below = (int)test_below(r, 2);
        add_product(a, x, den, ((uint64_t)1 << 54) - 1 - test_below(r, 4), 970 - 760 - below);
        if (test_next(r) & 1) add_to_both(a, x, drawn_scale(r, -1000, 200));
    } else if (how == 4) {                          /* a tie that one bit far below breaks, or not */
        const int high = TALLY__MAX(shift, -700), far = (int)test_below(r, 300);
        add_product(b, y, den, 1, -1074);
        add_product(a, x, den, m, high);
        if (test_next(r) & 1) add_to_both(a, x, ldexp(1, TALLY__MAX(high - far, -1074)));
    } else {                                        /* sums of a few, far apart */
        for (size_t i = 0; i < 1 + test_below(r, 4); i++) add_to_both(a, x, drawn_scale(r, -1074, 1023));
        for (size_t i = 0; i < 1 + test_below(r, 4); i++) add_to_both(b, y, drawn_scale(r, -1074, 1023));
    }
}

static void ratios_are_the_nearest_double_to_the_exact_quotient(void **state)
{
    const size_t cases = test_scaled(RATIOS);

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        test_rng   r = { 97 * i + 3 };
        tally__sum a = { { 0 }, 0, 0, 0 }, b = a;
        sum_case   c = { i, TALLY_F64, 1, 1, NULL, { { 0, { 0 } }, { 0, { 0 } }, 0, 0, 0 } }, d = c;
        draw_ratio(&r, &a, &c.ref, &b, &d.ref);
        check_ratio(&c, &a, &d, &b);
    }
}

static void ratios_of_whole_numbers_are_the_nearest_double(void **state)
{
    const size_t cases = test_scaled(RATIOS);

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        test_rng       r = { 89 * i + 1 };
        uint64_t       raw[2];
        int64_t        v[2];
        sum_case       c = { i, TALLY_I64, 1, 1, NULL, { { 0, { 0 } }, { 0, { 0 } }, 0, 0, 0 } };
        big            den = { 0, { 0 } };
        for (int j = 0; j < 2; j++) {
            raw[j] = test_next(&r);
            raw[j] >>= test_below(&r, 64);
            if (test_next(&r) & 1) raw[j] = 0 - raw[j];
            memcpy(&v[j], &raw[j], sizeof raw[j]);
        }
        const uint64_t got = test_bits_f64(tally__ratio_i64(v[0], v[1]));
        ref_add_whole(&c.ref, (v[0] < 0) != (v[1] < 0), v[0] < 0 ? 0 - raw[0] : raw[0]);
        big_add_at(&den, v[1] < 0 ? 0 - raw[1] : raw[1], REF_UNIT);
        if (den.n ? !right_quotient(&c.ref, &den, got) : got != 0)
            wrong(&c, "the ratio of whole numbers", got);
        fold(got);
    }
}

static void the_hash_of_all_results_is_printed(void **state)
{
    (void)state;
    assert_true(result_hash != 0x7461);
    printf("sum_laws result bits: %016llx\n", (unsigned long long)result_hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_any_terms_in_any_order_are_exactly_right),
        cmocka_unit_test(weighted_sums_are_the_exact_sum_of_rounded_products),
        cmocka_unit_test(ratios_are_the_nearest_double_to_the_exact_quotient),
        cmocka_unit_test(ratios_of_whole_numbers_are_the_nearest_double),
        cmocka_unit_test(the_hash_of_all_results_is_printed),
    };
    return cmocka_run_group_tests_name("sum_laws", tests, NULL, NULL);
}
