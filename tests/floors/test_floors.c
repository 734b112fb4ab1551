/* floors: reads every source and header and fails where a file looks up, names the system it must not know, or has a
 * mutable global. This list of floors is the house's order: a new folder needs a row. */
#define _POSIX_C_SOURCE 200809L
#include "../support.h"

#include <dirent.h>
#include <sys/stat.h>

typedef struct floor_row {
    const char *folder, *header;       /* in src/, in include/tally/; NULL: none */
    int         floor;
} floor_row;

static const floor_row house[] = {
    { "base", "base.h", 1 }, { "tensor", "tensor.h", 2 }, { "state", "state.h", 3 }, { "graph", "graph.h", 4 },
    { "pass", NULL, 5 }, { "kernel", NULL, 6 }, { "exec", NULL, 6 }, { "function", "function.h", 7 },
    { "metric", "metric.h", 8 }, { "metric", "metrics.h", 8 }, { "io", "checkpoint.h", 9 },
    { "report", "report.h", 9 }, { "mpi", "mpi.h", 10 }, { "selftest", "selftest.h", 10 }, { NULL, "tally.h", 10 },
    { NULL, "detail.h", 1 },           /* macros only, for any of the others */
};
enum { HOUSE_ROWS = sizeof house / sizeof house[0], CORE_TOP = 8, PUBLIC_ONLY = 9 };

/* the part of libc that the core may know; math and threads by name, stdio, locale and the rest by absence */
static const char *const allowed_system[] = {
    "assert.h", "cpuid.h", "errno.h", "float.h", "immintrin.h", "intrin.h", "limits.h", "malloc.h", "math.h", "sched.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h", "threads.h", "time.h",
    "windows.h", "xmmintrin.h",
};
static const char *const forbidden_call[] = {
    "printf", "fprintf", "sprintf", "snprintf", "puts", "fputs", "fopen", "getenv", "setenv", "setlocale", "localeconv",
    "exit", "abort", "_Exit", "quick_exit", "malloc", "calloc", "realloc", "strtod", "strtof", "atof", "rand", "time",
    "clock", "signal", "raise",
};

static int floor_of_folder(const char *folder, size_t n)
{
    for (int i = 0; i < HOUSE_ROWS; i++)
        if (house[i].folder && strlen(house[i].folder) == n && !memcmp(house[i].folder, folder, n))
            return house[i].floor;
    return 0;
}

static int floor_of_header(const char *header, size_t n)
{
    for (int i = 0; i < HOUSE_ROWS; i++)
        if (house[i].header && strlen(house[i].header) == n && !memcmp(house[i].header, header, n))
            return house[i].floor;
    return 0;
}

/* ---- one file ------------------------------------------------------------------------------------------------ */

typedef struct source {
    char  path[512];       /* from the root */
    char *text;
    int   floor;
    bool  is_public;       /* in include/ */
    int   complaints;
} source;

static void complain(source *s, const char *at, const char *what, const char *name, size_t n)
{
    int line = 1;
    for (const char *c = s->text; c < at; c++)
        line += *c == '\n';
    print_error("%s:%d: %s %.*s\n", s->path, line, what, (int)n, name);
    s->complaints++;
}

static void check_system(source *s, const char *name, size_t n)
{
    static const char *const in_headers[] = { "stddef.h", "stdint.h" };
    if (s->is_public) {
        for (size_t i = 0; i < sizeof in_headers / sizeof in_headers[0]; i++)
            if (strlen(in_headers[i]) == n && !memcmp(in_headers[i], name, n))
                return;
        complain(s, name, "a public header includes", name, n);
        return;
    }
    for (size_t i = 0; i < sizeof allowed_system / sizeof allowed_system[0]; i++)
        if (strlen(allowed_system[i]) == n && !memcmp(allowed_system[i], name, n))
            return;
    if (s->floor <= CORE_TOP)
        complain(s, name, "the core includes", name, n);
}

static void check_tally(source *s, const char *name, size_t n)
{
    int floor = floor_of_header(name, n);
    if (!floor)
        complain(s, name, "unknown header", name, n);
    else if (floor > s->floor)
        complain(s, name, "looks up to", name, n);
}

