/* oracle_actor.c: the actors of a signal scenario, and what each command does. Every actor is a process of the runtime that
 * does the commands it gets by calling the runtime itself, so that what kills it kills it in the middle of its call. A
 * frozen one takes only commands from its mailbox.
 *
 * An actor writes the result of a command when it has done it; what stands there before is the result of a command that
 * its actor did not survive. */
#include "sut/runtime/oracle/signals.h"

#include "sut/runtime/proc_internal.h"
#include <stdlib.h>
#include <string.h>

/* ---- names of things ---- */

struct actor *actor_named(struct signals *signals, const char *name)
{
    for (struct actor *actor = signals->actors; actor; actor = actor->next)
        if (strcmp(actor->name, name) == 0)
            return actor;
    return NULL;
}

static struct actor *actor_of(struct signals *signals, proc_id pid)
{
    for (struct actor *actor = signals->actors; pid && actor; actor = actor->next)
        if (actor->pid == pid)
            return actor;
    return NULL;
}

static const char *name_of(struct signals *signals, proc_id pid)
{
    const struct actor *actor = actor_of(signals, pid);
    return actor ? actor->name : "-";
}

void result_set(struct command *command, const char *result)
{
    snprintf(command->result, sizeof command->result, "%s", result);
}

static size_t ref_number(const struct signals *signals, ref_id ref)
{
    size_t i = 0;
    while (i < signals->ref_count && signals->refs[i] != ref)
        i++;
    return i + 1;
}

/* Gives the ref the next name, which is the result. */
static void result_ref(struct command *command, ref_id ref)
{
    struct signals *signals = command->signals;
    signals->refs = heap_realloc(signals->oracle->heap, signals->refs,
                                 (signals->ref_count + 1) * sizeof *signals->refs);
    signals->refs[signals->ref_count++] = ref;
    snprintf(command->result, sizeof command->result, "m%zu", signals->ref_count);
}

/* ---- what an actor reads ---- */

static void reading_add(struct signals *signals, const struct actor *actor, const char *text)
{
    struct heap *heap = signals->oracle->heap;
    struct reading *reading = heap_alloc(heap, sizeof *reading);
    reading->actor = actor;
    reading->text = heap_strdup(heap, text);
    *signals->last_reading = reading;
    signals->last_reading = &reading->next;
}

static void message_read(struct signals *signals, const struct actor *actor,
                         const struct message *message)
{
    char text[RESULT_MAX], term[REASON_WORDS];
    const struct exit_message *exit = message->data;
    if (message->tag == TAG_TEXT)
        snprintf(text, sizeof text, "%s < msg %s", actor->name, (const char *)message->data);
    else if (message->tag == MSG_EXIT)
        snprintf(text, sizeof text, "%s < EXIT %s %s", actor->name, name_of(signals, exit->who),
                 reason_term(exit->reason, term));
    else
        snprintf(text, sizeof text, "%s < DOWN m%zu %s%s %s", actor->name,
                 ref_number(signals, message->ref), exit->name ? "name " : "",
                 exit->name ? exit->name : name_of(signals, exit->who),
                 reason_term(exit->reason, term));
    reading_add(signals, actor, text);
}

static bool is_command(const struct message *message, void *ctx)
{
    (void)ctx;
    return message->tag == TAG_COMMAND;
}

struct birth {
    struct signals *signals;
    struct actor *actor;
};

static void actor_main(struct proc *self, void *arg)
{
    struct birth birth = *(struct birth *)arg;
    for (;;) {
        const struct message *message =
            proc_receive_match(self, birth.actor->frozen ? is_command : NULL, NULL, WAIT_FOREVER);
        if (message->tag != TAG_COMMAND) {
            message_read(birth.signals, birth.actor, message);
            continue;
        }
        struct command *command = *(struct command *const *)message->data;
        if (strcmp(command->verb->word, "return") == 0)
            return;
        command->verb->act(self, command);
    }
}

void actor_exited(struct oracle *oracle, proc_id pid, const struct reason *reason)
{
    struct signals *signals = oracle->state;
    struct actor *actor = actor_of(signals, pid);
    actor->alive = false;
    oracle_event(oracle, "- %s %s", actor->name, reason_term(*reason, (char[REASON_WORDS]){0}));
}

/* ---- what an actor does ---- */

static proc_id pid_of(const struct actor *actor)
{
    return actor ? actor->pid : 0;
}

