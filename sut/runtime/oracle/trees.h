/* trees.h: what the files on tree scenarios share: the tree as it is described (oracle_tree_read.c), its processes
 * (oracle_tree_run.c), what commands do (oracle_tree_calls.c), and how they are read and told (oracle_trees.c). */
#ifndef SUT_ORACLE_TREES_H
#define SUT_ORACLE_TREES_H

#include "sut/runtime/oracle/oracle.h"
#include "sut/runtime/supervisor.h"

enum node_kind { NODE_SUP, NODE_DYN, NODE_SIMPLE, NODE_WORKER, NODE_SPEC };

/* What a worker does with the exit signal of its supervisor; plain ones do not trap it. */
enum worker_kind {
    WORKER_PLAIN,
    WORKER_TRAP,
    WORKER_ODD,
    WORKER_CLEAN,
    WORKER_SLOW,
    WORKER_STUBBORN
};

enum attempt { ATTEMPT_OK, ATTEMPT_IGNORE, ATTEMPT_ERROR, ATTEMPT_EXIT, ATTEMPT_BAD };

struct trees;

/* A line of the tree. */
struct node {
    const char *name;
    enum node_kind kind;
    const struct oracle_line *line;
    struct trees *trees;
    const char *parent_name; /* NULL: none */
    struct node *parent;
    struct child_spec child;    /* as a child: restart, shutdown, significant */
    struct supervisor_spec sup; /* as a supervisor, without its children */
    struct child_spec template; /* of NODE_SIMPLE */
    enum worker_kind worker;
    enum attempt *plan;
    unsigned plan_count;
    unsigned attempts;          /* so far */
    struct incarnation *latest; /* the last one that stood, or NULL */
    struct node *next;          /* in the order of lines */
};

/* A process of a node. */
struct incarnation {
    struct node *node;
    unsigned number; /* of the attempt */
    char label[ORACLE_NAME_MAX + 12];
    proc_id pid; /* 0: not known yet */
    bool alive;
    struct incarnation *parent; /* its supervisor; NULL: the harness */
    struct incarnation *next;
};

struct tree_event {
    const struct incarnation *who; /* NULL: of an attempt that came to nothing */
    bool exit, orphan;
    char *text;
};

struct trees {
    struct oracle *oracle;
    struct node *nodes, **last_node;
    struct node *root;
    struct incarnation *incarnations;
    struct tree_event *events; /* of the block */
    size_t event_count;
    unsigned first_command; /* the line behind the tree */
    proc_id harness;        /* the parent of the root */
};

enum { TAG_TREE_COMMAND = MSG_USER, TAG_DIE };

struct node *node_named(const struct trees *trees, const char *name);
static inline bool node_is_worker(const struct node *node)
{
    return node->kind >= NODE_WORKER;
}

/* Reads the lines of the tree and checks that it is one. */
void tree_read(struct trees *trees);

/* What `parent` is to do with the node: points into it. */
struct child_spec node_child(const struct node *node);
/* The whole spec of a supervisor; its children are on the heap of the scenario. */
struct supervisor_spec node_supervisor(const struct node *node);

child_start node_start; /* arg: the node */
void tree_exited(struct oracle *oracle, proc_id pid, const struct reason *reason);
struct incarnation *incarnation_of(const struct trees *trees, proc_id pid);
const char *fault_term(enum spec_fault fault); /* what OTP says */

/* ---- commands (oracle_tree_calls.c) ---- */

/* A command, as it is being carried out. */
struct command {
    struct trees *trees;
    const struct oracle_line *line;
    struct node *sup;     /* S, or NULL: there is none of this name */
    struct node *node;    /* X, likewise */
    const char *name;     /* of X */
    struct reason reason; /* R */
    char *result;         /* on the heap of the scenario */
};

void tree_result(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tree_result_started(struct command *command, struct child_answer answer);

/* The letters of `words`: s a supervisor, x a child by name, y a known child, r a reason, t a number; *: any number of
 * words. */
struct verb {
    const char *word, *words;
    void (*call)(struct proc *self, struct command *command); /* by the harness; NULL: */
    void (*drive)(struct command *command);
};

extern const struct verb tree_verbs[]; /* the last one has no word */

static inline bool latest_alive(const struct node *node)
{
    return node && node->latest && node->latest->alive;
}

/* ---- events ---- */

/* The events of the block in their canonical order, to the oracle. */
void tree_events_flush(struct trees *trees);
/* By name, then number. */
int incarnation_compare(const struct incarnation *a, const struct incarnation *b);

#endif
