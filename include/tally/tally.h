/* everything that exists */
#ifndef TALLY_TALLY_H
#define TALLY_TALLY_H
#include "metrics.h"
#endif
