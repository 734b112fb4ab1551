/* rows_of.h: the row kernels of one type, included by rows.c with T the type, S its name in function names, I an integer of
 * its width. Lines of a tile stand side by side: an inner loop runs over ROWS_TILE of them and every line keeps its own order. */
#define ROWS_JOIN_(a, b) a##_##b
#define ROWS_JOIN(a, b) ROWS_JOIN_(a, b)
#define ROWS_FN_(f, s) tally__##f##_##s
#define ROWS_FN(f, s) ROWS_FN_(f, s)
#define N(f) ROWS_JOIN(rows_##f, S)
#define FN(f) ROWS_FN(f, S)
#define INFINITE ((T)TALLY__INF_F64)

static void N(turn)(T (*restrict tile)[ROWS_TILE], const T *restrict x, size_t rows, size_t columns)
{
    if (rows < ROWS_TILE)
        memset(tile, 0, columns * sizeof *tile);
    for (size_t j = 0; j < rows; j++)
        for (size_t c = 0; c < columns; c++)
            tile[c][j] = x[j * columns + c];
}

static void N(turn_back)(T *restrict out, T (*restrict tile)[ROWS_TILE], size_t rows, size_t columns)
{
    for (size_t j = 0; j < rows; j++)
        for (size_t c = 0; c < columns; c++)
            out[j * columns + c] = tile[c][j];
}

/* ---- extremes: no order changes them */
static inline void N(extreme_tile)(T *restrict most, T (*restrict tile)[ROWS_TILE], size_t columns, bool largest)
{
    for (size_t j = 0; j < ROWS_TILE; j++)
        most[j] = largest ? -INFINITE : INFINITE;
    for (size_t c = 0; c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++)
            most[j] = largest ? FN(max)(most[j], tile[c][j]) : FN(min)(most[j], tile[c][j]);
}

static T N(extreme_exact)(const T *x, size_t n, bool largest)
{
    T most = largest ? -INFINITE : INFINITE;
    for (size_t i = 0; i < n; i++)
        most = largest ? FN(max)(most, x[i]) : FN(min)(most, x[i]);
    return most;
}

/* one comparison an element; where that leaves a NaN or the sign of a zero open, the line is looked at again */
static inline T N(extreme_row)(const T *x, size_t n, bool largest)
{
    T      lane[ROWS_TILE], most = largest ? -INFINITE : INFINITE;
    I      odd[ROWS_TILE] = { 0 }, any = 0;
    size_t at = 0;
    for (size_t j = 0; j < ROWS_TILE; j++)
        lane[j] = most;
    for (; at + ROWS_TILE <= n; at += ROWS_TILE)
        for (size_t j = 0; j < ROWS_TILE; j++) {
            const T v = x[at + j];
            lane[j] = (largest ? v > lane[j] : v < lane[j]) ? v : lane[j];
            odd[j] |= v != v;
        }
    for (size_t j = 0; j < ROWS_TILE; j++) {
        most = (largest ? lane[j] > most : lane[j] < most) ? lane[j] : most;
        any |= odd[j];
    }
    for (; at < n; at++) {
        most = (largest ? x[at] > most : x[at] < most) ? x[at] : most;
        any |= x[at] != x[at];
    }
    return any || most == 0 ? N(extreme_exact)(x, n, largest) : most;
}

/* ---- sums, in the order of tally__row_sum */
static void N(sum_tile)(double *restrict sum, T (*restrict tile)[ROWS_TILE], size_t columns)
{
    for (size_t j = 0; j < ROWS_TILE; j++)
        sum[j] = 0.0;
    for (size_t c = 0; c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++)
            sum[j] += (double)tile[c][j];
}

/* short lines where they lie, some side by side, as each addition waits for the one before */
static inline void N(sum_beside)(double *restrict sum, const T *restrict x, size_t columns)
{
    double s[ROWS_BESIDE] = { 0 };
    for (size_t c = 0; c < columns; c++)
        for (size_t j = 0; j < ROWS_BESIDE; j++)
            s[j] += (double)x[j * columns + c];
    memcpy(sum, s, sizeof s);
}

/* the next n elements of a row that has more than ROWS_STRAIGHT; only the last part may be no multiple of ROWS_TILE */
static void N(add_lanes)(double *restrict lane, const T *restrict x, size_t n)
{
    size_t at = 0;
    for (; at + ROWS_TILE <= n; at += ROWS_TILE)
        for (size_t j = 0; j < ROWS_TILE; j++)
            lane[j] += (double)x[at + j];
    for (size_t j = 0; at + j < n; j++)
        lane[j] += (double)x[at + j];
}

