/* The tape: choices are pure functions of seed and identity; edits override single ones; the file is exact. */
#include "harness/point.h"
#include "harness/tape/tape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct choice base = {
    .stream = STREAM_FAULT, .name = "store/ack/reply", .node = 2, .key = 17, .ordinal = 3};

Test(tape, same_identity_same_value_whatever_is_asked_between)
{
    struct tape *a = tape_new(42), *b = tape_new(42);
    struct choice other = base;
    uint64_t first = tape_choose(a, &base, 1000000);
    for (other.ordinal = 10; other.ordinal < 60; other.ordinal++)
        tape_choose(b, &other, 7);
    tape_draw(b, 100);
    cr_assert_eq(first, tape_choose(b, &base, 1000000));
    cr_assert_eq(first, tape_choose(a, &base, 1000000));
    tape_free(a);
    tape_free(b);
}

Test(tape, each_part_of_the_identity_matters)
{
    struct tape *tape = tape_new(42);
    struct choice c[6] = {base, base, base, base, base, base};
    c[1].stream = STREAM_NET;
    c[2].name = "store/ack/send";
    c[3].node = 3;
    c[4].key = 18;
    c[5].ordinal = 4;
    for (int i = 0; i < 6; i++)
        for (int k = i + 1; k < 6; k++)
            cr_assert_neq(tape_choose(tape, &c[i], UINT64_MAX),
                          tape_choose(tape, &c[k], UINT64_MAX));
    tape_free(tape);
}

Test(tape, values_are_known_for_ever)
{
    /* If these change, every seed that anybody wrote down means another run. */
    struct tape *tape = tape_new(1);
    cr_expect_eq(tape_choose(tape, &base, 1000000), 704540, "%lu",
                 tape_choose(tape, &base, 1000000));
    uint64_t first = tape_draw(tape, 1000000), second = tape_draw(tape, 1000000);
    cr_expect_eq(first, 23924, "%lu", first);
    cr_expect_eq(second, 637904, "%lu", second);
    tape_free(tape);
}

Test(tape, chance_is_as_often_as_it_says)
{
    struct tape *tape = tape_new(7);
    struct choice choice = base;
    int hits = 0;
    for (choice.ordinal = 1; choice.ordinal <= 10000; choice.ordinal++)
        hits += tape_chance(tape, &choice, 3, 100);
    cr_expect(hits > 230 && hits < 370, "%d", hits);
    cr_expect(tape_chance(tape, &base, 1, 1));
    cr_expect(!tape_chance(tape, &base, 0, 1));
    tape_edit_choice(tape, &base, 0);
    cr_expect(!tape_chance(tape, &base, 1, 1), "an edit to 0 spares even what is sure");
    tape_free(tape);
}

Test(tape, an_edit_overrides_one_choice_only)
{
    struct tape *plain = tape_new(5), *edited = tape_new(5);
    struct choice next = base;
    next.ordinal++;
    tape_edit_choice(edited, &base, 0);
    cr_expect_eq(tape_choose(edited, &base, 1000), 0);
    cr_expect_eq(tape_choose(edited, &next, 1000), tape_choose(plain, &next, 1000));
    tape_edit_choice(edited, &base, 5000);
    cr_expect_eq(tape_choose(edited, &base, 1000), 999,
                 "an edit beyond the range means the greatest");
    cr_expect_eq(tape_edit_count(edited), 1, "edits of one identity replace each other");
    tape_free(plain);
    tape_free(edited);
}

Test(tape, draws_are_a_sequence_with_spans)
{
    struct tape *tape = tape_new(9);
    size_t count;
    tape_span_begin(tape, "outer");
    tape_draw(tape, 10);
    tape_span_begin(tape, "inner");
    tape_draw(tape, 10);
    tape_draw(tape, 10);
    tape_span_end(tape);
    tape_span_end(tape);
    const struct sequence_span *spans = sequence_spans(tape_sequence(tape), &count);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(spans[0].label, "outer");
    cr_expect(spans[0].begin == 0 && spans[0].end == 3 && spans[0].depth == 0);
    cr_expect(spans[1].begin == 1 && spans[1].end == 3 && spans[1].depth == 1);
    cr_expect_eq(sequence_length(tape_sequence(tape)), 3);
    tape_free(tape);
}