static void act_nothing(struct proc *self, struct command *command)
{
    (void)self, (void)command; /* its main returns */
}

static void act_trap(struct proc *self, struct command *command)
{
    proc_trap_exit(self, true);
    result_set(command, "ok");
}

static void act_untrap(struct proc *self, struct command *command)
{
    proc_trap_exit(self, false);
    result_set(command, "ok");
}

static void act_link(struct proc *self, struct command *command)
{
    proc_link(self, pid_of(command->q));
    result_set(command, "ok");
}

static void act_unlink(struct proc *self, struct command *command)
{
    proc_unlink(self, pid_of(command->q));
    result_set(command, "ok");
}

static void act_mon(struct proc *self, struct command *command)
{
    result_ref(command, command->by_name ? proc_monitor_name(self, command->word)
                                         : proc_monitor(self, pid_of(command->q)));
}

static void act_demon(struct proc *self, struct command *command)
{
    bool flush = command->word && strcmp(command->word, "flush") == 0;
    bool info = command->word && strcmp(command->word, "info") == 0;
    bool was = proc_demonitor(self, command->ref, flush);
    result_set(command, !info ? "ok" : was ? "true" : "false");
}

static void act_exit(struct proc *self, struct command *command)
{
    proc_exit(self, command->reason);
}

static void raise_as(struct proc *self, enum reason_kind kind, struct reason reason)
{
    char term[REASON_WORDS];
    proc_exit(self, reason_make(kind, "%s", reason_term(reason, term)));
}

static void act_err(struct proc *self, struct command *command)
{
    raise_as(self, EXIT_RAISED, command->reason);
}

static void act_throw(struct proc *self, struct command *command)
{
    raise_as(self, EXIT_THROWN, command->reason);
}

static void act_sig(struct proc *self, struct command *command)
{
    if (command->q != command->p)
        result_set(command, "ok"); /* whatever comes back */
    proc_signal(proc_runtime(self), proc_self(self), pid_of(command->q), command->reason);
    result_set(command, "ok");
}

static void text_send(struct command *command, proc_id from)
{
    proc_send(command->signals->oracle->runtime, from, pid_of(command->q), TAG_TEXT, command->word,
              strlen(command->word) + 1);
    result_set(command, "ok");
}

static void act_send(struct proc *self, struct command *command)
{
    text_send(command, proc_self(self));
}

