/* status: the names of the canonical codes, and the version that was linked. */
#include "base.h"

const char *tally_status_name(tally_status s)
{
    switch (s) {
    case TALLY_OK: return "OK";
    case TALLY_CANCELLED: return "CANCELLED";
    case TALLY_INVALID_ARGUMENT: return "INVALID_ARGUMENT";
    case TALLY_NOT_FOUND: return "NOT_FOUND";
    case TALLY_ALREADY_EXISTS: return "ALREADY_EXISTS";
    case TALLY_RESOURCE_EXHAUSTED: return "RESOURCE_EXHAUSTED";
    case TALLY_FAILED_PRECONDITION: return "FAILED_PRECONDITION";
    case TALLY_ABORTED: return "ABORTED";
    case TALLY_OUT_OF_RANGE: return "OUT_OF_RANGE";
    case TALLY_UNIMPLEMENTED: return "UNIMPLEMENTED";
    case TALLY_INTERNAL: return "INTERNAL";
    case TALLY_UNAVAILABLE: return "UNAVAILABLE";
    case TALLY_DATA_LOSS: return "DATA_LOSS";
    default: return "UNKNOWN";   /* the caller may hold any number */
    }
}

int tally_version(void)
{
    return TALLY_VERSION;
}
