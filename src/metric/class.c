/* class: a metric class becomes a schema, a schema a store: a metric. Checks what a class may be, copies it with its
 * states and configuration, says what makes two metrics interchangeable. Knows no class by name. */
#include "metric.h"

typedef struct class_key {              /* what is compared beside the cells; the fingerprint leaves the pointers out */
    void     (*update)(tally_trace *t, const tally_update *u);
    tally_node (*result)(tally_trace *t, const tally_node *states, const void *config);
    tally_sample_values body;
    int32_t    n_operands, n_states, result_rank, direction, nan, own;
} class_key;

enum { PRINT_AT = offsetof(class_key, n_operands) };

static size_t round_16(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t config_at(void)
{
    return round_16(sizeof(tally__class));
}

static size_t states_at(size_t config_size)
{
    return config_at() + round_16(config_size);
}

const tally__class *tally__class_of(const tally__schema *s)
{
    assert(s->what == TALLY__METRIC);
    return s->opaque;
}

const void *tally__config_of(const tally__class *k)
{
    return k->config_size ? (const char *)k + config_at() : NULL;
}

const char *tally__role(const tally__class *k, int operand)
{
    static const char *const numbered[] = { "operand 0", "operand 1", "operand 2", "operand 3" };
    if (operand == k->face.n_operands)
        return "sample_weight";
    if (operand < 0 || operand > k->face.n_operands)
        return "operand";
    if (k->face.n_operands == 1)
        return "values";
    if (k->face.n_operands == 2)
        return operand ? "y_pred" : "y_true";
    return numbered[operand];
}

static tally_status check_state(const tally_metric_class *k, int i, tally_error *err)
{
    const tally_state_spec *s = &k->states[i];
    if (!s->name)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: states[%d].name, expected a text, found NULL", k->name, i);
    if (s->kind < TALLY_STATE_SUM || s->kind > TALLY_STATE_LAST)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0,
                           "%s: state \"%s\", kind, expected TALLY_STATE_SUM, _COUNT, _MIN, _MAX or _LAST, found %d", k->name, s->name,
                           (int)s->kind);
    if (s->rank < 0 || s->rank > 2)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: state \"%s\", rank, expected 0 to 2, found %d", k->name, s->name,
                           (int)s->rank);
    for (int a = 0; a < s->rank; a++)
        if (s->shape[a] < TALLY_DIM_OPERAND(k->n_operands - 1, TALLY_MAX_RANK - 1))
            return tally__fail(err, TALLY_INVALID_ARGUMENT, 0,
                               "%s: state \"%s\", axis %d, expected a size or TALLY_DIM_OPERAND of one of %d operands, found %l",
                               k->name, s->name, a, (int)k->n_operands, s->shape[a]);
    return TALLY_OK;
}

static tally_status check_numbers(const tally_metric_class *k, tally_error *err)
{
    const struct { const char *what; int32_t v, least, most; } range[] = {
        { "n_operands", k->n_operands, 1, TALLY__CLASS_OPERANDS }, { "n_states", k->n_states, 1, TALLY__CLASS_STATES },
        { "result_rank", k->result_rank, 0, TALLY_MAX_RANK }, { "direction", k->direction, -1, 1 } };
    for (size_t i = 0; i < TALLY__COUNT(range); i++)
        if (range[i].v < range[i].least || range[i].v > range[i].most)
            return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: %s, expected %d to %d, found %d", k->name, range[i].what,
                               (int)range[i].least, (int)range[i].most, (int)range[i].v);
    return TALLY_OK;
}

static tally_status check_class(const tally_metric_class *k, tally_error *err)
{
    if (!k)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "metric: class, expected a tally_metric_class, found NULL");
    if (k->size < sizeof *k)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "metric: class.size, expected sizeof(tally_metric_class) = %z, found %z",
                           sizeof *k, k->size);
    const char *missing = !k->name ? "name" : !k->states ? "states" : !k->update ? "update" : !k->result ? "result" : NULL;
    if (missing)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: class.%s, expected one, found NULL", k->name ? k->name : "metric",
                           missing);
    tally_status status = check_numbers(k, err);
    for (int i = 0; i < k->n_states && !status; i++)
        status = check_state(k, i, err);
    return status;
}

static tally_status check_head(const char *name, const tally_metric_options *o, tally_error *err)
{
    if (o->size < sizeof *o)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: options.size, expected %z as the initializer sets it, found %z", name,
                           sizeof *o, o->size);
    if (o->nan < TALLY_NAN_PROPAGATE || o->nan > TALLY_NAN_ERROR)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0,
                           "%s: options.nan, expected TALLY_NAN_PROPAGATE, _SKIP or _ERROR, found %d", name, (int)o->nan);
    return TALLY_OK;
}