static void act_sendname(struct proc *self, struct command *command)
{
    const char *text = command->line->words[3];
    int err = proc_send_name(proc_runtime(self), proc_self(self), command->word, TAG_TEXT, text,
                             strlen(text) + 1);
    if (err)
        raise_as(self, EXIT_RAISED, reason_make(EXIT_ERROR, "badarg"));
    result_set(command, "ok");
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void act_links(struct proc *self, struct command *command)
{
    const char *names[256] = {0};
    size_t count = 0, used = 0;
    for (const struct link_end *end = self->links; end && count < 256; end = end->next)
        names[count++] = name_of(command->signals, proc_id_of(end->twin->proc));
    qsort(names, count, sizeof *names, name_compare);
    char *out = command->result;
    out[used++] = '[';
    for (size_t i = 0; i < count && used + ORACLE_NAME_MAX + 2 < RESULT_MAX; i++)
        used += (size_t)sprintf(out + used, "%s%s", i ? "," : "", names[i]);
    strcpy(out + used, "]");
}

static void act_freeze(struct proc *self, struct command *command)
{
    (void)self;
    command->p->frozen = true;
    result_set(command, "ok");
}

static void act_thaw(struct proc *self, struct command *command)
{
    (void)self;
    command->p->frozen = false;
    result_set(command, "ok");
}

static enum alias_kind kind_of(const char *word)
{
    return strcmp(word, "explicit") == 0    ? ALIAS_EXPLICIT
           : strcmp(word, "reply") == 0     ? ALIAS_REPLY
           : strcmp(word, "demonitor") == 0 ? ALIAS_DEMONITOR
                                            : ALIAS_REPLY_DEMONITOR;
}

static void act_alias(struct proc *self, struct command *command)
{
    result_ref(command, proc_alias(self, kind_of(command->word)));
}

static void act_amon(struct proc *self, struct command *command)
{
    result_ref(command, proc_monitor_alias(self, pid_of(command->q), kind_of(command->word)));
}

static void act_unalias(struct proc *self, struct command *command)
{
    result_set(command, proc_unalias(self, command->ref) ? "true" : "false");
}

/* ---- what the driver does ---- */

struct actor *actor_new(struct signals *signals, const char *name)
{
    struct actor *actor = heap_alloc(signals->oracle->heap, sizeof *actor);
    snprintf(actor->name, sizeof actor->name, "%s", name);
    struct actor **last = &signals->actors;
    while (*last)
        last = &(*last)->next;
    *last = actor;
    return actor;
}

static void actor_spawn(struct command *command, proc_id link, proc_id monitor)
{
    struct signals *signals = command->signals;
    struct actor *actor = actor_new(signals, command->word);
    ref_id ref = 0;
    struct birth birth = {.signals = signals, .actor = actor};
    actor->alive = true;
    actor->pid = proc_spawn(signals->oracle->runtime, &(struct proc_spec){.label = actor->name,
                                                                          .main = actor_main,
                                                                          .arg = &birth,
                                                                          .arg_size = sizeof birth,
                                                                          .link = link,
                                                                          .monitor = monitor,
                                                                          .ret_monitor = &ref});
    if (monitor)
        result_ref(command, ref);
    else
        result_set(command, "ok");
}

static void act_spawn(struct proc *self, struct command *command)
{
    const char *how = command->line->count > 3 ? command->line->words[3] : "none";
    proc_id me = proc_self(self);
    actor_spawn(command, strcmp(how, "link") == 0 ? me : 0, strcmp(how, "mon") == 0 ? me : 0);
}

static void drive_sig(struct command *command)
{
    proc_signal(command->signals->oracle->runtime, 0, pid_of(command->q), command->reason);
    result_set(command, "ok");
}

static void drive_send(struct command *command)
{
    text_send(command, 0);
}

static void drive_reg(struct command *command)
{
    struct runtime *runtime = command->signals->oracle->runtime;
    int err = runtime_register(runtime, command->word, command->p->pid);
    result_set(command, err ? "error badarg" : "ok");
}

static void drive_unreg(struct command *command)
{
    int err = runtime_unregister(command->signals->oracle->runtime, command->word);
    result_set(command, err ? "error badarg" : "ok");
}

static void drive_whereis(struct command *command)
{
    proc_id pid = runtime_whereis(command->signals->oracle->runtime, command->word);
    result_set(command, pid ? name_of(command->signals, pid) : "undefined");
}

static void drive_asend(struct command *command)
{
    const char *text = command->line->words[2];
    proc_send_alias(command->signals->oracle->runtime, 0, command->ref, TAG_TEXT, text,
                    strlen(text) + 1);
    result_set(command, "ok");
}

/* ---- the commands ---- */

static void drive_spawn(struct command *command)
{
    actor_spawn(command, 0, 0);
}

const struct verb signal_verbs[] = {
    {"spawn", "Sqo", "none link mon", act_spawn, drive_spawn},
    {"trap", "p", NULL, act_trap, NULL},
    {"untrap", "p", NULL, act_untrap, NULL},
    {"link", "pq", NULL, act_link, NULL},
    {"unlink", "pq", NULL, act_unlink, NULL},
    {"mon", "pq", NULL, act_mon, NULL},
    {"demon", "pmo", "flush info", act_demon, NULL},
    {"exit", "pr", NULL, act_exit, NULL},
    {"err", "pr", NULL, act_err, NULL},
    {"throw", "pr", NULL, act_throw, NULL},
    {"return", "p", NULL, act_nothing, NULL},
    {"sig", "dqr", NULL, act_sig, drive_sig},
    {"send", "dqt", NULL, act_send, drive_send},
    {"reg", "pn", NULL, NULL, drive_reg},
    {"unreg", "n", NULL, NULL, drive_unreg},
    {"whereis", "n", NULL, NULL, drive_whereis},
    {"sendname", "pnT", NULL, act_sendname, NULL},
    {"links", "p", NULL, act_links, NULL},
    {"freeze", "p", NULL, act_freeze, NULL},
    {"thaw", "p", NULL, act_thaw, NULL},
    {"alias", "pk", "explicit reply", act_alias, NULL},
    {"amon", "pqk", "explicit demonitor reply_demonitor", act_amon, NULL},
    {"unalias", "pm", NULL, act_unalias, NULL},
    {"asend", "mT", NULL, NULL, drive_asend},
    {0},
};
