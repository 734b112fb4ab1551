/* One live line on a terminal, one plain line per epoch elsewhere; colour only on a terminal without NO_COLOR. */
#ifndef TERMINAL_H
#define TERMINAL_H
#include <stdio.h>
#include <stdlib.h>
#ifdef _WIN32
#include <io.h>
#define is_terminal() _isatty(1)
#else
#include <unistd.h>
#define is_terminal() isatty(1)
#endif

static void show_progress(const char *what, int k, int of, int done, int all, double loss, double accuracy)
{
    const int   live = is_terminal(), colour = live && !getenv("NO_COLOR");
    const char *on = colour ? "\033[32m" : "", *off = colour ? "\033[0m" : "";
    if (!live && done < all) return;
    printf("%s%s %2d/%d  %4d/%d  loss %.4f  accuracy %s%.4f%s%s", live ? "\r" : "", what, k, of, done, all, loss, on,
           accuracy, off, done == all ? "\n" : "");
    fflush(stdout);
}
#endif
