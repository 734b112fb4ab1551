/* schema: what all stores of one class and configuration share, in one allocation that never changes. Two schemas made
 * at different times are the same if everything they were made of is: the key says so within a process, the fingerprint
 * (no pointers in it) between machines. What the opaque bytes mean is floor 8's affair. */
#include "state.h"

typedef struct schema_plan {       /* where things lie in the one allocation; filled twice: to measure, to place */
    char  *base;
    size_t n;
} schema_plan;

static void *plan_place(schema_plan *p, const void *from, size_t n)
{
    void *to = p->base ? p->base + p->n : NULL;
    if (to && n && from)
        memcpy(to, from, n);
    p->n += (n + 15) / 16 * 16;
    return to;
}

static uint64_t hash_number(uint64_t h, int64_t v)
{
    uint8_t bytes[8];
    tally__put_le(bytes, (uint64_t)v, 8);
    return tally__hash(bytes, 8, h);
}

static uint64_t schema_hash(const tally__schema *s)
{
    uint64_t h = tally__hash(s->class_name, strlen(s->class_name), hash_number(0, s->what));
    for (int i = 0; i < s->n_cells; i++) {
        const tally__cell_spec *c = &s->spec[i];
        h = tally__hash(c->name, strlen(c->name), hash_number(h, c->kind));
        h = hash_number(hash_number(h, c->dtype), c->rank);
        for (int a = 0; a < c->rank; a++)
            h = hash_number(h, c->shape[a]);
    }
    return tally__hash(s->print_bytes, s->print_n, h);
}

/* s: a description whose pointers lead to the caller's memory */
static void schema_fill(schema_plan *p, const tally__schema *s)
{
    tally__schema    *to = plan_place(p, s, sizeof *s);
    tally__cell_spec *spec = plan_place(p, s->spec, (size_t)s->n_cells * sizeof *spec);
    const void       *class_name = plan_place(p, s->class_name, strlen(s->class_name) + 1);
    const void       *opaque = plan_place(p, s->opaque, s->opaque_size);
    const void       *key_bytes = plan_place(p, s->key_bytes, s->key_n);
    const void       *print_bytes = plan_place(p, s->print_bytes, s->print_n);
    for (int i = 0; i < s->n_cells; i++) {
        const char *name = plan_place(p, s->spec[i].name, strlen(s->spec[i].name) + 1);
        if (to)
            spec[i].name = name;
    }
    if (!to)
        return;
    to->spec = spec;
    to->class_name = class_name;
    to->opaque = opaque;
    to->key_bytes = key_bytes;
    to->print_bytes = print_bytes;
}

tally__schema *tally__schema_new(tally_context *x, tally__what what, const char *class_name, int n_cells,
                                 const tally__cell_spec *spec, const void *opaque, size_t opaque_size,
                                 const void *key_bytes, size_t key_n, const void *print_bytes, size_t print_n,
                                 tally_error *err)
{
    tally__schema given = { .context = x, .what = what, .class_name = class_name, .n_cells = n_cells,
                            .spec = (tally__cell_spec *)(uintptr_t)spec, .opaque = opaque,
                            .opaque_size = opaque_size, .key_bytes = key_bytes, .print_bytes = print_bytes,
                            .key_n = key_n, .print_n = print_n };
    schema_plan plan = { NULL, 0 };
    schema_fill(&plan, &given);
    given.bytes = plan.n;
    plan = (schema_plan){ tally__alloc(x, given.bytes), 0 };
    if (!plan.base) {
        tally__fail_memory(err, given.bytes);
        return NULL;
    }
    schema_fill(&plan, &given);
    tally__schema *s = (tally__schema *)(void *)plan.base;
    atomic_init(&s->references, 1);
    tally_context_retain(x);
    s->fingerprint = schema_hash(s);
    s->key = tally__hash(s->key_bytes, s->key_n, s->fingerprint);
    return s;
}

void tally__schema_retain(tally__schema *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
}

void tally__schema_release(tally__schema *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    tally_context *x = s->context;
    tally__free(x, s, s->bytes);
    tally_context_release(x);
}

static bool bytes_same(const void *a, size_t na, const void *b, size_t nb)
{
    return na == nb && (!na || memcmp(a, b, na) == 0);
}

static bool spec_same(const tally__cell_spec *a, const tally__cell_spec *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank || strcmp(a->name, b->name) != 0)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i])
            return false;
    return true;
}

bool tally__schema_same(const tally__schema *a, const tally__schema *b)
{
    if (a == b)
        return true;
    if (a->key != b->key || a->what != b->what || a->n_cells != b->n_cells || strcmp(a->class_name, b->class_name) != 0)
        return false;
    for (int i = 0; i < a->n_cells; i++)
        if (!spec_same(&a->spec[i], &b->spec[i]))
            return false;
    return bytes_same(a->key_bytes, a->key_n, b->key_bytes, b->key_n) &&
           bytes_same(a->print_bytes, a->print_n, b->print_bytes, b->print_n);
}