Test(tape, draws_can_be_dictated_from_the_first_on)
{
    const int64_t values[] = {7, -2, 1, 99};
    struct tape *tape = tape_new(9);
    tape_edit_draws(tape, values, 4, BEYOND_SIMPLEST);
    struct tape *copy = tape_copy(tape);
    cr_expect_eq(tape_edit_count(copy), 1);
    for (int i = 0; i < 2; i++) {
        struct tape *played = i ? copy : tape;
        cr_expect_eq(tape_draw(played, 10), 7);
        cr_expect_eq(tape_draw_between(played, -5, 5), -2);
        cr_expect(tape_draw_chance(played, 1, 1000));
        cr_expect_eq(tape_draw_between(played, 3, 50), 3, "out of its range: the simplest");
        cr_expect_eq(tape_draw_between(played, 4, 50), 4, "nothing more is given");
        tape_free(played);
    }
}

Test(tape, an_edited_draw_leaves_its_neighbours_alone)
{
    struct tape *plain = tape_new(9), *edited = tape_new(9);
    tape_edit_draw(edited, 1, 3);
    for (int i = 0; i < 3; i++) {
        uint64_t a = tape_draw(plain, 1000), b = tape_draw(edited, 1000);
        cr_expect_eq(b, i == 1 ? 3 : a);
    }
    tape_free(plain);
    tape_free(edited);
}

Test(tape, another_seed_from_event_n_on)
{
    struct tape *old = tape_new(1), *new = tape_new(2), *both = tape_new(1);
    tape_edit_seed(both, 100, 2);
    tape_at_event(both, 99);
    cr_expect_eq(tape_choose(both, &base, 1u << 30), tape_choose(old, &base, 1u << 30));
    tape_at_event(both, 100);
    cr_expect_eq(tape_choose(both, &base, 1u << 30), tape_choose(new, &base, 1u << 30));
    tape_free(old);
    tape_free(new);
    tape_free(both);
}

/* ---- the file ---- */

static char path[] = "/tmp/test-tape-XXXXXX";

static void write_bytes(const char *bytes, size_t size)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void write_file(const char *text)
{
    write_bytes(text, strlen(text));
}

static struct tape *read_file(struct tape_meta *meta, char *why, size_t size)
{
    struct tape *tape = tape_read(path, meta, why, size);
    unlink(path);
    return tape;
}

static const char whole[] = "duress-tape 1\n"
                            "scenario scenarios/lost-replies.yaml\n"
                            "seed 0x1f3a\n"
                            "rule store/ack/reply: 2%disconnect\n"
                            "fault store/ack/reply node=2 key=17 n=3: disconnect\n"
                            "fault job/perform/start node=1 key=4 n=1: delay(5ms)\n"
                            "fault job/perform/stop node=1 key=4 n=2+: crash\n"
                            "choice net net/link/latency node=2 key=3 n=1: 0\n"
                            "safety 90s\n"
                            "simplest disk\n"
                            "simplest net net/link/latency\n"
                            "draw 12: 4\n"
                            "draws 3 -1 0 9223372036854775807 -9223372036854775808\n"
                            "from event 1200: seed 0x77\n"
                            "fingerprint 00112233445566778899aabbccddeeff\n"
                            "end 10\n";

Test(tape_file, reads_back_exactly_what_was_written)
{
    struct tape_meta meta;
    char why[400] = "", *text;
    size_t size;
    write_file(whole);
    struct tape *tape = read_file(&meta, why, sizeof why);
    cr_assert(tape, "%s", why);
    cr_expect_eq(tape_seed(tape), 0x1f3a);
    cr_expect_str_eq(meta.scenario, "scenarios/lost-replies.yaml");
    cr_expect_eq(meta.rule_count, 1);
    cr_expect_eq(tape_fault(tape, &base)->kind, FAULT_DISCONNECT);
    cr_expect(tape_speaks_of(tape, "job/perform/start"));
    cr_expect(!tape_speaks_of(tape, "job/perform/open"));
    FILE *out = open_memstream(&text, &size);
    cr_expect_eq(tape_write(tape, &meta, out), 0);
    fclose(out);
    cr_expect_str_eq(text, whole);
    free(text);
    tape_meta_done(&meta);
    tape_free(tape);
}

static void refuses(const char *text, const char *expected)
{
    struct tape_meta meta;
    char why[600] = "";
    write_file(text);
    struct tape *tape = read_file(&meta, why, sizeof why);
    cr_expect_null(tape, "accepted: %s", text);
    const char *at = strstr(why, ":") ? strstr(why, ":") : why;
    cr_expect(strncmp(at, expected, strlen(expected)) == 0, "got: %s\nexpected: %s", at, expected);
}