static void check_quoted(source *s, const char *name, size_t n)
{
    const char *slash = memchr(name, '/', n);
    if (s->is_public) {
        check_tally(s, name, n);
        return;
    }
    if (!slash)
        return;                                       /* its own folder */
    if (s->floor >= PUBLIC_ONLY || n < 3 || memcmp(name, "../", 3)) {
        complain(s, name, "not a floor's path", name, n);
        return;
    }
    const char *folder = name + 3, *end = memchr(folder, '/', n - 3);
    int         floor = end ? floor_of_folder(folder, (size_t)(end - folder)) : 0;
    if (!floor)
        complain(s, name, "unknown folder in", name, n);
    else if (floor > s->floor)
        complain(s, name, "looks up to", name, n);
}

static void check_include(source *s, const char *p)
{
    p += strspn(p, " \t");
    char        close = *p == '<' ? '>' : *p == '"' ? '"' : 0;
    const char *end = close ? strchr(p + 1, close) : NULL;
    if (!end) {
        complain(s, p, "an #include that cannot be read", "", 0);
        return;
    }
    const char *name = p + 1;
    size_t      n = (size_t)(end - name);
    if (close == '"')
        check_quoted(s, name, n);
    else if (n > 6 && !memcmp(name, "tally/", 6))
        check_tally(s, name + 6, n - 6);
    else
        check_system(s, name, n);
}

/* the end of the comment, string or character that begins here; here itself if none does */
static char *skip_blank(char *t)
{
    if (t[0] == '/' && t[1] == '/') {
        t += strcspn(t, "\n");
    } else if (t[0] == '/' && t[1] == '*') {
        char *end = strstr(t + 2, "*/");
        t = end ? end + 2 : t + strlen(t);
    } else if (*t == '"' || *t == '\'') {
        char open = *t++;
        while (*t && *t != open && *t != '\n')
            t += *t == '\\' && t[1] ? 2 : 1;
        t += *t == open;
    }
    return t;
}

/* comments, strings and characters become blanks; lines stay */
static void blank_out(char *t)
{
    while (*t) {
        char *end = skip_blank(t);
        if (end == t)
            t++;
        for (; t < end; t++)
            if (*t != '\n')
                *t = ' ';
    }
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void check_calls(source *s)
{
    for (size_t i = 0; i < sizeof forbidden_call / sizeof forbidden_call[0]; i++) {
        size_t n = strlen(forbidden_call[i]);
        for (char *p = s->text; (p = strstr(p, forbidden_call[i])); p += n) {
            bool begins = p == s->text || (!is_word(p[-1]) && p[-1] != '.' && !(p[-1] == '>' && p[-2] == '-'));
            if (begins && !is_word(p[n]) && p[n + strspn(p + n, " ")] == '(')
                complain(s, p, "the core calls", p, n);
        }
    }
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    long  n = ftell(f);
    char *text = malloc((size_t)n + 1);
    rewind(f);
    size_t got = text ? fread(text, 1, (size_t)n, f) : 0;
    if (text)
        text[got] = 0;
    fclose(f);
    return text;
}

static int check_text(source *s)
{
    for (char *p = s->text; (p = strchr(p, '#')); p++) {
        const char *word = p + 1 + strspn(p + 1, " \t");
        char       *line = p;
        while (line > s->text && (line[-1] == ' ' || line[-1] == '\t'))
            line--;
        if ((line == s->text || line[-1] == '\n') && !strncmp(word, "include", 7))
            check_include(s, word + 7);
    }
    blank_out(s->text);
    if (s->floor <= CORE_TOP && !s->is_public)
        check_calls(s);
    return s->complaints;
}

static int check_file(const char *path, int floor, bool is_public)
{
    char   whole[1024];
    source s = { .floor = floor, .is_public = is_public };
    snprintf(s.path, sizeof s.path, "%s", path);
    snprintf(whole, sizeof whole, "%s/%s", TEST_SOURCE_ROOT, path);
    s.text = read_text(whole);
    if (!s.text) {
        print_error("%s cannot be read\n", whole);
        return 1;
    }
    int complaints = check_text(&s);
    free(s.text);
    return complaints;
}

/* ---- the tree ------------------------------------------------------------------------------------------------ */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

static int check_folder(const char *folder, int floor, int *files)
{
    char path[512];
    int  complaints = 0;
    snprintf(path, sizeof path, "%s/src/%s", TEST_SOURCE_ROOT, folder);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!ends_in(e->d_name, ".c") && !ends_in(e->d_name, ".h") && !ends_in(e->d_name, ".def") &&
            !ends_in(e->d_name, ".inc"))
            continue;
        snprintf(path, sizeof path, "src/%s/%s", folder, e->d_name);
        complaints += check_file(path, floor, false);
        ++*files;
    }
    if (d)
        closedir(d);
    return complaints;
}

