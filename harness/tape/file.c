/* The tape as a text file that a person can read and edit. The format is described in tape.h.
 *
 * Reading is strict: an unknown word, a number out of range or a missing `end` is an error with file:line:column,
 * because a tape that is half understood replays something else.
 */
#include "harness/tape/internal.h"

#include "harness/engine.h"
#include "harness/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TAPE_VERSION  1
#define TAPE_LINE_MAX 4096

static const char *const stream_words[] = {
#define X(e, word) [STREAM_##e] = word,
    STREAMS(X)
#undef X
};

void tape_meta_done(struct tape_meta *meta)
{
    free(meta->scenario);
    for (size_t i = 0; i < meta->rule_count; i++)
        free(meta->rules[i]);
    free(meta->rules);
    *meta = (struct tape_meta){0};
}

/* ---- writing ---- */

static void write_identity(const struct edit *edit, FILE *out)
{
    fprintf(out, "%s node=%" PRIu32 " key=%" PRIu64 " n=%" PRIu64, edit->name, edit->id.node,
            edit->id.key, edit->id.ordinal);
}

/* Lines that a person can still look at; none if there is nothing but "simplest". */
static void write_draws(const struct tape *tape, FILE *out)
{
    enum { PER_LINE = 24 };
    for (size_t i = 0; i == 0 || i < tape->draw_count; i++) {
        if (i % PER_LINE == 0)
            fputs(i ? "\ndraws" : "draws", out);
        if (i < tape->draw_count)
            fprintf(out, " %" PRId64, tape->draws[i]);
    }
    fputc('\n', out);
}

static void write_edit(const struct tape *tape, const struct edit *edit, FILE *out)
{
    char text[96];
    switch (edit->kind) {
    case EDIT_FAULT:
        fputs("fault ", out);
        write_identity(edit, out);
        fprintf(out, "%s: %s\n", edit->persistent ? "+" : "",
                fault_print(&edit->fault, text, sizeof text));
        break;
    case EDIT_CHOICE:
        fprintf(out, "choice %s ", stream_words[edit->id.stream]);
        write_identity(edit, out);
        fprintf(out, ": %" PRIu64 "\n", edit->value);
        break;
    case EDIT_DRAW:
        fprintf(out, "draw %" PRIu64 ": %" PRId64 "\n", edit->at, (int64_t)edit->value);
        break;
    case EDIT_SEED:
        fprintf(out, "from event %" PRIu64 ": seed 0x%" PRIx64 "\n", edit->at, edit->value);
        break;
    case EDIT_DRAWS: write_draws(tape, out); break;
    case EDIT_SAFETY:
        fprintf(out, "safety %s\n", duration_print((int64_t)edit->value, text, sizeof text));
        break;
    case EDIT_SIMPLEST:
        fprintf(out, "simplest %s%s%s\n", stream_words[edit->id.stream], edit->name ? " " : "",
                edit->name ? edit->name : "");
        break;
    }
}

static void write_comment(const char *text, FILE *out)
{
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        fprintf(out, length ? "# %.*s\n" : "#%.*s\n", (int)length, text);
    }
}

int tape_write(const struct tape *tape, const struct tape_meta *meta, FILE *out)
{
    fprintf(out, "duress-tape %d\n", TAPE_VERSION);
    if (meta->comment)
        write_comment(meta->comment, out);
    if (meta->scenario)
        fprintf(out, "scenario %s\n", meta->scenario);
    fprintf(out, "seed 0x%" PRIx64 "\n", tape->seed);
    for (size_t i = 0; i < meta->rule_count; i++)
        fprintf(out, "rule %s\n", meta->rules[i]);
    for (size_t i = 0; i < tape->edit_count; i++)
        write_edit(tape, tape->edits[i], out);
    if (meta->fingerprint[0])
        fprintf(out, "fingerprint %s\n", meta->fingerprint);
    fprintf(out, "end %zu\n", tape->edit_count);
    return ferror(out) ? -EIO : 0;
}

/* ---- reading ---- */

struct reader {
    const char *path;
    char line[TAPE_LINE_MAX];
    unsigned number;
    const char *at; /* in line */
    struct tape *tape;
    struct tape_meta *meta;
    bool seeded, ended, foreign;
    char *why;
    size_t why_size;
};