Test(tape_file, says_what_is_wrong_and_where)
{
    refuses("", ":1:1: error: the file is empty");
    refuses("PNG\r\n", ":1:1: error: not a tape");
    refuses("duress-tape 2\n", ":1:14: error: a tape of another version");
    refuses("duress-tape 1\nseed 1\n", ":2:7: error: the tape is truncated");
    refuses("duress-tape 1\nseed x\nend 0\n", ":2:6: error: expected a number");
    refuses("duress-tape 1\nseed 99999999999999999999\nend 0\n", ":2:6: error: this number");
    refuses("duress-tape 1\nsed 1\nend 0\n", ":2:1: error: expected one of");
    refuses("duress-tape 1\nfault a/b/c node=1 key=2: crash\nend 1\n",
            ":2:25: error: expected 'n=");
    refuses("duress-tape 1\nfault a/b/c node=1 key=2 n=1: crsh\nend 1\n", ":2:31: error: ");
    refuses("duress-tape 1\nchoice nut a/b/c node=1 key=2 n=1: 3\nend 1\n",
            ":2:8: error: expected a stream");
    refuses("duress-tape 1\nseed 1 2\nend 0\n", ":2:8: error: did not expect more");
    refuses("duress-tape 1\ndraw 1: 2\nend 3\n", ":3:6: error: the number of edits");
    refuses("duress-tape 1\nseed 1\nend 0\nseed 1\n", ":4:1: error: something follows");
    refuses("duress-tape 1\nend 0\n", ":2:6: error: the tape has no 'seed' line");
    refuses("duress-tape 1\nseed 1\nseed 2\nend 0\n", ":3:6: error: a second seed");
    refuses("duress-tape 1\nseed 1\rend 0\n", ":2:7: error: did not expect more");
    refuses("duress-tape 1 2\n", ":1:15: error: did not expect more");
    refuses("duress-tape 1\nscenario#a\n", ":2:1: error: expected one of");
    refuses("duress-tape 1\ndraw:1: 2\n", ":2:1: error: expected one of");
}

Test(tape_file, a_comment_begins_after_a_blank)
{
    struct tape_meta meta;
    char why[400] = "";
    write_file("duress-tape 1 # by hand\n# all of it\nscenario a#b.yaml # a name\nseed 7\nend 0\n");
    struct tape *tape = read_file(&meta, why, sizeof why);
    cr_assert(tape, "%s", why);
    cr_expect_str_eq(meta.scenario, "a#b.yaml");
    cr_expect_eq(tape_seed(tape), 7);
    tape_meta_done(&meta);
    tape_free(tape);
}

Test(tape_file, what_is_no_text_is_not_half_read)
{
    static const char with_nul[] = "duress-tape 1\nseed 1\0 2\nend 0\n";
    char why[600], text[5000] = "duress-tape 1\nscenario ";
    struct tape_meta meta;
    write_bytes(with_nul, sizeof with_nul - 1);
    cr_expect_null(read_file(&meta, why, sizeof why));
    cr_expect(strstr(why, ":2:1: error: not a tape: this is not a text file"), "%s", why);
    refuses("duress-tape 1\n# a\x1b[31mred\n", ":2:1: error: not a tape: this is not a text file");
    memset(text + strlen(text), 'x', 4500);
    refuses(text, ":2:1: error: not a tape: no line of one is so long");
}

Test(tape_file, a_missing_file_is_said_to_be_missing)
{
    struct tape_meta meta;
    char why[200];
    cr_expect_null(tape_read("/nonexistent/tape", &meta, why, sizeof why));
    cr_expect_str_eq(why, "/nonexistent/tape: No such file or directory");
}

/* ---- simplest ---- */

Test(tape, a_simple_stream_is_zero_but_for_edits)
{
    struct tape *tape = tape_new(42);
    struct choice edited = base, elsewhere = base;
    edited.ordinal = 4;
    elsewhere.stream = STREAM_NET;
    tape_edit_choice(tape, &edited, 5);
    cr_assert_neq(tape_choose(tape, &base, 1000000), 0);
    tape_simplify(tape, STREAM_FAULT, NULL);
    cr_expect_eq(tape_choose(tape, &base, 1000000), 0);
    cr_expect(!tape_chance(tape, &base, 1, 1));
    cr_expect_eq(tape_between(tape, &base, -3, 9), -3);
    cr_expect_eq(tape_choose(tape, &edited, 1000000), 5);
    cr_expect_neq(tape_choose(tape, &elsewhere, 1000000), 0);
    cr_expect(tape_is_simple(tape, STREAM_FAULT));
    cr_expect(!tape_is_simple(tape, STREAM_NET));
    tape_free(tape);
}

