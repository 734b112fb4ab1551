/* dtype: what is known of each element type, read from dtype.def. Refuses to know how elements are converted
 * (convert.c) or who may combine with whom (graph). */
#include "tensor.h"

#define DTYPE(E, name, item, canon, kind, bits, code)                                     \
    _Static_assert(sizeof(item) * 8 == (bits), "dtype.def: the item of " name " has other bits");
#include "dtype.def"

typedef struct dtype_row {
    const char *name;
    uint8_t     kind, bits;
} dtype_row;

static const dtype_row dtype_rows[] = {
#define DTYPE(E, name, item, canon, kind, bits, code) [TALLY_##E] = { name, TALLY__KIND_##kind, bits },
#include "dtype.def"
};

bool tally__dtype_ok(int32_t d)
{
    return d >= TALLY_BOOL && d <= TALLY_F64;
}

const uint16_t tally__element_sizes[TALLY__EXACT + 1] = {
#define DTYPE(E, name, item, canon, kind, bits, code) [TALLY_##E] = sizeof(item),
#include "dtype.def"
    [TALLY__EXACT] = sizeof(tally__sum),
};

int tally__dtype_kind_of(int32_t d)
{
    return tally__dtype_ok(d) ? dtype_rows[d].kind : 0;
}

int tally__dtype_bits(int32_t d)
{
    return tally__dtype_ok(d) ? dtype_rows[d].bits : 0;
}

size_t tally_dtype_size(tally_dtype d)
{
    return tally__dtype_ok((int32_t)d) ? tally__element_sizes[d] : 0;
}

const char *tally_dtype_name(tally_dtype d)
{
    return tally__dtype_ok((int32_t)d) ? dtype_rows[d].name : "unknown";
}
