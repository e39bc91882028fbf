/* server_start.c: how a server comes to stand: it takes its name, makes its state, runs init, and tells who waits for it.
 * Only then it becomes a process that waits without a stack (server.c). */
#include "sut/runtime/error.h"
#include "sut/runtime/server_internal.h"

#include <string.h>

#define PARENT_NONE UINT64_MAX

struct birth {
    struct server_spec spec; /* its name and arg lie behind */
    proc_id parent;
    _Alignas(16) char more[];
};

struct beginning {
    struct server *server;
    const struct birth *birth;
    struct server_next next;
};

static void init_run(struct proc *self, void *arg)
{
    struct beginning *beginning = arg;
    const struct server_spec *spec = &beginning->birth->spec;
    beginning->next =
        spec->ops->init ? spec->ops->init(self, beginning->server->state, spec->arg) : server_go();
}

static struct server *server_new(struct proc *self, const struct birth *birth)
{
    struct server *server = proc_alloc(self, sizeof *server + birth->spec.state_size);
    server->ops = birth->spec.ops;
    server->parent = birth->parent;
    server->timeout_ns = WAIT_FOREVER;
    server->state_size = birth->spec.state_size;
    return server;
}

static struct server_next server_init(struct proc *self, struct server *server,
                                      const struct birth *birth)
{
    struct beginning beginning = {.server = server, .birth = birth};
    struct reason why;
    turn_begin(self, "init");
    if (!proc_try(self, init_run, &beginning, &why))
        proc_failed(self, why);
    turn_wish(self, &beginning.next);
    switch (beginning.next.how) {
    case SERVER_GO:
    case SERVER_GO_ON: return beginning.next;
    case SERVER_END: proc_failed(self, *beginning.next.why);
    case SERVER_IGNORE: proc_ignored(self);
    }
    proc_failed(self, reason_make(EXIT_ERROR, "{bad_return_value,%d}", (int)beginning.next.how));
}

static size_t arg_room(const struct server_spec *spec)
{
    return (spec->arg_size + 15) / 16 * 16;
}

/* It has been copied: what it points to lies with it. */
static void birth_settle(struct birth *birth)
{
    if (birth->spec.arg_size > 0)
        birth->spec.arg = birth->more;
    if (birth->spec.name)
        birth->spec.name = birth->more + arg_room(&birth->spec);
}

static void server_main(struct proc *self, void *arg)
{
    struct birth *birth = arg;
    birth_settle(birth);
    if (birth->spec.name && proc_register(self, birth->spec.name) != 0)
        proc_failed(self, started_taken(self, birth->spec.name,
                                        runtime_whereis(self->runtime, birth->spec.name))
                              .why);
    if (birth->spec.join && birth->spec.join(self, birth->spec.via) != 0)
        proc_failed(self, reason_of_error(&error_already_started));
    struct server *server = server_new(self, birth);
    struct step step = {.server = server, .next = server_init(self, server, birth)};
    proc_started(self);
    heap_release(&self->heap, birth);
    int64_t timeout_ns = server_step(self, &step, server_proceed);
    proc_become(self, server_turn, server, timeout_ns);
}

/* ---- from outside ---- */

/* What the process gets along: the specification, with its arg and name behind. */
static struct birth *birth_new(struct heap *heap, const struct server_spec *spec, proc_id parent,
                               size_t *ret_size)
{
    size_t room = arg_room(spec), name_size = spec->name ? strlen(spec->name) + 1 : 0;
    struct birth *birth = heap_alloc(heap, sizeof *birth + room + name_size);
    birth->spec = *spec;
    birth->parent = parent;
    if (spec->arg_size > 0)
        memcpy(birth->more, spec->arg, spec->arg_size);
    if (spec->name)
        memcpy(birth->more + room, spec->name, name_size);
    *ret_size = sizeof *birth + room + name_size;
    return birth;
}

/* Who has the name now, if that is why it failed. */
static struct started start_checked(struct proc *self, const struct server_spec *spec,
                                    struct started started)
{
    proc_id holder = spec->name ? runtime_whereis(self->runtime, spec->name) : 0;
    if (started.how == STARTED_ERROR && strcmp(started.why.text, error_already_started.code) == 0)
        started.pid = holder;
    return started;
}

static struct started server_begin(struct proc *self, const struct server_spec *spec, bool link)
{
    proc_id holder = spec->name ? runtime_whereis(self->runtime, spec->name) : 0;
    if (holder)
        return started_taken(self, spec->name, holder);
    size_t size;
    struct birth *birth =
        birth_new(&self->heap, spec, link ? proc_id_of(self) : PARENT_NONE, &size);
    struct proc_spec proc = {.label = spec->label,
                             .main = server_main,
                             .arg = birth,
                             .arg_size = size,
                             .trap_exit = spec->trap_exit};
    int64_t timeout_ns = spec->timeout_ns > 0 ? spec->timeout_ns : WAIT_FOREVER;
    struct started started =
        link ? proc_start(self, &proc, timeout_ns) : proc_start_alone(self, &proc, timeout_ns);
    heap_release(&self->heap, birth);
    return start_checked(self, spec, started);
}

struct started server_start_link(struct proc *self, const struct server_spec *spec)
{
    return server_begin(self, spec, true);
}

struct started server_start(struct proc *self, const struct server_spec *spec)
{
    return server_begin(self, spec, false);
}

proc_id server_spawn(struct runtime *runtime, proc_id parent, const struct server_spec *spec)
{
    size_t size;
    struct birth *birth = birth_new(runtime->env->heap, spec, parent, &size);
    proc_id pid = proc_spawn(runtime, &(struct proc_spec){.label = spec->label,
                                                          .main = server_main,
                                                          .arg = birth,
                                                          .arg_size = size,
                                                          .link = parent,
                                                          .trap_exit = spec->trap_exit});
    heap_release(runtime->env->heap, birth);
    return pid;
}
