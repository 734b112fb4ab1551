/* The digits data (data/README.md): 1797 lines of 64 pixels 0..16 and a label; the last 360 are for testing. */
#ifndef DIGITS_H
#define DIGITS_H
#include <stdio.h>
#include <stdint.h>

enum { PIXELS = 64, CLASSES = 10, LINES = 1797, TEST_LINES = 360, TRAIN_LINES = LINES - TEST_LINES };
typedef struct digits { float image[LINES][PIXELS]; int32_t label[LINES]; } digits;

/* 1 on success. Pixels are scaled to 0..1. */
static int digits_read(digits *d, const char *path)
{
    FILE *f = fopen(path, "r");
    int   ok = f != NULL;
    for (int i = 0; ok && i < LINES; i++) {
        int v = 0;
        for (int j = 0; ok && j < PIXELS; j++) {
            ok = fscanf(f, "%d,", &v) == 1;
            d->image[i][j] = (float)v / 16;
        }
        ok = ok && fscanf(f, "%d", &v) == 1;
        d->label[i] = v;
    }
    if (f) fclose(f);
    return ok;
}
#endif
