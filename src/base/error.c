/* error: writes the caller's tally_error, and only on failure. Place, expected and found stand at the two ends of a
 * text, so one that is too long loses its middle. A text is one line whatever names it quotes. */
#include "base.h"

_Static_assert(sizeof(tally_error) == 256, "tally_error is frozen");

enum {
    TEXT_ROOM = sizeof(((tally_error *)0)->text),
    TEXT_HEAD = (TEXT_ROOM - 1 - 3) / 2,   /* what is kept before and after the "..." of a cut text */
    TEXT_TAIL = TEXT_ROOM - 1 - 3 - TEXT_HEAD,
    NAME_KEPT = 60                         /* of a file's name, so that the line number is never cut */
};

static bool is_utf8_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static const char *base_name(const char *file)
{
    const char *name = file;
    for (; *file; file++)
        if (*file == '/' || *file == '\\')
            name = file + 1;
    size_t n = strlen(name);
    return n > NAME_KEPT ? name + n - NAME_KEPT : name;
}

static void put_whole(tally__text *t, tally__place at, const char *format, va_list list)
{
    if (at.file)
        tally__put(t, "%s:%d: ", base_name(at.file), at.line);
    tally__put_v(t, format, list);
}

/* No UTF-8 character is split: one that would be goes with the middle. */
static void keep_ends(char *text, tally__place at, const char *format, va_list list, size_t wanted)
{
    char        tail[TEXT_TAIL + 1];
    tally__text end = { tail, sizeof tail, 0 - (wanted - TEXT_TAIL) };
    put_whole(&end, at, format, list);
    char *head_end = text + TEXT_HEAD, *tail_begin = tail;
    while (head_end > text && is_utf8_tail(*head_end))
        head_end--;
    while (is_utf8_tail(*tail_begin))
        tail_begin++;
    memcpy(head_end, "...", 3);
    memcpy(head_end + 3, tail_begin, strlen(tail_begin) + 1);
}

static void fill_error(tally_error *err, tally_status s, int argument, tally__place at, const char *format,
                       va_list list)
{
    tally__text whole = { err->text, sizeof err->text, 0 };
    memset(err->text, 0, sizeof err->text);
    err->status = s;
    err->argument = argument;
    put_whole(&whole, at, format, list);
    if (whole.n >= sizeof err->text)
        keep_ends(err->text, at, format, list, whole.n);
    for (char *c = err->text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

tally_status tally__fail(tally_error *err, tally_status s, int argument, const char *format, ...)
{
    assert(s != TALLY_OK);
    if (err) {
        va_list list;
        va_start(list, format);
        fill_error(err, s, argument, (tally__place){ NULL, 0 }, format, list);
        va_end(list);
    }
    return s;
}

tally_status tally__fail_at(tally_error *err, tally_status s, int argument, tally__place at, const char *format, ...)
{
    assert(s != TALLY_OK);
    if (err) {
        va_list list;
        va_start(list, format);
        fill_error(err, s, argument, at, format, list);
        va_end(list);
    }
    return s;
}

tally_status tally__fail_memory(tally_error *err, size_t bytes)
{
    return tally__fail(err, TALLY_RESOURCE_EXHAUSTED, -1, "memory: %z bytes refused", bytes);
}
