/* program_print: a tree as text, so that a failing seed can be read. */
#include "program.h"

static const char *const op_names[OPS] = {
    "neg", "abs", "square", "sqrt", "exp", "log", "log1p", "sigmoid", "tanh", "sign", "floor", "not", "is_nan", "ones_like", "zeros_like", "cast",
    "reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_any", "reduce_all", "size", "transpose",
    "sum", "mean", "max", "min", "argmax", "softmax", "log_softmax", "logsumexp", "cumsum", "dim", "column", "expand_dims", "squeeze",
    "add", "sub", "mul", "div", "div_no_nan", "minimum", "maximum", "pow", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor",
    "matmul", "at", "gather", "rank_of", "broadcast_like", "one_hot", "select", "clip", "slice", "constant", "num", "captured",
    "update", "reset", "result", "read", "assign", "assert", "print", "if", "while", "inline"
};

static void print_type(type t)
{
    print_error(" %s[", tally_dtype_name((tally_dtype)t.dtype));
    for (int k = 0; k < t.rank; k++)
        print_error("%c", t.size[k] < SIZE_FIRST_RUN ? "1NMK34"[t.size[k]] : 'r');
    print_error("]");
}

static void print_block(const program *p, const block *b, int depth)
{
    for (int k = 0; k < b->n; k++) {
        const instr *in = &b->at[k];
        print_error("%*s", 4 * depth + 4, "");
        if (in->dst >= 0)
            print_error("r%d =", in->dst);
        print_error(" %s", op_names[in->op]);
        for (int j = 0; j < 3; j++)
            if (in->arg[j] >= 0)
                print_error(" r%d", in->arg[j]);
        if ((in->op >= OP_SUM && in->op <= OP_SQUEEZE) || in->op == OP_SLICE)
            print_error(" axis %d", in->axis);
        if (in->op == OP_CONSTANT || in->op == OP_NUMBER)
            print_error(" %g", in->number);
        if (in->op >= OP_UPDATE && in->op <= OP_RESULT)
            print_error(" metric %d", in->metric);
        if (in->op == OP_READ || in->op == OP_ASSIGN)
            print_error(" variable %d", in->variable);
        if (in->dst >= 0)
            print_type(p->reg[in->dst]);
        for (int j = 0; j < in->n_carry; j++)
            print_error(" r%d from r%d", in->carry[j], in->init[j]);
        for (int j = 0; j < in->n_out; j++)
            print_error(" out r%d", in->out[j]);
        if (in->op >= OP_IF)
            print_error(" %s limit %d%s metric %d", in->callback ? "callback" : "scope", in->limit, in->limit_is_error ? " error" : "", in->carried_metric);
        print_error("\n");
        for (int j = 0; j < 2 && in->op >= OP_IF; j++)
            if (in->inner[j]) {
                int n = in->op == OP_WHILE && j == 0 ? 1 : in->op == OP_INLINE ? in->n_out : in->n_carry;
                print_error("%*s  (\n", 4 * depth + 4, "");
                print_block(p, in->inner[j], depth + 1);
                print_error("%*s  ) yields", 4 * depth + 4, "");
                for (int y = 0; y < n; y++)
                    print_error(" r%d", in->inner[j]->yield[y]);
                print_error("\n");
            }
    }
}

void program_print(const program *p)
{
    print_error("program 0x%016llx%s\n", (unsigned long long)p->seed, p->wild ? ", wild data" : "");
    for (int k = 0; k < p->n_inputs; k++) {
        print_error("    r%d: input", k);
        print_type(p->input[k]);
        print_error("\n");
    }
    for (int k = 0; k < p->n_metric_refs; k++)
        print_error("    metric %d: store %d of kind %d%s\n", k, p->ref[k].store, (int)p->store[p->ref[k].store], p->ref[k].captured ? ", captured" : "");
    for (int k = 0; k < p->n_variables; k++) {
        print_error("    variable %d%s:", k, p->variable_captured[k] ? ", captured" : "");
        print_type(p->variable[k]);
        print_error("\n");
    }
    print_block(p, p->body, 0);
    print_error("    returns");
    for (int k = 0; k < p->n_returns; k++)
        print_error(" r%d", p->returns[k]);
    print_error("\n");
}
