/* metric, floor 8: a class is two bodies over a store. The verbs, the custom-metric interface, the table of classes.
 * Built-in classes use the public interface only; one file per family. */
#ifndef TALLY__METRIC_H
#define TALLY__METRIC_H

#include <tally/metrics.h>
#include "../function/function.h"

/* what a metric's schema carries in `opaque`: the class by value, its states, the head of the options, the config bytes behind it */
typedef struct tally__class {
    tally_metric_class face;            /* states points into the copy */
    int32_t            nan;             /* tally_nan_policy */
    int32_t            skipped;         /* cell that counts what the policy left out, or -1 */
    size_t             config_size;
} tally__class;
const tally__class *tally__class_of(const tally__schema *s);
const void         *tally__config_of(const tally__class *k);

#endif