/* About the file: its lines mean nothing to us, and are not shown. */
static bool complain_foreign(struct reader *reader, const char *what)
{
    snprintf(reader->why, reader->why_size, "%s:%u:1: error: %s", reader->path, reader->number,
             what);
    return false;
}

static bool complain(struct reader *reader, const char *what)
{
    size_t column = (size_t)(reader->at - reader->line) + 1;
    utf8_make_plain(reader->line);
    snprintf(reader->why, reader->why_size, "%s:%u:%zu: error: %s\n  %s\n  %*s^", reader->path,
             reader->number, column, what, reader->line, (int)column - 1, "");
    return false;
}

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t')
        reader->at++;
}

/* Takes `word`, with a blank or the end behind it unless it ends in a separator. */
static bool take_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(reader->at, word, length) != 0)
        return false;
    if (isalnum((unsigned char)word[length - 1]) && !strchr(" \t", reader->at[length]))
        return false;
    reader->at += length;
    skip_blanks(reader);
    return true;
}

static bool take_number(struct reader *reader, uint64_t *ret_value)
{
    if (!isdigit((unsigned char)*reader->at))
        return complain(reader, "expected a number");
    char *end;
    errno = 0;
    int base = reader->at[0] == '0' && (reader->at[1] == 'x' || reader->at[1] == 'X') ? 16 : 10;
    uint64_t value = strtoull(reader->at, &end, base);
    if (errno)
        return complain(reader, "this number does not fit into 64 bits");
    reader->at = end;
    skip_blanks(reader);
    *ret_value = value;
    return true;
}

static bool take_signed(struct reader *reader, int64_t *ret_value)
{
    uint64_t value;
    bool negative = *reader->at == '-';
    reader->at += negative;
    if (!take_number(reader, &value))
        return false;
    if (value > (uint64_t)INT64_MAX + negative)
        return complain(reader, "this number does not fit into 64 bits with a sign");
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool take_named_number(struct reader *reader, const char *name, uint64_t *ret_value)
{
    if (!take_word(reader, name)) {
        char what[64];
        snprintf(what, sizeof what, "expected '%s<number>'", name);
        return complain(reader, what);
    }
    return take_number(reader, ret_value);
}

/* NAME node=N key=K n=O: and where `ret_persistent` is not NULL, n=O+: as well. */
static bool take_identity(struct reader *reader, char *name, size_t name_size,
                          struct choice *ret_choice, bool *ret_persistent)
{
    size_t length = strcspn(reader->at, " \t");
    if (length == 0 || length >= name_size)
        return complain(reader, "expected the name of a point");
    memcpy(name, reader->at, length);
    name[length] = '\0';
    reader->at += length;
    skip_blanks(reader);
    uint64_t node;
    if (!take_named_number(reader, "node=", &node) ||
        !take_named_number(reader, "key=", &ret_choice->key) ||
        !take_named_number(reader, "n=", &ret_choice->ordinal))
        return false;
    if (node > UINT32_MAX)
        return complain(reader, "no node has so high a number");
    ret_choice->node = (uint32_t)node;
    ret_choice->name = name;
    if (ret_persistent)
        *ret_persistent = take_word(reader, "+");
    return take_word(reader, ":") || complain(reader, "expected ':'");
}

static bool read_fault(struct reader *reader)
{
    char name[256];
    struct choice choice = {.stream = STREAM_FAULT};
    struct fault fault;
    const char *why = NULL;
    bool persistent;
    if (!take_identity(reader, name, sizeof name, &choice, &persistent))
        return false;
    size_t length = fault_parse(reader->at, &fault, &why);
    if (length == 0)
        return complain(reader, why);
    reader->at += length;
    if (persistent)
        tape_edit_fault_from(reader->tape, &choice, fault);
    else
        tape_edit_fault(reader->tape, &choice, fault);
    return true;
}

static bool take_stream(struct reader *reader, enum stream *ret_stream)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (take_word(reader, stream_words[i])) {
            *ret_stream = (enum stream)i;
            return true;
        }
    }
    return complain(reader, "expected a stream: fault, schedule, net, disk, clock, nemesis, ...");
}

static bool read_choice(struct reader *reader)
{
    char name[256];
    struct choice choice = {0};
    uint64_t value;
    if (!take_stream(reader, &choice.stream) ||
        !take_identity(reader, name, sizeof name, &choice, NULL) || !take_number(reader, &value))
        return false;
    tape_edit_choice(reader->tape, &choice, value);
    return true;
}

