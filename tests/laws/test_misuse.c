/* Mistakes that C itself refuses: a node as a truth value, a node where a metric is wanted, a handle of the outside where
 * a reference of the inside is wanted, strangers in the lists of macros. Each line is compiled twice, inside a program
 * that is right but for it: with the mistake it must be refused, on that line; with its correction it must compile. */
#include "../support.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct mistake {
    const char *wrong, *right;
} mistake;

static const mistake mistakes[] = {
    { "if (x) { }", "TALLY_IF(t, c) { }" },
    { "while (c) { }", "TALLY_WHILE(t, c) { }" },
    { "tally_select(!c, x, x);", "tally_select(tally_not(c), x, x);" },
    { "x + x;", "tally_add(x, x);" },
    { "x == x;", "tally_eq(x, x);" },
    { "x < 3;", "tally_lt(x, tally_num(3));" },
    { "tally_add(x, 1);", "tally_add(x, tally_num(1));" },
    { "tally_add(x, m);", "tally_add(x, tally_result(t, m));" },
    { "tally_update_state(t, x, x);", "tally_update_state(t, m, x);" },
    { "tally_update_state(t, handle, x);", "tally_update_state(t, tally_capture_metric(t, handle), x);" },
    { "tally_update_state(t, m, &tensor);", "tally_update_state(t, m, tally_capture_tensor(t, &tensor));" },
    { "tally_update_state(t, m, x, m);", "tally_update_state(t, m, x, x);" },
    { "tally_update_state(t, m, x, v);", "tally_update_state(t, m, x, tally_read(t, v));" },
    { "tally_update_state(t, m, x, 1.0);", "tally_update_state(t, m, x, tally_f32(t, 1));" },
    { "tally_reset_state(t, handle);", "tally_reset_state(t, m);" },
    { "tally_result(t, v);", "tally_result(t, m);" },
    { "tally_return(t, m);", "tally_return_metric(t, m);" },
    { "tally_return_metric(t, x);", "tally_return(t, x);" },
    { "tally_return_metric(t, handle);", "tally_return_metric(t, m);" },
    { "tally_assign(t, m, x);", "tally_assign(t, v, x);" },
    { "tally_read(t, variable);", "tally_read(t, tally_capture_variable(t, variable));" },
    { "tally_capture_metric(t, m);", "tally_capture_metric(t, handle);" },
    { "tally_capture_metric(t, variable);", "tally_capture_variable(t, variable);" },
    { "TALLY_WHILE(t, c, x) { }", "TALLY_WHILE(t, c, &x) { }" },
    { "TALLY_WHILE(t, c, &x, &m) { }", "TALLY_WHILE(t, c, &x, &c) { }" },
    { "TALLY_IF(t, x.id > 0, m) { }", "TALLY_IF(t, c, &x) { }" },
    { "tally_metric_update_state_n(m, list, 1, &err);", "(void)!tally_metric_update_state_n(handle, list, 1, &err);" },
    { "(void)!tally_metric_update_state(handle, x);", "(void)!tally_metric_update_state(handle, &tensor);" },
    { "(void)!tally_metric_update_state(handle, &tensor, handle);", "(void)!tally_metric_update_state(handle, &tensor, &tensor);" },
    { "tally_metric_result(m);", "tally_metric_result(handle);" },
    { "(void)!tally_call(f, TALLY_IN(x), TALLY_NO_OUT, &err);", "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_NO_OUT, &err);" },
    { "(void)!tally_call(f, TALLY_IN(&tensor, m), TALLY_NO_OUT, &err);", "(void)!tally_call(f, TALLY_IN(&tensor, handle), TALLY_NO_OUT, &err);" },
    { "(void)!tally_call(f, TALLY_IN(&tensor, &handle), TALLY_NO_OUT, &err);", "(void)!tally_call(f, TALLY_IN(&tensor, handle, variable), TALLY_NO_OUT, &err);" },
    { "(void)!tally_call(f, TALLY_IN(&number), TALLY_NO_OUT, &err);", "(void)!tally_call(f, TALLY_IN(list[0]), TALLY_NO_OUT, &err);" },
    { "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(handle), &err);", "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(&handle), &err);" },
    { "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(&small), &err);", "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(&number), &err);" },
    { "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(number), &err);", "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_OUT(&number, &buffer), &err);" },
    { "tally_call(f, TALLY_IN(&tensor), TALLY_NO_OUT, &err);", "(void)!tally_call(f, TALLY_IN(&tensor), TALLY_NO_OUT, &err);" },
    { "tally_metric_update_state(handle, &tensor);", "(void)!tally_metric_update_state(handle, &tensor);" },
    { "tally_vector(&small, 1);", "tally_vector(&number, 1);" },
};