static double N(sum_row)(const T *x, size_t n)
{
    double sum = 0.0;
    if (n > ROWS_STRAIGHT) {
        double lane[ROWS_TILE] = { 0 };
        N(add_lanes)(lane, x, n);
        return rows_tree(lane);
    }
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

static inline void N(sums)(bool mean, void *restrict out, const void *restrict in, size_t rows, size_t columns)
{
    const T *x = in;
    T       *to = out;
    while (rows) {
        double       sum[ROWS_BESIDE];
        const size_t n = columns <= ROWS_STRAIGHT && rows >= ROWS_BESIDE ? ROWS_BESIDE : 1;
        if (n > 1)
            N(sum_beside)(sum, x, columns);
        else
            sum[0] = N(sum_row)(x, columns);
        for (size_t j = 0; j < n; j++)
            to[j] = (T)(mean ? sum[j] / (double)columns : sum[j]);
        x += n * columns;
        to += n;
        rows -= n;
    }
}

/* ---- argmax: NaN is the largest, the first of the largest wins */
static void N(argmax_tile)(int64_t *restrict out, T (*restrict tile)[ROWS_TILE], size_t columns)
{
    T most[ROWS_TILE];
    I at[ROWS_TILE];
    for (size_t j = 0; j < ROWS_TILE; j++) {
        most[j] = tile[0][j];
        at[j] = 0;
    }
    for (size_t c = 1; c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++) {
            const T    x = tile[c][j], m = most[j];
            const bool more = (x > m) | ((x != x) & (m == m));
            most[j] = more ? x : m;
            at[j] = more ? (I)c : at[j];
        }
    for (size_t j = 0; j < ROWS_TILE; j++)
        out[j] = at[j];
}

static int64_t N(argmax_row)(const T *x, size_t n)
{
    const T most = N(extreme_row)(x, n, true);
    for (size_t done = 0; done < n; done += ROWS_PART) {
        const size_t m = TALLY__MIN(n - done, (size_t)ROWS_PART);
        I            first = ROWS_PART;
        for (size_t i = 0; i < m; i++) {
            const T v = x[done + i];
            const I k = ((v == most) | (v != v)) ? (I)i : (I)ROWS_PART;
            first = k < first ? k : first;
        }
        if (first < ROWS_PART)
            return (int64_t)done + first;
    }
    return 0;
}

/* ---- softmax and its relatives; `op` is constant where these are inlined. logsumexp is left in most, the others in tile */
static inline void N(softmax_tile)(int op, T (*restrict tile)[ROWS_TILE], T *restrict most, size_t columns)
{
    T      e[ROWS_STRAIGHT][ROWS_TILE];
    double sum[ROWS_TILE], log[ROWS_TILE];
    N(extreme_tile)(most, tile, columns, true);
    for (size_t c = 0; c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++) {
            tile[c][j] = tile[c][j] - most[j];
            e[c][j] = FN(exp)(tile[c][j]);
        }
    N(sum_tile)(sum, e, columns);
    for (size_t j = 0; op != TALLY__OP_softmax && j < ROWS_TILE; j++)
        log[j] = tally__log_f64(sum[j]);
    for (size_t j = 0; op == TALLY__OP_logsumexp && j < ROWS_TILE; j++)
        most[j] = FN(abs)(most[j]) < INFINITE ? (T)((double)most[j] + log[j]) : most[j];
    for (size_t c = 0; op == TALLY__OP_softmax && c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++)
            tile[c][j] = (T)((double)e[c][j] / sum[j]);
    for (size_t c = 0; op == TALLY__OP_log_softmax && c < columns; c++)
        for (size_t j = 0; j < ROWS_TILE; j++)
            tile[c][j] = (T)((double)tile[c][j] - log[j]);
}

static inline void N(softmax_row)(int op, T *restrict out, const T *restrict x, size_t n)
{
    const T most = N(extreme_row)(x, n, true);
    double  lane[ROWS_TILE] = { 0 }, sum = 0.0;
    for (size_t done = 0; done < n; done += ROWS_PART) {
        const size_t m = TALLY__MIN(n - done, (size_t)ROWS_PART);
        T            part[ROWS_PART], *e = op == TALLY__OP_softmax ? out + done : part;
        for (size_t i = 0; i < m; i++)
            e[i] = FN(exp)(x[done + i] - most);
        if (n > ROWS_STRAIGHT)
            N(add_lanes)(lane, e, m);
        for (size_t i = 0; n <= ROWS_STRAIGHT && i < m; i++)
            sum += (double)e[i];
    }
    sum = n > ROWS_STRAIGHT ? rows_tree(lane) : sum;
    const double log = op == TALLY__OP_softmax ? 0.0 : tally__log_f64(sum);
    if (op == TALLY__OP_logsumexp)
        *out = FN(abs)(most) < INFINITE ? (T)((double)most + log) : most;
    for (size_t i = 0; op == TALLY__OP_softmax && i < n; i++)
        out[i] = (T)((double)out[i] / sum);
    for (size_t i = 0; op == TALLY__OP_log_softmax && i < n; i++) {
        const T d = x[i] - most;
        out[i] = (T)((double)d - log);
    }
}

/* ---- all rows, but of sums: tiles where lines are short and many, else line by line */
static inline void N(tile)(int op, void *restrict out, T (*restrict tile)[ROWS_TILE], size_t rows, size_t columns)
{
    T       most[ROWS_TILE];
    int64_t at[ROWS_TILE];
    switch (op) {
    case TALLY__OP_max:
    case TALLY__OP_min:
        N(extreme_tile)(most, tile, columns, op == TALLY__OP_max);
        memcpy(out, most, rows * sizeof most[0]);
        break;
    case TALLY__OP_argmax:
        N(argmax_tile)(at, tile, columns);
        memcpy(out, at, rows * sizeof at[0]);
        break;
    default:
        N(softmax_tile)(op, tile, most, columns);
        if (op == TALLY__OP_logsumexp)
            memcpy(out, most, rows * sizeof most[0]);
        else
            N(turn_back)(out, tile, rows, columns);
    }
}

static inline void N(line)(int op, void *restrict out, const T *restrict x, size_t n)
{
    switch (op) {
    case TALLY__OP_max:
    case TALLY__OP_min:
        *(T *)out = N(extreme_row)(x, n, op == TALLY__OP_max);
        break;
    case TALLY__OP_argmax:
        *(int64_t *)out = N(argmax_row)(x, n);
        break;
    default:
        N(softmax_row)(op, out, x, n);
    }
}

static inline void N(all)(int op, void *out, const void *in, size_t rows, size_t columns)
{
    const T *x = in;
    char    *to = out;
    size_t   gives = op == TALLY__OP_argmax ? sizeof(int64_t) : sizeof(T);
    if (op == TALLY__OP_softmax || op == TALLY__OP_log_softmax)
        gives *= columns;
    while (rows) {
        T      tile[ROWS_STRAIGHT][ROWS_TILE];
        bool   tiled = columns && columns <= ROWS_STRAIGHT && rows >= ROWS_FEW;
        size_t n = tiled ? TALLY__MIN(rows, (size_t)ROWS_TILE) : 1;
        if (tiled) {
            N(turn)(tile, x, n, columns);
            N(tile)(op, to, tile, n, columns);
        } else {
            N(line)(op, to, x, columns);
        }
        x += n * columns;
        to += n * gives;
        rows -= n;
    }
}

#define ROW(op)                                                                                        \
    static void N(op)(void *restrict out, const void *restrict x, const void *restrict columns,        \
                      const void *restrict none, size_t rows)                                          \
    {                                                                                                  \
        (void)none;                                                                                    \
        N(all)(TALLY__OP_##op, out, x, rows, *(const size_t *)columns);                                \
    }
ROW_OPS(ROW)
#undef ROW

/* ---- read where they lie, as a turn would cost more than it wins */
static void N(sum)(void *restrict out, const void *restrict x, const void *restrict columns, const void *restrict none, size_t rows)
{
    (void)none;
    N(sums)(false, out, x, rows, *(const size_t *)columns);
}

static void N(mean)(void *restrict out, const void *restrict x, const void *restrict columns, const void *restrict none, size_t rows)
{
    (void)none;
    N(sums)(true, out, x, rows, *(const size_t *)columns);
}

static inline size_t N(count_above)(const T *restrict x, size_t n, T own)
{
    size_t above = 0;
    for (size_t done = 0; done < n; done += ROWS_PART) {
        const size_t m = TALLY__MIN(n - done, (size_t)ROWS_PART);
        I            part = 0;
        for (size_t i = 0; i < m; i++)
            part += x[done + i] > own;
        above += (size_t)part;
    }
    return above;
}

static void N(rank_of)(void *restrict out, const void *restrict in, const void *restrict columns, const void *restrict of, size_t rows)
{
    const T       *x = in;
    const int64_t *ids = of;
    const size_t   n = *(const size_t *)columns;
    for (size_t r = 0; r < rows; r++, x += n) {
        const size_t id = (size_t)ids[r];
        const bool   known = id < n && FN(abs)(x[id]) < INFINITE;
        ((int64_t *)out)[r] = (int64_t)(known ? N(count_above)(x, n, x[id]) : n);
    }
}

static void N(pick)(void *restrict out, const void *restrict in, const void *restrict columns, const void *restrict of, size_t rows)
{
    const T       *x = in;
    const int64_t *ids = of;
    const size_t   n = *(const size_t *)columns;
    for (size_t r = 0; r < rows; r++, x += n)
        ((T *)out)[r] = (size_t)ids[r] < n ? x[ids[r]] : 0;
}

static void N(all_equal)(void *restrict out, const void *restrict in, const void *restrict columns, const void *restrict none, size_t rows)
{
    const T     *x = in;
    const size_t n = *(const size_t *)columns;
    (void)none;
    for (size_t r = 0; r < rows; r++, x += n) {
        size_t same = 0;
        while (same < n && x[same] == x[0])
            same++;
        ((uint8_t *)out)[r] = n && same == n;
    }
}
#undef ROWS_JOIN_
#undef ROWS_JOIN
#undef ROWS_FN_
#undef ROWS_FN
#undef N
#undef FN
#undef INFINITE
#undef T
#undef S
#undef I
