/* dlpack: the DLTensor of dmlc/dlpack (all 0.x and 1.x versions share its layout), read without a copy. Its
 * header is not included: the layout is declared here under own names and asserted. Refuses to know managed
 * tensors and ownership: a view borrows. */
#include "tensor.h"

typedef struct dl_device {
    int32_t type, id;
} dl_device;

typedef struct dl_type {
    uint8_t  code, bits;
    uint16_t lanes;
} dl_type;

typedef struct dl_tensor {
    void     *data;
    dl_device device;
    int32_t   ndim;
    dl_type   dtype;
    int64_t  *shape, *strides;
    uint64_t  byte_offset;
} dl_tensor;

#define DL_AT(field, at64)                                                                                   \
    _Static_assert(sizeof(void *) != 8 || offsetof(dl_tensor, field) == (at64),                              \
                   "DLTensor." #field " lies elsewhere");
DL_AT(data, 0)
DL_AT(device, 8)
DL_AT(ndim, 16)
DL_AT(dtype, 20)
DL_AT(shape, 24)
DL_AT(strides, 32)
DL_AT(byte_offset, 40)
_Static_assert(sizeof(void *) != 8 || sizeof(dl_tensor) == 48, "DLTensor has another size");
_Static_assert(sizeof(dl_device) == 8 && sizeof(dl_type) == 4, "DLDevice or DLDataType has another size");

/* memory that the processor reads: 1 CPU, 3 and 11 pinned host memory of CUDA and ROCm, 13 CUDA managed */
static bool dl_device_readable(int32_t type)
{
    return type == 1 || type == 3 || type == 11 || type == 13;
}

/* 0 for none */
static int32_t dl_dtype(dl_type t)
{
    if (t.lanes != 1) return 0;
#define DTYPE(E, name, item, canon, kind, bits_, code_) if (t.code == (code_) && t.bits == (bits_)) return TALLY_##E;
#include "dtype.def"
    return 0;
}

static tally_status dl_check(const dl_tensor *d, tally_error *err)
{
    if (!d)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1,
                           "from_dlpack: dl_tensor, expected a DLTensor, found NULL");
    if (!dl_device_readable(d->device.type))
        return tally__fail(
            err, TALLY_INVALID_ARGUMENT, 1,
            "from_dlpack: device, expected memory that the CPU reads (type 1, 3, 11 or 13), found type %d",
            (int)d->device.type);
    if (!dl_dtype(d->dtype))
        return tally__fail(
            err, TALLY_INVALID_ARGUMENT, 1,
            "from_dlpack: dtype, expected one of Tally's with 1 lane, found code %d, %d bits, %d lanes",
            (int)d->dtype.code, (int)d->dtype.bits, (int)d->dtype.lanes);
    if (d->ndim < 0 || d->ndim > TALLY_MAX_RANK)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1,
                           "from_dlpack: ndim, expected rank 0 to %d, found %d", TALLY_MAX_RANK,
                           (int)d->ndim);
    if (d->ndim && !d->shape)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1,
                           "from_dlpack: shape, expected %d sizes, found NULL", (int)d->ndim);
    if (d->byte_offset > PTRDIFF_MAX || (uintptr_t)d->data > UINTPTR_MAX - (uintptr_t)d->byte_offset)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1,
                           "from_dlpack: byte_offset, expected one within memory, found 0x%x",
                           d->byte_offset);
    return TALLY_OK;
}

tally_status tally_tensor_from_dlpack(tally_tensor *out, const void *dl, tally_error *err)
{
    const dl_tensor *d = dl;
    const char      *data;

    if (!out)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "from_dlpack: out, expected a tensor, found NULL");
    tally_status s = dl_check(d, err);
    if (s) return s;
    data = d->data;
    if (data) data += d->byte_offset;
    const tally_tensor x =
        tally_tensor_view(data, (tally_dtype)dl_dtype(d->dtype), d->ndim, d->shape, d->strides);
    s = tally__tensor_check(&x, 1, err);
    if (!s) *out = x;
    return s;
}
