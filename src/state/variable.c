/* variable: the public face of a store with one TENSOR: the program's parameters. Its dtype and sizes are those of the
 * initial value for good. An assign goes through the same delta and commit as one inside a body. */
#include "state.h"

static tally_status variable_missing(const char *what, int argument, tally_error *err)
{
    return tally__fail(err, TALLY_INVALID_ARGUMENT, argument, "variable: %s, expected one, found NULL", what);
}

tally_variable *tally_variable_new(tally_context *c, const tally_tensor *initial, tally_error *err)
{
    if (!initial) {
        variable_missing("initial value", 1, err);
        return NULL;
    }
    if (tally__tensor_check(initial, 1, err))
        return NULL;
    tally_context *x = tally__context_for(c, err);
    if (!x)
        return NULL;
    tally__cell_spec spec = { "value", TALLY_STATE_TENSOR, initial->dtype, initial->rank, { 0 } };
    memcpy(spec.shape, initial->shape, (size_t)initial->rank * sizeof spec.shape[0]);
    tally__schema *schema = tally__schema_new(x, TALLY__VARIABLE, "variable", 1, &spec, NULL, 0, NULL, 0, NULL, 0, err);
    tally__store  *s = schema ? tally__store_new(x, schema, NULL, err) : NULL;
    if (s)
        tally__tensor_pack(s->cell[0].block->data, initial->dtype, initial);
    tally__schema_release(schema);
    tally_context_release(x);
    return (tally_variable *)s;
}

tally_variable *tally_variable_retain(tally_variable *v)
{
    if (v)
        tally__store_retain(tally__store_of_variable(v));
    return v;
}

void tally_variable_release(tally_variable *v)
{
    tally__store_release(tally__store_of_variable(v));
}

static tally_status read_check(const tally__cell_spec *c, const tally_buffer *out, tally_error *err)
{
    const int64_t n = tally__cell_size(c->rank, c->shape);
    if (out->dtype != c->dtype)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "variable: output buffer, expected dtype %s, found %s",
                           tally_dtype_name((tally_dtype)c->dtype), tally_dtype_name((tally_dtype)out->dtype));
    if (out->capacity < n)
        return tally__fail(err, TALLY_OUT_OF_RANGE, 1,
                           "variable: output buffer, expected a capacity of at least %l elements, found %l", n,
                           out->capacity);
    if (n && !out->data)
        return variable_missing("memory of the output buffer", 1, err);
    return TALLY_OK;
}

tally_status tally_variable_read(const tally_variable *v, tally_buffer *out, tally_error *err)
{
    tally__store *s = tally__store_of_variable(v);
    if (!s)
        return variable_missing("variable to read", 0, err);
    if (!out)
        return variable_missing("output buffer", 1, err);
    const tally__cell_spec *c = s->schema->spec;
    tally_status            status = read_check(c, out, err);
    if (status)
        return status;
    tally__lock_take(&s->lock);
    tally__block *b = s->cell->block;
    tally__block_retain(b);
    tally__lock_drop(&s->lock);
    if (b->bytes)
        memcpy(out->data, b->data, b->bytes);
    tally__block_give(b, s);
    out->rank = c->rank;
    memcpy(out->shape, c->shape, sizeof out->shape);
    return TALLY_OK;
}

tally_status tally_variable_assign(tally_variable *v, const tally_tensor *value, tally_error *err)
{
    tally__store *s = tally__store_of_variable(v);
    if (!s)
        return variable_missing("variable to assign", 0, err);
    if (!value)
        return variable_missing("assigned value", 1, err);
    tally_status status = tally__tensor_check(value, 1, err);
    if (status)
        return status;
    /* a delta whose one cell lives here: nothing to prepare, nothing to allocate */
    tally__cell  cell[3];
    tally__delta d = { .context = s->context, .schema = s->schema, .store = s, .cell = cell, .copy = cell + 1,
                       .reserve = cell + 2, .n_cells = 1, .key = s->schema->key };
    for (int i = 0; i < 3; i++)
        tally__cell_init(&cell[i], s->schema->spec);
    tally__cell_shape(cell, s->schema->spec->shape);
    status = tally__deltas_begin(&d, 1, err);
    if (!status)
        status = tally__delta_assign(&d, 0, value, err);
    if (!status)
        status = tally__commit(s->context, &d, 1, err);
    tally__deltas_end(&d, 1);
    return status;
}