static const char program[] =
    "#include <tally/tally.h>\n"
    "struct own { int x; };\n"
    "void body(tally_trace *t, void *user);\n"
    "void body(tally_trace *t, void *user)\n"
    "{\n"
    "    tally_node x = tally_arg(t, 0), c = tally_arg(t, 1);\n"
    "    tally_metric_ref m = tally_arg_metric(t, 2);\n"
    "    tally_variable_ref v = tally_arg_variable(t, 3);\n"
    "    tally_metric *handle = (tally_metric *)user;\n"
    "    tally_variable *variable = (tally_variable *)user;\n"
    "    tally_function *f = (tally_function *)user;\n"
    "    double number = 0;\n"
    "    struct own small = { 0 };\n"
    "    tally_buffer buffer = tally_buffer_of(&number, 1);\n"
    "    tally_tensor tensor = tally_scalar(&number);\n"
    "    const tally_tensor *list[1] = { &tensor };\n"
    "    tally_error err;\n"
    "    (void)x; (void)c; (void)m; (void)v; (void)handle; (void)variable; (void)f; (void)small; (void)buffer; (void)list; (void)err;\n";

enum { LINE = 19 };

/* 0: compiles; 1: refused on the line; 2: refused elsewhere */
static int compiled(const char *line, char *told, size_t room)
{
    const char *source = TEST_BUILD_ROOT "/misuse_probe.c", *log = TEST_BUILD_ROOT "/misuse_probe.log";
    FILE       *out = fopen(source, "w");
    char        mark[32];
    assert_non_null(out);
    fprintf(out, "%s    %s\n}\n", program, line);
    fclose(out);
    int status = system(TEST_CC " -std=c11 -pedantic-errors -Wno-unused-value -Werror=unused-result -S -o /dev/null -I" TEST_SOURCE_ROOT "/include " TEST_BUILD_ROOT
                                "/misuse_probe.c > " TEST_BUILD_ROOT "/misuse_probe.log 2>&1");
    FILE  *in = fopen(log, "r");
    size_t n = in ? fread(told, 1, room - 1, in) : 0;
    told[n] = 0;
    if (in)
        fclose(in);
    remove(source);
    remove(log);
    snprintf(mark, sizeof mark, "misuse_probe.c:%d", LINE);
    return status == 0 ? 0 : strstr(told, mark) ? 1 : 2;
}

static void the_compiler_refuses_what_the_types_exclude(void **state)
{
    static char told[20000];
    int         wrong = 0;
    (void)state;
    for (size_t k = 0; k < sizeof mistakes / sizeof *mistakes; k++) {
        int bad = compiled(mistakes[k].wrong, told, sizeof told);
        if (bad != 1) {
            print_error("%s\n    %s\n", mistakes[k].wrong, bad ? told : "compiles");
            wrong++;
        }
        if (compiled(mistakes[k].right, told, sizeof told)) {
            print_error("%s\n    is refused: %s\n", mistakes[k].right, told);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_compiler_refuses_what_the_types_exclude) };
    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
