/* Two metrics of your own: perplexity that ignores an id, and the mean of each column, whose width the first batch decides.
 * Weights, merging, cloning, exact sums, threads and errors come with the class. */
#include <stdio.h>
#include <tally/tally.h>

typedef struct perplexity_config { int64_t ignore; } perplexity_config;
enum { NLL, TOKENS };
static const tally_state_spec perplexity_states[] = {
    { "nll", TALLY_STATE_SUM, 0, { 0, 0 } }, { "tokens", TALLY_STATE_SUM, 0, { 0, 0 } } };

static void perplexity_update(tally_trace *t, const tally_update *u)    /* ids[n], probabilities[n,V] */
{
    const perplexity_config *c = (const perplexity_config *)u->config;
    tally_node ids = u->operand[0], p = u->operand[1];
    tally_node keep = tally_ne(ids, tally_num((double)c->ignore));
    tally_node one_hot = tally_one_hot(ids, tally_dim(p, 1), tally_node_dtype(p));      /* zeros for an id outside */
    tally_node nll = tally_neg(tally_log(tally_sum(tally_mul(p, one_hot), 1)));
    tally_accumulate(t, u, NLL, tally_select(keep, nll, tally_zeros_like(nll)), u->weight);
    tally_accumulate(t, u, TOKENS, keep, u->weight);
}

static tally_node perplexity_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t; (void)config;
    return tally_exp(tally_ratio(s[NLL], s[TOKENS]));
}

static const tally_metric_class perplexity = { sizeof(tally_metric_class), "Perplexity", 2, 2, 0, -1,
    perplexity_states, perplexity_update, perplexity_result };

enum { SUM, ROWS };
static const tally_state_spec column_states[] = {
    { "sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } }, { "rows", TALLY_STATE_SUM, 0, { 0, 0 } } };

static void column_update(tally_trace *t, const tally_update *u)        /* values[n,K] */
{
    tally_accumulate(t, u, SUM, u->operand[0], u->weight);
    tally_accumulate(t, u, ROWS, tally_ones_like(tally_column(u->operand[0], 0)), u->weight);
}

static tally_node column_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t; (void)config;
    return tally_ratio(s[SUM], s[ROWS]);
}

static const tally_metric_class column_mean = { sizeof(tally_metric_class), "ColumnMean", 1, 2, 1, 0,
    column_states, column_update, column_result };

int main(void)
{
    tally_error       err;
    perplexity_config config = { -100 };
    tally_metric     *ppl = tally_metric_new(&perplexity, &config, sizeof config, NULL, &err);
    tally_metric     *columns = tally_metric_new(&column_mean, NULL, 0, NULL, &err);
    const int32_t     ids[] = { 0, -100, 2, 1 };
    const float       p[] = { .5f, .25f, .25f,  .1f, .1f, .8f,  .5f, .25f, .25f,  .25f, .5f, .25f };
    double            mean[3];
    tally_tensor      y = tally_vector(ids, 4), probability = tally_matrix(p, 4, 3);

    if (!ppl || !columns || tally_metric_update_state(ppl, &y, &probability) || tally_metric_update_state(columns, &probability) ||
        tally_metric_values(columns, mean, 3, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("Perplexity: %g\nColumn means: %g %g %g\n", tally_metric_result(ppl), mean[0], mean[1], mean[2]);
    tally_metric_release(ppl);
    tally_metric_release(columns);
    return 0;
}
