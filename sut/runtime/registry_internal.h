/* registry_internal.h: the parts of a registry.
 *
 *     registry ──▶ keys ──▶ entries ◀── holders ◀── partitions ◀── registry
 */
#ifndef SUT_REGISTRY_INTERNAL_H
#define SUT_REGISTRY_INTERNAL_H

#include "sut/runtime/proc_internal.h"
#include "sut/runtime/registry.h"

struct key {
    struct id_node by_hash;
    struct value value;
    struct entry *entries;
    size_t count;
};

struct entry {
    struct key *key;
    struct holder *holder;
    struct value value;
    struct entry *key_prev, *key_next;
    struct entry *mine_prev, *mine_next; /* of the same holder */
};

/* What one process has in one partition. */
struct holder {
    struct attachment attachment; /* of the process */
    struct shard *shard;
    struct proc *proc;
    struct entry *entries;
    size_t count;
    struct holder *prev, *next; /* in the partition */
};

/* A partition. */
struct shard {
    struct attachment attachment; /* of its process */
    struct registry *registry;
    struct proc *proc; /* NULL: it is being restarted */
    struct holder *holders;
};

struct registry {
    struct attachment attachment; /* of the supervisor */
    size_t attachments;           /* this one, those of partitions and of holders */
    struct runtime *runtime;
    struct heap *heap;
    proc_id id;
    enum registry_kind kind;
    bool by_key;
    bool quiet;           /* the runtime is being freed */
    struct id_table keys; /* by hash */
    size_t entries;
    char **listeners;
    size_t listener_count;
    unsigned shard_count;
    struct shard shards[];
};

/* registry.c */
struct registry *registry_of(const struct runtime *runtime, proc_id id); /* NULL: it is none */
void registry_drop(struct registry *registry); /* one attachment less; with the last it is freed */
void shard_clear(struct shard *shard);
void holder_ended(struct attachment *attachment, struct proc *proc, bool died);
struct key *key_find(const struct registry *registry, struct value value);
unsigned shard_of_key(const struct registry *registry, struct value key);
unsigned shard_of_entry(const struct registry *registry, struct value key, proc_id pid);

/* registry_start.c */
void registry_ended(struct attachment *attachment, struct proc *proc, bool died);

#endif