Test(tape, a_simple_name_leaves_its_stream_alone)
{
    struct tape *tape = tape_new(42);
    struct choice other = base;
    other.name = "store/ack/send";
    tape_simplify(tape, STREAM_FAULT, base.name);
    tape_simplify(tape, STREAM_FAULT, base.name);
    cr_expect_eq(tape_edit_count(tape), 1);
    cr_expect_eq(tape_choose(tape, &base, 1000000), 0);
    cr_expect_neq(tape_choose(tape, &other, 1000000), 0);
    cr_expect(!tape_is_simple(tape, STREAM_FAULT));
    tape_free(tape);
}

Test(tape, a_copy_says_the_same)
{
    struct tape *tape = tape_new(42);
    struct choice other = base;
    other.ordinal = 9;
    tape_edit_choice(tape, &base, 7);
    tape_edit_draw(tape, 0, 3);
    tape_edit_fault(tape, &other, (struct fault){.kind = FAULT_KILL});
    tape_edit_seed(tape, 0, 77);
    tape_simplify(tape, STREAM_NET, NULL);
    struct tape *copy = tape_copy(tape);
    tape_free(tape);
    cr_expect_eq(tape_edit_count(copy), 5);
    cr_expect_eq(tape_choose(copy, &base, 100), 7);
    cr_expect_eq(tape_draw(copy, 100), 3);
    cr_expect_eq(tape_fault(copy, &other)->kind, FAULT_KILL);
    cr_expect(tape_is_simple(copy, STREAM_NET));
    other.stream = STREAM_DISK;
    struct tape *reseeded = tape_new(77);
    cr_expect_eq(tape_choose(copy, &other, 1000000), tape_choose(reseeded, &other, 1000000));
    tape_free(reseeded);
    tape_free(copy);
}

Test(tape, a_persistent_fault_stays)
{
    struct tape *tape = tape_new(42);
    struct choice later = base, elsewhere = base;
    later.key = 99;
    later.ordinal = 1;
    elsewhere.node = 3;
    tape_edit_fault_from(tape, &base, (struct fault){.kind = FAULT_DISCONNECT});
    cr_expect_null(tape_fault(tape, &later), "not reached yet");
    cr_expect_eq(tape_fault(tape, &base)->kind, FAULT_DISCONNECT);
    cr_expect_eq(tape_fault(tape, &later)->kind, FAULT_DISCONNECT);
    cr_expect_null(tape_fault(tape, &elsewhere));
    struct tape *copy = tape_copy(tape);
    cr_expect_null(tape_fault(copy, &later), "a copy begins at the beginning");
    tape_free(copy);
    tape_free(tape);
}

/* ---- recording ---- */

Test(tape, what_was_chosen_can_be_dictated)
{
    struct tape *tape = tape_new(42);
    struct choice choice = base;
    size_t count, chosen = 0;
    uint64_t values[40];
    tape_record(tape, RECORD_CHOICES);
    for (choice.ordinal = 1; choice.ordinal <= 40; choice.ordinal++) {
        values[choice.ordinal - 1] = tape_choose(tape, &choice, 3);
        chosen += values[choice.ordinal - 1] != 0;
    }
    const struct made *made = tape_made(tape, &count);
    cr_assert_eq(count, chosen, "simplest values are not worth a word");
    struct tape *dictated = tape_new(1);
    tape_simplify(dictated, STREAM_FAULT, NULL);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(made[i].kinds, 0);
        cr_expect_eq(made[i].n, 3);
        tape_edit_choice(dictated, &made[i].choice, made[i].value);
    }
    for (choice.ordinal = 1; choice.ordinal <= 40; choice.ordinal++)
        cr_expect_eq(tape_choose(dictated, &choice, 3), values[choice.ordinal - 1]);
    tape_free(tape);
    tape_free(dictated);
}

Test(tape, hits_are_recorded_when_asked_for)
{
    const struct fault none = {0}, kill = {.kind = FAULT_KILL};
    const struct {
        unsigned what;
        size_t expected;
    } cases[] = {{0, 0}, {RECORD_CHOICES, 0}, {RECORD_FAULTS, 1}, {RECORD_HITS, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tape *tape = tape_new(42);
        char name[] = "a/passing/name";
        struct choice choice = base;
        choice.name = name;
        size_t count;
        tape_record(tape, cases[i].what);
        tape_at_event(tape, 12);
        tape_note_hit(tape, &base, CAN_KILL, &none);
        tape_note_hit(tape, &choice, CAN_KILL, &kill);
        memset(name, 'x', sizeof name - 1);
        const struct made *made = tape_made(tape, &count);
        cr_assert_eq(count, cases[i].expected);
        if (count) {
            cr_expect_str_eq(made[count - 1].choice.name, "a/passing/name");
            cr_expect_eq(made[count - 1].fault.kind, FAULT_KILL);
            cr_expect_eq(made[count - 1].event, 12);
        }
        tape_free(tape);
    }
}