static bool read_simplest(struct reader *reader)
{
    enum stream stream;
    char name[256];
    if (!take_stream(reader, &stream))
        return false;
    size_t length = strcspn(reader->at, " \t");
    if (length >= sizeof name)
        return complain(reader, "no name is so long");
    snprintf(name, sizeof name, "%.*s", (int)length, reader->at);
    reader->at += length;
    tape_simplify(reader->tape, stream, length ? name : NULL);
    return true;
}

static bool read_safety(struct reader *reader)
{
    int64_t ns;
    size_t length = duration_parse(reader->at, &ns);
    if (length == 0 || ns <= 0)
        return complain(reader, "expected a duration such as 5m");
    reader->at += length;
    tape_edit_safety(reader->tape, ns);
    return true;
}

static bool read_draw(struct reader *reader)
{
    uint64_t index;
    int64_t value;
    if (!take_number(reader, &index))
        return false;
    if (!take_word(reader, ":"))
        return complain(reader, "expected ':'");
    if (!take_signed(reader, &value))
        return false;
    tape_edit_draw(reader->tape, index, value);
    return true;
}

/* Any number of values; a further line goes on where the last one ended. */
static bool read_draws(struct reader *reader)
{
    struct tape *tape = reader->tape;
    size_t count = tape->draw_count, capacity = count + strlen(reader->at) / 2 + 1;
    int64_t *values = malloc(capacity * sizeof *values);
    if (!values)
        abort();
    if (count)
        memcpy(values, tape->draws, count * sizeof *values);
    while (*reader->at) {
        if (!take_signed(reader, &values[count])) {
            free(values);
            return false;
        }
        count++;
    }
    tape_edit_draws(tape, values, count, BEYOND_SIMPLEST);
    free(values);
    return true;
}

static bool read_from(struct reader *reader)
{
    uint64_t event, seed;
    if (!take_word(reader, "event"))
        return complain(reader, "expected 'event'");
    if (!take_number(reader, &event))
        return false;
    if (!take_word(reader, ":") || !take_word(reader, "seed"))
        return complain(reader, "expected ': seed <number>'");
    if (!take_number(reader, &seed))
        return false;
    tape_edit_seed(reader->tape, event, seed);
    return true;
}

static bool read_fingerprint(struct reader *reader)
{
    size_t length = strspn(reader->at, "0123456789abcdef");
    if (length != 32)
        return complain(reader, "expected 32 hexadecimal digits");
    memcpy(reader->meta->fingerprint, reader->at, 32);
    reader->meta->fingerprint[32] = '\0';
    reader->at += 32;
    return true;
}

static bool read_rest(struct reader *reader, char **ret_text)
{
    if (!*reader->at)
        return complain(reader, "expected something after this word");
    *ret_text = strdup(reader->at);
    reader->at += strlen(reader->at);
    return true;
}

static bool read_scenario(struct reader *reader)
{
    if (reader->meta->scenario)
        return complain(reader, "a second scenario");
    return read_rest(reader, &reader->meta->scenario);
}

static bool read_rule(struct reader *reader)
{
    struct tape_meta *meta = reader->meta;
    char *text;
    if (!read_rest(reader, &text))
        return false;
    meta->rules = realloc(meta->rules, (meta->rule_count + 1) * sizeof *meta->rules);
    meta->rules[meta->rule_count++] = text;
    return true;
}

static bool read_seed(struct reader *reader)
{
    uint64_t seed;
    if (reader->seeded)
        return complain(reader, "a second seed");
    if (!take_number(reader, &seed))
        return false;
    reader->tape->seed = reader->tape->seed_now = seed;
    reader->seeded = true;
    return true;
}

static bool read_end(struct reader *reader)
{
    uint64_t count;
    if (!take_number(reader, &count))
        return false;
    reader->ended = true;
    if (count != tape_edit_count(reader->tape))
        return complain(reader, "the number of edits does not agree: lines are missing or were "
                                "added (correct this number if that was on purpose)");
    return reader->seeded || complain(reader, "the tape has no 'seed' line");
}

static const struct {
    const char *word;
    bool (*read)(struct reader *reader);
} line_kinds[] = {
    {"scenario", read_scenario}, {"seed", read_seed},     {"rule", read_rule},
    {"fault", read_fault},       {"choice", read_choice}, {"draw", read_draw},
    {"draws", read_draws},       {"from", read_from},     {"simplest", read_simplest},
    {"safety", read_safety},     {"end", read_end},       {"fingerprint", read_fingerprint},
};

