/* What a good C programmer writes for the job at hand: one fused loop, sums in double that the compiler may vectorise, the
 * library's own logarithm. Compiled for the machine that it runs on (hand.c). */
#ifndef BENCH_HAND_H
#define BENCH_HAND_H
#include <stddef.h>

double hand_sum(const float *x, size_t n);
double hand_binary_accuracy(const float *labels, const float *scores, size_t n);
double hand_binary_crossentropy(const float *labels, const float *scores, size_t n);
/* accuracy, precision, recall, crossentropy, squared and absolute error: what their states hold, added up */
double hand_six(const float *labels, const float *scores, size_t n);

#endif
