/* What the runtime does with the scenarios that were recorded from OTP, compared as text; and what the reader says to
 * input that is none. The cases stand in cases/, in the format of the recordings: "@@ case NAME", the scenario, "@@ expect",
 * the trace. */
#include "sut/runtime/oracle/oracle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *chars;
    size_t size;
};

static bool run(const char *scenario, struct text *out, char wrong[static 512])
{
    FILE *in = fmemopen((char *)scenario, strlen(scenario), "r");
    FILE *to = open_memstream(&out->chars, &out->size);
    bool good = oracle_run(in, to, wrong, 512);
    fclose(in);
    fclose(to);
    return good;
}

static char *file_read(const char *path)
{
    struct text text;
    FILE *file = fopen(path, "r"), *to = open_memstream(&text.chars, &text.size);
    cr_assert(file, "%s is missing; tests run from the top folder", path);
    for (int c; (c = getc(file)) != EOF;)
        putc(c, to);
    fclose(file);
    fclose(to);
    return text.chars;
}

static void case_run(const char *name, const char *scenario, const char *expected)
{
    char wrong[512] = "";
    struct text out = {0};
    bool good = run(scenario, &out, wrong);
    cr_expect(good, "%s: %s", name, wrong);
    cr_expect_str_eq(out.chars, expected, "%s: got\n%s", name, out.chars);
    free(out.chars);
}

/* Cuts at the mark and returns what comes after its line. */
static char *cut(char *text, const char *mark)
{
    char *at = text ? strstr(text, mark) : NULL;
    if (!at)
        return NULL;
    *at = '\0';
    char *line_end = strchr(at + 1, '\n');
    return line_end ? line_end + 1 : NULL;
}

static size_t file_run(const char *path)
{
    char *text = file_read(path), *at = text;
    size_t cases = 0;
    while (at && strncmp(at, "@@ case ", 8) == 0) {
        char *name = at + 8, *scenario = strchr(at, '\n') + 1;
        scenario[-1] = '\0';
        char *expected = cut(scenario, "@@ expect"), *next = strstr(expected, "@@ ");
        bool last = strncmp(next, "@@ end", 6) == 0;
        char first = *next;
        *next = '\0';
        case_run(name, scenario, expected);
        *next = first;
        at = last ? NULL : next;
        cases++;
    }
    free(text);
    return cases;
}

Test(oracle, signals)
{
    cr_assert_eq(file_run("sut/runtime/test/cases/sig.cases"), 75);
}

static void trees(const char *name, size_t count)
{
    char path[128];
    snprintf(path, sizeof path, "sut/runtime/test/cases/%s.cases", name);
    cr_assert_eq(file_run(path), count, "%s", name);
}

Test(oracle, trees_made_by_hand)
{
    trees("hand", 76);
}

Test(oracle, trees_by_strategy)
{
    trees("ofo", 13);
    trees("ofa", 15);
    trees("rfo", 15);
}

Test(oracle, trees_of_many_levels_and_deaths)
{
    trees("nested", 20);
    trees("multi", 15);
    trees("rollback", 13);
}

Test(oracle, trees_by_calls_and_time)
{
    trees("api", 15);
    trees("auto", 18);
    trees("time", 7);
}

Test(oracle, scenarios_that_once_differed)
{
    trees("found", 10);
}

Test(oracle, trees_without_ids)
{
    trees("dyn", 13);
    trees("simple", 10);
}

static void rejected(const char *scenario, const char *why)
{
    char wrong[512] = "";
    struct text out = {0};
    cr_expect_not(run(scenario, &out, wrong), "%s", scenario);
    cr_expect_str_eq(wrong, why);
    free(out.chars);
}

