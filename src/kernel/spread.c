/* spread: a loop over operands of which some repeat, [n, 1] or [C] beside [n, C]. What repeats is laid out for a few rows at a
 * time in room of its own, and the dense loop runs over those. Knows addresses and sizes of elements; no type, no op. */
#include "kernel.h"

/* elements; a row is filled by steps, the next one writes over its end */
#if defined TALLY_TINY_LIMITS
enum { SPREAD_ROOM = 7, SPREAD_STEP = 16 };
#else
enum { SPREAD_ROOM = 1024, SPREAD_STEP = 16 };
#endif
enum { SPREAD_OPERANDS = 3 };

#define SPREAD_FILL(name, T)                                                                                  \
    static void name(void *restrict room, const void *restrict p, size_t rows, size_t width)           \
    {                                                                                                  \
        const T *restrict value = p;                                                                   \
        T       *restrict to = room;                                                                   \
        for (size_t r = 0; r < rows; r++, to += width) {                                               \
            const T v = value[r];                                                                      \
            for (size_t c = 0; c < width; c += SPREAD_STEP)                                                   \
                for (size_t k = 0; k < SPREAD_STEP; k++)                                                      \
                    to[c + k] = v;                                                                     \
        }                                                                                              \
    }
SPREAD_FILL(spread_fill_1, uint8_t)
SPREAD_FILL(spread_fill_4, uint32_t)
SPREAD_FILL(spread_fill_8, uint64_t)

static void spread_fill_rows(void *room, const void *p, size_t size, size_t rows, size_t width)
{
    if (size == 1)
        spread_fill_1(room, p, rows, width);
    else if (size == 4)
        spread_fill_4(room, p, rows, width);
    else
        spread_fill_8(room, p, rows, width);
}

/* one line over and over */
static void spread_fill_lines(char *room, const void *p, size_t line, size_t rows)
{
    size_t have = line, all = line * rows;
    memcpy(room, p, line);
    while (have < all) {
        size_t more = TALLY__MIN(have, all - have);
        memcpy(room + have, room, more);
        have += more;
    }
}

/* where the loop finds rows [row, row + rows), columns [column, column + width) of an operand */
static const void *spread_part(const tally__spread *s, void *room, size_t row, size_t rows, size_t column, size_t width, size_t columns)
{
    const char *p = s->p;
    switch (s->kind) {
    case TALLY__SPREAD_WHOLE:
        return p + (row * columns + column) * s->size;
    case TALLY__SPREAD_LINE:
        if (rows == 1)
            return p + column * s->size;
        if (!row)                       /* later parts have no more rows than the first */
            spread_fill_lines(room, p, columns * s->size, rows);
        return room;
    case TALLY__SPREAD_ROWS:
        spread_fill_rows(room, p + row * s->size, s->size, rows, width);
        return room;
    default:
        return p;
    }
}

void tally__loop_spread(tally__loop_kernel *kernel, void *out, size_t size, const tally__spread in[3], size_t rows, size_t columns)
{
    uint64_t     room[SPREAD_OPERANDS][SPREAD_ROOM + SPREAD_STEP];
    const size_t width = TALLY__MIN(columns, (size_t)SPREAD_ROOM), high = width ? SPREAD_ROOM / width : 0;
    for (size_t row = 0; high && row < rows; row += high)
        for (size_t column = 0; column < columns; column += width) {
            const size_t r = TALLY__MIN(rows - row, high), w = TALLY__MIN(columns - column, width);
            const void  *part[SPREAD_OPERANDS];
            for (int i = 0; i < SPREAD_OPERANDS; i++)
                part[i] = spread_part(&in[i], room[i], row, r, column, w, columns);
            kernel((char *)out + (row * columns + column) * size, part[0], part[1], part[2], r * w);
        }
}