static bool read_line(struct reader *reader)
{
    skip_blanks(reader);
    if (*reader->at == '\0')
        return true;
    if (reader->ended)
        return complain(reader, "something follows the 'end' line");
    for (size_t i = 0; i < sizeof line_kinds / sizeof line_kinds[0]; i++) {
        if (!take_word(reader, line_kinds[i].word))
            continue;
        if (!line_kinds[i].read(reader))
            return false;
        return *reader->at == '\0' || complain(reader, "did not expect more on this line");
    }
    return complain(
        reader,
        "expected one of: scenario, seed, rule, fault, choice, simplest, safety, draw, draws, "
        "from, fingerprint, end");
}

/* A comment, a name may hold what a terminal would obey, and would be shown as it is. */
static bool is_text(int c)
{
    return !iscntrl(c) || c == '\t' || c == '\r';
}

/* Reads a line; false at the end of the file, and when what stands there is no line of text. */
static bool get_line(struct reader *reader, FILE *in)
{
    size_t length = 0;
    int c;
    while ((c = getc(in)) != EOF && c != '\n' && is_text(c) && length < sizeof reader->line - 1)
        reader->line[length++] = (char)c;
    if (c == EOF && length == 0)
        return false;
    reader->line[length] = '\0';
    reader->number++;
    if (c != EOF && c != '\n') {
        reader->foreign = true;
        return complain_foreign(reader, is_text(c) ? "not a tape: no line of one is so long"
                                                   : "not a tape: this is not a text file");
    }
    return true;
}

/* A '#' inside a word, such as a file's name, is part of it. */
static void cut_comment(char *line)
{
    for (char *at = line; (at = strchr(at, '#')); at++) {
        if (at == line || isblank((unsigned char)at[-1])) {
            *at = '\0';
            return;
        }
    }
}

/* The next line without its newline and comment. false at the end of the file. */
static bool next_line(struct reader *reader, FILE *in)
{
    if (!get_line(reader, in))
        return false;
    reader->at = reader->line;
    cut_comment(reader->line);
    size_t length = strlen(reader->line);
    while (length > 0 && isspace((unsigned char)reader->line[length - 1]))
        reader->line[--length] = '\0';
    return true;
}

static bool read_header(struct reader *reader, FILE *in)
{
    uint64_t version;
    if (!next_line(reader, in)) {
        reader->number = 1;
        return !reader->foreign && complain_foreign(reader, "the file is empty: not a tape");
    }
    if (!take_word(reader, "duress-tape"))
        return complain_foreign(reader, "not a tape: the first line must be 'duress-tape 1'");
    if (!take_number(reader, &version))
        return false;
    if (version != TAPE_VERSION)
        return complain(reader, "a tape of another version; this program reads version 1");
    return *reader->at == '\0' || complain(reader, "did not expect more on this line");
}

static bool read_all(struct reader *reader, FILE *in)
{
    if (!read_header(reader, in))
        return false;
    while (next_line(reader, in))
        if (!read_line(reader))
            return false;
    if (reader->foreign)
        return false;
    reader->at = reader->line + strlen(reader->line);
    return reader->ended || complain(reader, "the tape is truncated: there is no 'end' line");
}

struct tape *tape_read_from(FILE *in, const char *name, struct tape_meta *ret_meta, char *why,
                            size_t why_size)
{
    struct tape_meta meta = {0};
    struct reader reader = {
        .path = name, .tape = tape_new(0), .meta = &meta, .why = why, .why_size = why_size};
    errno = 0;
    bool good = read_all(&reader, in);
    if (ferror(in)) {
        snprintf(why, why_size, "%s: cannot be read%s%s", name, errno ? ": " : "",
                 errno ? strerror(errno) : "");
        good = false;
    }
    if (!good) {
        tape_free(reader.tape);
        tape_meta_done(&meta);
        return NULL;
    }
    *ret_meta = meta;
    return reader.tape;
}

struct tape *tape_read(const char *path, struct tape_meta *ret_meta, char *why, size_t why_size)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        int err = errno;
        char *near = nearest_file(path);
        snprintf(why, why_size, "%s: %s%s", path, strerror(err), near);
        free(near);
        return NULL;
    }
    struct tape *tape = tape_read_from(in, path, ret_meta, why, why_size);
    fclose(in);
    return tape;
}