static void no_source_looks_up_or_knows_the_system(void **state)
{
    char path[512];
    int  complaints = 0, files = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/src", TEST_SOURCE_ROOT);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        struct stat about;
        snprintf(path, sizeof path, "%s/src/%s", TEST_SOURCE_ROOT, e->d_name);
        if (e->d_name[0] == '.' || stat(path, &about) || !S_ISDIR(about.st_mode))
            continue;
        int floor = floor_of_folder(e->d_name, strlen(e->d_name));
        if (!floor) {
            print_error("src/%s has no floor\n", e->d_name);
            complaints++;
        }
        complaints += check_folder(e->d_name, floor, &files);
    }
    closedir(d);
    assert_true(files > 10);
    assert_int_equal(complaints, 0);
}

static void no_public_header_looks_up(void **state)
{
    char path[512];
    int  complaints = 0, files = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/include/tally", TEST_SOURCE_ROOT);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (!ends_in(e->d_name, ".h"))
            continue;
        int floor = floor_of_header(e->d_name, strlen(e->d_name));
        if (!floor) {
            print_error("include/tally/%s has no floor\n", e->d_name);
            complaints++;
        }
        snprintf(path, sizeof path, "include/tally/%s", e->d_name);
        complaints += check_file(path, floor, true);
        files++;
    }
    closedir(d);
    assert_true(files >= 8);
    assert_int_equal(complaints, 0);
}

/* ---- the build ----------------------------------------------------------------------------------------------- */

/* each file of a folder that is named like this must be named in the list: a file that nobody builds is dead, and a
 * test that nobody runs is a promise that nobody keeps */
static int check_listed(const char *folder, const char *begin, const char *end, const char *list, const char *quoted)
{
    char path[512], name[512];
    int  missing = 0;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_ROOT, list);
    char *text = read_text(path);
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_ROOT, folder);
    DIR *d = opendir(path);
    for (struct dirent *e; text && d && (e = readdir(d));) {
        if (strncmp(e->d_name, begin, strlen(begin)) || !ends_in(e->d_name, end))
            continue;
        snprintf(name, sizeof name, quoted, (int)(strlen(e->d_name) - strlen(begin) - 2), e->d_name + strlen(begin));
        if (!strstr(text, name)) {
            print_error("%s has no %s for %s/%s\n", list, name, folder, e->d_name);
            missing++;
        }
    }
    if (d)
        closedir(d);
    free(text);
    return text ? missing : 1;
}

static int check_all_folders(const char *top, int (*check)(const char *folder))
{
    char path[512];
    int  missing = 0;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_ROOT, top);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        struct stat about;
        snprintf(path, sizeof path, "%s/%s/%s", TEST_SOURCE_ROOT, top, e->d_name);
        if (e->d_name[0] != '.' && !stat(path, &about) && S_ISDIR(about.st_mode))
            missing += check(e->d_name);
    }
    closedir(d);
    return missing;
}

static int check_sources(const char *name)
{
    char folder[256], list[512];
    snprintf(folder, sizeof folder, "src/%s", name);
    snprintf(list, sizeof list, "%s/meson.build", folder);
    return check_listed(folder, "", ".c", list, "'%.*s.c'");
}

static int check_tests(const char *name)
{
    char folder[256], quoted[512];
    snprintf(folder, sizeof folder, "tests/%s", name);
    snprintf(quoted, sizeof quoted, "['%s', '%%.*s',", name);
    return check_listed(folder, "test_", ".c", "tests/meson.build", quoted);
}