Test(oracle, bad_input_is_told_with_its_line)
{
    rejected("# nothing\n", "1: there is no scenario");
    rejected("spawn p1\n\nfly p1 # away\n", "3: \"fly\" is no command of a signal scenario");
    rejected("spawn\n", "1: \"spawn\" lacks a word");
    rejected("spawn P\n", "1: \"P\" is no name of a process ([a-z][a-z0-9]*, up to 31)");
    rejected("spawn p\nspawn p\n", "2: p was spawned before");
    rejected("spawn p\nlink p q\n", "2: no process q was spawned");
    rejected("spawn p\ntrap p p\n", "2: \"p\" is not expected after \"p\"");
    rejected("spawn p\nexit p Boom\n", "2: \"Boom\" is no reason (an atom, or shutdown:ATOM)");
    rejected("spawn p\nalias p maybe\n", "2: \"maybe\" is none of: explicit reply");
    rejected("spawn p\nunalias p m1\n", "2: \"m1\" is no ref so far");
}

#define ROOT "sup root strategy=one_for_one intensity=1 period=5 auto=never\n"

Test(oracle, bad_trees_are_told_with_their_line)
{
    rejected("wrk a parent=root\n", "1: the parent root of a is no sup");
    rejected("spec a\n", "1: no sup is the root of the tree");
    rejected(ROOT "wrk a\n", "2: a has no parent");
    rejected(ROOT "sup s\n", "2: s has no parent, and root is the root");
    rejected(ROOT "sup s parent=t\nsup t parent=s\n", "2: s is its own ancestor");
    rejected(ROOT "dyn d parent=root\nwrk a parent=d\n", "3: the parent d of a is no sup");
    rejected(ROOT "wrk a parent=root\nspec a\n", "3: there is a a already");
    rejected(ROOT "wrk a parent=root max=2\n", "2: wrk has no option \"max\"");
    rejected(ROOT "wrk a root\n", "2: \"root\" is no option (key=value)");
    rejected(ROOT "wrk a parent=root restart=often\n",
             "2: restart=often is none of: permanent transient temporary");
    rejected(ROOT "wrk a parent=root shutdown=-3\n",
             "2: shutdown=-3 is no number from 0 to 1000000000");
    rejected(ROOT "spec a plan=ok,,bad\n", "2: plan= is none of: ok ignore error exit bad");
    rejected(ROOT "which root\nspec a\n", "3: the tree stands before the commands");
}

Test(oracle, bad_tree_commands_are_told_with_their_line)
{
    rejected(ROOT "fly root\n", "2: \"fly\" is no command of a tree scenario");
    rejected(ROOT "die root oops\n", "2: root is no worker: stop it, or send a signal");
    rejected(ROOT "spec a\nwhich a\n", "3: a is a worker");
    rejected(ROOT "start root a\n", "2: there is no line for a");
    rejected(ROOT "dyn d parent=root\nstart d d\n", "3: d is no worker, and d has only workers");
    rejected(ROOT "multi a\n", "2: \"a\" is not of the form NAME/REASON");
    rejected(ROOT "sleep long\n", "2: \"long\" is no number of milliseconds from 0 to 1000000000");
    rejected(ROOT "align 1000\n", "2: \"1000\" is no number of milliseconds from 0 to 999");
}

Test(oracle, who_could_not_be_spawned_is_dead)
{
    char wrong[512];
    struct text out = {0};
    cr_assert(run("spawn p\nexit p oops\nspawn q p link\ntrap q\n", &out, wrong));
    cr_assert_str_eq(out.chars, "> spawn p\n= ok\n> exit p oops\n- p oops\n= died\n"
                                "> spawn q p link\n= dead\n> trap q\n= dead\nalive\n");
    free(out.chars);
}

Test(oracle, comments_and_blanks_do_not_show)
{
    char wrong[512];
    struct text out = {0};
    cr_assert(run("  spawn \t p1 # one\n\n# two\n", &out, wrong));
    cr_assert_str_eq(out.chars, "> spawn p1\n= ok\nalive p1\n");
    free(out.chars);
}