/* cells of the states, and the hidden count of what a NaN policy leaves out */
static int fill_cells(const tally_metric_class *k, int32_t nan, tally__cell_spec *cell)
{
    memset(cell, 0, (TALLY__CLASS_STATES + 1) * sizeof *cell);
    for (int i = 0; i < k->n_states; i++) {
        cell[i].name = k->states[i].name;
        cell[i].kind = k->states[i].kind;
        cell[i].rank = k->states[i].rank;
        for (int a = 0; a < cell[i].rank; a++)
            cell[i].shape[a] = k->states[i].shape[a];
    }
    if (nan == TALLY_NAN_PROPAGATE)
        return k->n_states;
    cell[k->n_states].name = "skipped";
    cell[k->n_states].kind = TALLY_STATE_COUNT;
    return k->n_states + 1;
}

static void fill_key(char *to, const tally__class *c, const void *config)
{
    class_key key;
    memset(&key, 0, sizeof key);
    key.update = c->face.update;
    key.result = c->face.result;
    key.n_operands = c->face.n_operands;
    key.n_states = c->face.n_states;
    key.result_rank = c->face.result_rank;
    key.direction = c->face.direction;
    key.nan = c->nan;
    key.own = c->origin.own;
    key.body = c->origin.body;
    memcpy(to, &key, sizeof key);
    if (c->config_size)
        memcpy(to + sizeof key, config, c->config_size);
}

static void fill_opaque(char *to, const tally__class *c, const void *config)
{
    memcpy(to, c, sizeof *c);
    if (c->config_size)
        memcpy(to + config_at(), config, c->config_size);
    memcpy(to + states_at(c->config_size), c->face.states, (size_t)c->face.n_states * sizeof *c->face.states);
}

/* The copy's pointers lead into the schema itself; nobody else has seen it yet. */
static void settle_pointers(tally__schema *s)
{
    tally__class     *c = (tally__class *)(uintptr_t)s->opaque;
    tally_state_spec *states = (tally_state_spec *)(void *)((char *)c + states_at(c->config_size));
    c->face.name = s->class_name;
    c->face.states = states;
    for (int i = 0; i < c->face.n_states; i++)
        states[i].name = s->spec[i].name;
}

static tally__schema *make_schema(tally_context *x, const tally__class *c, const void *config, tally_error *err)
{
    tally__cell_spec cell[TALLY__CLASS_STATES + 1];
    const size_t opaque = states_at(c->config_size) + (size_t)c->face.n_states * sizeof *c->face.states;
    const size_t key = sizeof(class_key) + c->config_size;
    const int    n = fill_cells(&c->face, c->nan, cell);
    char        *p = tally__zalloc(x, opaque + key);
    if (!p) {
        tally__fail_memory(err, opaque + key);
        return NULL;
    }
    fill_opaque(p, c, config);
    fill_key(p + opaque, c, config);
    tally__schema *s = tally__schema_new(x, TALLY__METRIC, c->face.name, n, cell, p, opaque, p + opaque, key,
                                         p + opaque + PRINT_AT, key - PRINT_AT, err);
    tally__free(x, p, opaque + key);
    if (s)
        settle_pointers(s);
    return s;
}

static tally__store *make_store(tally_context *x, const tally__class *c, const void *config, const char *name, tally_error *err)
{
    tally__schema *schema = make_schema(x, c, config, err);
    tally__store  *s = schema ? tally__store_new(x, schema, name, err) : NULL;
    tally__schema_release(schema);
    if (s && tally__eager_attach(s, err)) {
        tally__store_release(s);
        s = NULL;
    }
    return s;
}

tally_metric *tally__metric_make(const tally_metric_class *k, const void *config, size_t config_size, const tally_metric_options *o,
                                 tally__origin origin, const char *name, tally_error *err)
{
    tally_metric_options head = TALLY_METRIC_OPTIONS_INIT;
    if (check_class(k, err) || (o && check_head(k->name, o, err)))
        return NULL;
    if (o)
        head = *o;
    if (config_size && (!config || config_size > INT32_MAX)) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: config, expected %z bytes, found %s", k->name, config_size,
                    config ? "more than a configuration may have" : "NULL");
        return NULL;
    }
    tally__class c;
    memset(&c, 0, sizeof c);
    c.face = *k;
    c.face.size = sizeof c.face;
    c.nan = head.nan;
    c.skipped = head.nan == TALLY_NAN_PROPAGATE ? -1 : k->n_states;
    c.origin = origin;
    c.config_size = config_size;
    tally_context *x = tally__context_for(head.context, err);
    if (!x)
        return NULL;
    tally__store *s = make_store(x, &c, config, head.name ? head.name : name, err);
    tally_context_release(x);
    return s ? tally__metric_of_store(s) : NULL;
}

tally_metric *tally_metric_new(const tally_metric_class *k, const void *config, size_t config_size, const tally_metric_options *o,
                               tally_error *err)
{
    return tally__metric_make(k, config, config_size, o, (tally__origin){ false, NULL }, k ? k->name : NULL, err);
}