static void every_source_is_built_and_every_test_is_run(void **state)
{
    (void)state;
    int missing = check_all_folders("src", check_sources) + check_all_folders("tests", check_tests);
    missing += check_listed("include/tally", "", ".h", "include/tally/meson.build", "'%.*s.h'");
    assert_int_equal(missing, 0);
}

/* ---- the checks themselves ----------------------------------------------------------------------------------- */

static int complaints_about(const char *text, int floor, bool is_public)
{
    source s = { .path = "(a sample that must be refused)", .floor = floor, .is_public = is_public };
    char   copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    s.text = copy;
    return check_text(&s);
}

static void the_check_sees_what_it_must(void **state)
{
    static const struct { const char *text; int floor; bool is_public; int complaints; } row[] = {
        { "#include \"../base/base.h\"\n#include \"state.h\"\n#include <tally/state.h>\n", 3, false, 0 },
        { "#include \"../graph/graph.h\"\n", 3, false, 1 },
        { " #  include <tally/metric.h>\n", 7, false, 1 },
        { "#include <stdio.h>\n", 8, false, 1 },
        { "#include <locale.h>\n", 1, false, 1 },
        { "#include <stdio.h>\n", 9, false, 0 },
        { "#include \"../exec/exec.h\"\n", 9, false, 1 },
        { "#include <stdio.h>\n", 1, true, 1 },
        { "#include \"graph.h\"\n", 3, true, 1 },
        { "#include <tally/graph.h>\n", 4, true, 0 },
        { "x = getenv(\"A\");", 4, false, 1 },
        { "/* getenv(\"A\") */ // abort()\n s = \"printf(\"; c = '\"'; t->time(3); a.free(4); my_exit(2);", 4, false, 0 },
        { "/**/ abort ();", 4, false, 1 },
    };
    (void)state;
    print_message("(the complaints below are wanted)\n");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_int_equal(complaints_about(row[i].text, row[i].floor, row[i].is_public), row[i].complaints);
}

/* ---- globals ------------------------------------------------------------------------------------------------- */

/* a line of nm -f sysv is name|value|class|type|size|line|section; constants that hold addresses sit in .data.rel.ro */
static bool is_mutable_object(const char *line, char *name)
{
    char section[64] = "";
    if (sscanf(line, "%255[^|]|%*[^|]|%*[^|]|%*[^|]|%*[^|]|%*[^|]|%63s", name, section) != 2)
        return false;
    if (!strncmp(section, ".data.rel.ro", 12))
        return false;
    return !strncmp(section, ".data", 5) || !strncmp(section, ".bss", 4) || !strncmp(section, ".tbss", 5) ||
           !strncmp(section, ".tdata", 6) || !strncmp(section, "*COM*", 5);
}

static void the_only_mutable_global_is_the_cpu_probe(void **state)
{
    char command[1024], line[1024];
    int  found = 0, wrong = 0;
    (void)state;
    if (TEST_SANITIZE[0])
        skip();                                       /* sanitizers add their own */
    snprintf(command, sizeof command, "nm -f sysv '%s/libtally-core.a' 2>/dev/null", TEST_BUILD_ROOT);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    while (fgets(line, sizeof line, p)) {
        char name[256] = "";
        if (!is_mutable_object(line, name) || strstr(name, "probe"))
            continue;                                 /* const volatile, which gcc keeps in .data */
        bool cpu = !strncmp(name, "known", 5) || !strncmp(name, "tally__cpu.known", 16);      /* gcc's name, clang's */
        found += cpu;
        wrong += !cpu;
        if (!cpu)
            print_error("a mutable global: %s", line);
    }
    if (pclose(p))
        skip();                                       /* no such nm here */
    assert_int_equal(wrong, 0);
    assert_int_equal(found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_source_looks_up_or_knows_the_system),
        cmocka_unit_test(no_public_header_looks_up),
        cmocka_unit_test(every_source_is_built_and_every_test_is_run),
        cmocka_unit_test(the_check_sees_what_it_must),
        cmocka_unit_test(the_only_mutable_global_is_the_cpu_probe),
    };
    return cmocka_run_group_tests_name("floors", tests, NULL, NULL);
}
