/* oracle_signals.c: scenarios on links, monitors, exit signals, names and aliases: their commands, and their blocks, whose
 * events are a sorted set. What a process read in the block in which it died is left out: its order against the death is
 * not determined. */
#include "sut/runtime/oracle/signals.h"

#include <stdlib.h>
#include <string.h>

/* ---- commands ---- */

static const struct verb *verb_find(struct oracle *oracle, const struct oracle_line *line)
{
    for (const struct verb *verb = signal_verbs; verb->word; verb++)
        if (strcmp(line->words[0], verb->word) == 0)
            return verb;
    oracle_reject(oracle, line, "\"%s\" is no command of a signal scenario", line->words[0]);
}

static struct actor *parse_actor(const struct command *command, unsigned at)
{
    struct oracle *oracle = command->signals->oracle;
    const char *name = oracle_name(oracle, command->line, at, "a process");
    struct actor *actor = actor_named(command->signals, name);
    if (!actor)
        oracle_reject(oracle, command->line, "no process %s was spawned", name);
    return actor;
}

static const char *parse_new(const struct command *command, unsigned at)
{
    struct oracle *oracle = command->signals->oracle;
    const char *name = oracle_name(oracle, command->line, at, "a process");
    if (actor_named(command->signals, name))
        oracle_reject(oracle, command->line, "%s was spawned before", name);
    return name;
}

static ref_id parse_ref(const struct command *command, unsigned at)
{
    const char *word = command->line->words[at];
    char *end = NULL;
    unsigned long number = word[0] == 'm' ? strtoul(word + 1, &end, 10) : 0;
    if (number == 0 || *end || number > command->signals->ref_count)
        oracle_reject(command->signals->oracle, command->line, "\"%s\" is no ref so far", word);
    return command->signals->refs[number - 1];
}

static const char *parse_kind(const struct command *command, unsigned at)
{
    const char *word = command->line->words[at], *kinds = command->verb->kinds;
    size_t length = strlen(word);
    for (const char *kind = kinds; kind; kind = strchr(kind, ' ') ? strchr(kind, ' ') + 1 : NULL)
        if (strncmp(kind, word, length) == 0 && (kind[length] == ' ' || !kind[length]))
            return word;
    oracle_reject(command->signals->oracle, command->line, "\"%s\" is none of: %s", word, kinds);
}

static void parse_word(struct command *command, char what, unsigned at)
{
    struct oracle *oracle = command->signals->oracle;
    const char *word = command->line->words[at];
    switch (what) {
    case 'S': command->word = parse_new(command, at); break;
    case 'd': command->p = strcmp(word, "-") == 0 ? NULL : parse_actor(command, at); break;
    case 'p': command->p = parse_actor(command, at); break;
    case 'q': command->q = parse_actor(command, at); break;
    case 'r': command->reason = oracle_reason(oracle, command->line, word); break;
    case 'n': command->word = oracle_name(oracle, command->line, at, "a name"); break;
    case 'm': command->ref = parse_ref(command, at); break;
    case 'k':
    case 'o': command->word = parse_kind(command, at); break;
    case 't': command->word = word; break;
    default: break; /* T: a text that is taken from the line */
    }
}

static void parse_words(struct command *command)
{
    const char *words = command->verb->words;
    unsigned most = (unsigned)strlen(words), least = most;
    if (words[0] == 'S')
        least = 1;
    else if (words[most - 1] == 'o')
        --least;
    oracle_expect(command->signals->oracle, command->line, least + 1, most + 1);
    for (unsigned i = 1; i < command->line->count; i++)
        parse_word(command, words[i - 1], i);
}

/* mon P name N */
static bool parse_mon_name(struct command *command)
{
    const struct oracle_line *line = command->line;
    if (strcmp(line->words[0], "mon") != 0 || line->count != 4 ||
        strcmp(line->words[2], "name") != 0)
        return false;
    command->p = parse_actor(command, 1);
    command->word = oracle_name(command->signals->oracle, line, 3, "a name");
    command->by_name = true;
    return true;
}

static void command_parse(struct command *command)
{
    command->verb = verb_find(command->signals->oracle, command->line);
    if (!parse_mon_name(command))
        parse_words(command);
    if (command->verb->words[0] != 'S')
        return;
    command->p = command->q; /* who spawns */
    command->word = command->line->words[1];
}

static void command_give(struct command *command)
{
    struct runtime *runtime = command->signals->oracle->runtime;
    const struct actor *p = command->p;
    if (!p || !command->verb->act) {
        command->verb->drive(command);
    } else if (!p->alive) {
        result_set(command, "dead");
        if (command->verb->words[0] == 'S')
            actor_new(command->signals, command->word); /* who was not spawned is dead */
    } else {
        result_set(command, "died");
        proc_send(runtime, 0, p->pid, TAG_COMMAND, &command, sizeof command);
    }
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void readings_flush(struct signals *signals)
{
    for (const struct reading *reading = signals->readings; reading; reading = reading->next)
        if (reading->actor->alive)
            oracle_event(signals->oracle, "%s", reading->text);
    signals->readings = NULL;
    signals->last_reading = &signals->readings;
}

static void command_run(struct signals *signals, const struct oracle_line *line)
{
    struct command *command = heap_alloc(signals->oracle->heap, sizeof *command);
    command->signals = signals;
    command->line = line;
    command_parse(command);
    command_give(command);
    oracle_settle(signals->oracle);
    readings_flush(signals);
    oracle_block(signals->oracle, line->text, command->result, true);
}

static void alive_print(const struct signals *signals)
{
    const char **names = heap_alloc(signals->oracle->heap, 1);
    size_t count = 0;
    for (const struct actor *actor = signals->actors; actor; actor = actor->next)
        if (actor->alive) {
            names = heap_realloc(signals->oracle->heap, names, (count + 1) * sizeof *names);
            names[count++] = actor->name;
        }
    qsort(names, count, sizeof *names, name_compare);
    fputs("alive", signals->oracle->out);
    for (size_t i = 0; i < count; i++)
        fprintf(signals->oracle->out, " %s", names[i]);
    fputc('\n', signals->oracle->out);
}

void oracle_signals(struct oracle *oracle)
{
    struct signals *signals = heap_alloc(oracle->heap, sizeof *signals);
    signals->oracle = oracle;
    signals->last_reading = &signals->readings;
    oracle->state = signals;
    oracle->exited = actor_exited;
    for (unsigned i = 0; i < oracle->line_count; i++)
        command_run(signals, &oracle->lines[i]);
    alive_print(signals);
}
