/* text: one bounded line, put together without stdio and without a locale. It counts what was wanted, so a caller can
 * measure with room 0. Starting n below zero (it wraps) drops that many characters from the front: error.c keeps the
 * end of a long text that way. How a double is written belongs to decimal.c. */
#include "base.h"

static void put_char(tally__text *t, char c)
{
    if (t->n < t->room && t->room - t->n > 1)
        t->at[t->n] = c;
    t->n++;
}

static void put_string(tally__text *t, const char *s)
{
    for (s = s ? s : "?"; *s; s++)
        put_char(t, *s);
}

static void put_number(tally__text *t, uint64_t v, bool negative, unsigned base)
{
    char digit[24];
    int  n = 0;
    do {
        digit[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    if (negative)
        digit[n++] = '-';
    while (n)
        put_char(t, digit[--n]);
}

static void put_signed(tally__text *t, int64_t v)
{
    put_number(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, 10);
}

static void put_f64(tally__text *t, double v)
{
    char number[32];
    tally__format_f64(v, number);
    put_string(t, number);
}

void tally__put_v(tally__text *t, const char *format, va_list list)
{
    va_list rest;
    va_copy(rest, list);
    for (; *format; format++) {
        if (*format != '%') {
            put_char(t, *format);
            continue;
        }
        switch (*++format) {
        case 's': put_string(t, va_arg(rest, const char *)); break;
        case 'd': put_signed(t, va_arg(rest, int)); break;
        case 'u': put_number(t, va_arg(rest, unsigned), false, 10); break;
        case 'l': put_signed(t, va_arg(rest, int64_t)); break;
        case 'z': put_number(t, va_arg(rest, size_t), false, 10); break;
        case 'x': put_number(t, va_arg(rest, uint64_t), false, 16); break;
        case 'g': put_f64(t, va_arg(rest, double)); break;
        case 'c': put_char(t, (char)va_arg(rest, int)); break;
        default:
            assert(*format == '%');
            put_char(t, '%');
        }
    }
    va_end(rest);
    if (t->room)
        t->at[TALLY__MIN(t->n, t->room - 1)] = 0;
}

void tally__put(tally__text *t, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tally__put_v(t, format, list);
    va_end(list);
}
