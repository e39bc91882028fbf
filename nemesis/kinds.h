/* kinds.h: the catalogue of world nemeses, by family. A line says what a nemesis is called, what it
 * does, and what it can be told; the function strike_IDENT in the family's file does it. The scenario
 * loader, `duress list nemeses` and the swarm read the table that is made from it.
 *
 * X(ident, name, about, key...)
 *
 * The ident and the aspect of a key are part of the names of choices on tapes ("nemesis/kill/lasts").
 * The first key of each is EVERY(): the time between two strikes. `swarm` is where a run draws from that
 * draws its nemeses itself.
 */
#ifndef DURESS_NEMESIS_KINDS_H
#define DURESS_NEMESIS_KINDS_H

#include "harness/engine.h"

#define NEMESIS_MS   INT64_C(1000000)
#define NEMESIS_S    (1000 * NEMESIS_MS)
#define NEMESIS_M    (60 * NEMESIS_S)
#define NEMESIS_YEAR (365 * 24 * 60 * NEMESIS_M)

/* A key that must be given, and what a swarm draws from. */
#define KEY(aspect_, name_, type_, min_, max_, low, high, about_)                                  \
    {                                                                                              \
        .aspect = (aspect_), .name = (name_), .type = PARAM_##type_, .min = (min_), .max = (max_), \
        .required = true, .swarm = {(low), (high)}, .about = (about_)                              \
    }

/* Below a millisecond it would be nothing but nemesis. */
#define EVERY(low, high)                                                                           \
    KEY("when", "every", DURATION, NEMESIS_MS, NEMESIS_YEAR, low, high, "between two strikes")
#define LASTS(name, low, high)                                                                     \
    KEY("lasts", name, DURATION, 0, NEMESIS_YEAR, low, high, "until it is undone")

#define AMOUNT(name, low, high)                                                                    \
    KEY("amount", name, DURATION, 1, NEMESIS_YEAR, low, high, "how much")
#define SHARE(low, high) KEY("share", "share", PERCENT, 1, 10000, low, high, "of the messages")
/* Faults concentrate where they hurt; see moment.h. */
#define IN_FLIGHT                                                                                  \
    {                                                                                              \
        .aspect = "aim", .name = "in flight", .type = PARAM_PERCENT, .max = 10000,                 \
        .fallback = {5000, 5000}, .swarm = {0, 10000},                                             \
        .about = "strikes that wait until an effect is in flight"                                  \
    }
/* One of some words; the first when it is not given. */
#define WORD(aspect_, name_, words_, about_)                                                       \
    {                                                                                              \
        .aspect = (aspect_), .name = (name_), .type = PARAM_WORD, .words = (words_),               \
        .about = (about_)                                                                          \
    }

#define NEMESES_PROCESS(X)                                                                         \
    X(kill, "kill node", "a node dies as by SIGKILL, and boots again",                             \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("back after", NEMESIS_S, 30 * NEMESIS_S),        \
      IN_FLIGHT)                                                                                   \
    X(power, "power loss", "a node loses power, its disk what was not synced; it boots again",     \
      EVERY(30 * NEMESIS_S, 10 * NEMESIS_M), LASTS("back after", NEMESIS_S, 30 * NEMESIS_S),       \
      IN_FLIGHT)                                                                                   \
    X(restart, "restart node",                                                                     \
      "a node is asked to stop gracefully, and boots again; killed if it takes over two minutes",  \
      EVERY(20 * NEMESIS_S, 10 * NEMESIS_M), LASTS("back after", NEMESIS_S, 10 * NEMESIS_S))       \
    X(pause, "pause node", "a node stands still; time goes on",                                    \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", NEMESIS_S, 60 * NEMESIS_S), IN_FLIGHT)    \
    X(crash, "crash actor", "a process of a node dies; its supervisor sees to the rest",           \
      EVERY(NEMESIS_S, 2 * NEMESIS_M), IN_FLIGHT)                                                  \
    X(wipe, "wipe node",                                                                           \
      "a node dies and comes back without its disk; needs the budget \"disks wiped\"",             \
      EVERY(NEMESIS_M, 10 * NEMESIS_M), LASTS("back after", NEMESIS_S, 30 * NEMESIS_S))            \
    X(rolling, "rolling restart", "one node after the other is asked to stop, and boots again",    \
      EVERY(NEMESIS_M, 20 * NEMESIS_M), LASTS("back after", NEMESIS_S, 10 * NEMESIS_S),            \
      KEY("gap", "between", DURATION, 0, NEMESIS_YEAR, NEMESIS_S, 60 * NEMESIS_S,                  \
          "from one that is back to the next"))                                                    \
    X(loop, "crash loop", "a node dies again shortly after each boot, several times",              \
      EVERY(NEMESIS_M, 10 * NEMESIS_M), LASTS("back after", 100 * NEMESIS_MS, 10 * NEMESIS_S),     \
      KEY("dies", "dies after", DURATION, 0, NEMESIS_YEAR, NEMESIS_MS, 5 * NEMESIS_S,              \
          "from the boot to the next death"),                                                      \
      KEY("times", "times", COUNT, 1, 1000, 2, 10, "how often it dies"))

extern const char *const partition_shapes[]; /* "any" first; ends with NULL */

#define NEMESES_NET(X)                                                                             \
    X(cut, "cut link", "messages between two nodes vanish, one way or both",                       \
      EVERY(10 * NEMESIS_S, 3 * NEMESIS_M), LASTS("for", NEMESIS_S, 30 * NEMESIS_S), IN_FLIGHT)    \
    X(slow, "slow link", "messages between two nodes take longer, one way or both",                \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      AMOUNT("by", 10 * NEMESIS_MS, 2 * NEMESIS_S))                                                \
    X(tail, "slow tail", "a few messages between two nodes take very much longer",                 \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      SHARE(100, 2000), AMOUNT("up to", NEMESIS_S, 60 * NEMESIS_S))                                \
    X(trickle, "slow trickle", "the line between two nodes brings one message at a time, slowly",  \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      AMOUNT("each", 10 * NEMESIS_MS, NEMESIS_S))                                                  \
    X(lossy, "lossy link",                                                                         \
      "messages between two nodes get lost; a stream sends them again, so they are late",          \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      SHARE(100, 3000))                                                                            \
    X(duplicate, "duplicate messages", "messages between two nodes come twice (datagrams only)",   \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      SHARE(1000, 5000), AMOUNT("within", 10 * NEMESIS_MS, 10 * NEMESIS_S))                        \
    X(reorder, "reorder messages",                                                                 \
      "messages between two nodes overtake each other (datagrams only)",                           \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      SHARE(1000, 5000), AMOUNT("by", 10 * NEMESIS_MS, 5 * NEMESIS_S))                             \
    X(reset, "reset link", "the connection between two nodes is torn; both are told",              \
      EVERY(5 * NEMESIS_S, NEMESIS_M), IN_FLIGHT)                                                  \
    X(half_open, "half-open link",                                                                 \
      "the connection between two nodes is dead, and nobody is told (streams only)",               \
      EVERY(10 * NEMESIS_S, 3 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 2 * NEMESIS_M))           \
    X(refuse, "refuse connections",                                                                \
      "messages between two nodes are turned away at once, one way or both",                       \
      EVERY(10 * NEMESIS_S, 3 * NEMESIS_M), LASTS("for", NEMESIS_S, 30 * NEMESIS_S))               \
    X(partition, "partition", "the network falls apart: some nodes do not see others",             \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", NEMESIS_S, 60 * NEMESIS_S),               \
      WORD("shape", "shape", partition_shapes, "who does not see whom"))                           \
    X(flap, "flapping link", "a link goes down and up again, several times",                       \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      KEY("up", "up", DURATION, NEMESIS_MS, NEMESIS_YEAR, 100 * NEMESIS_MS, 5 * NEMESIS_S,         \
          "how long it works"),                                                                    \
      KEY("down", "down", DURATION, NEMESIS_MS, NEMESIS_YEAR, 100 * NEMESIS_MS, 5 * NEMESIS_S,     \
          "how long it does not"))

#define NEMESES_DISK(X)                                                                            \
    X(full_disk, "full disk", "no file of a disk can grow", EVERY(30 * NEMESIS_S, 10 * NEMESIS_M), \
      LASTS("for", NEMESIS_S, 2 * NEMESIS_M))                                                      \
    X(slow_disk, "slow disk", "each operation of a disk takes longer",                             \
      EVERY(30 * NEMESIS_S, 10 * NEMESIS_M), LASTS("for", 5 * NEMESIS_S, 2 * NEMESIS_M),           \
      KEY("amount", "by", DURATION, 1, NEMESIS_YEAR, NEMESIS_MS, 200 * NEMESIS_MS, "how much"))    \
    X(stall_disk, "stalled disk", "the next operation of a disk takes long",                       \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M),                                                        \
      KEY("amount", "by", DURATION, 1, NEMESIS_YEAR, NEMESIS_S, 30 * NEMESIS_S, "how long"))       \
    X(lying_disk, "lying disk",                                                                    \
      "syncs of a disk report success and make nothing durable; needs the budget \"disks lying\"", \
      EVERY(30 * NEMESIS_S, 10 * NEMESIS_M), LASTS("for", NEMESIS_S, 2 * NEMESIS_M))               \
    X(rot, "bit rot", "a bit of what is stored flips; needs the budget \"disks lying\"",           \
      EVERY(10 * NEMESIS_S, 5 * NEMESIS_M))

#define NEMESES_CLOCK(X)                                                                           \
    X(step_clock, "step clock", "a node's wall clock jumps, forward or back",                      \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M),                                                        \
      KEY("amount", "by", DURATION, 1, NEMESIS_YEAR, NEMESIS_MS, 2 * NEMESIS_M, "how far"))        \
    X(strobe_clock, "strobe clock", "a node's wall clock jumps forward and back, again and again", \
      EVERY(30 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", NEMESIS_S, 20 * NEMESIS_S),               \
      KEY("amount", "by", DURATION, 1, NEMESIS_YEAR, NEMESIS_MS, NEMESIS_M, "how far"),            \
      KEY("period", "period", DURATION, NEMESIS_MS, NEMESIS_M, 10 * NEMESIS_MS, NEMESIS_S,         \
          "between two jumps"))                                                                    \
    X(drift_clock, "drift clock", "a node's clocks run too fast or too slow",                      \
      EVERY(30 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 5 * NEMESIS_M),           \
      KEY("amount", "by", PERCENT, 0, 1000, 1, 100, "how much; the budget limits it"))             \
    X(stop_clock, "stop clock", "a node's wall clock stands still, and is behind afterwards",      \
      EVERY(30 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", NEMESIS_S, 60 * NEMESIS_S))

#define NEMESIS_KINDS(X) NEMESES_PROCESS(X) NEMESES_NET(X) NEMESES_DISK(X) NEMESES_CLOCK(X)

enum nemesis_number {
#define X(ident, ...) NEMESIS_##ident,
    NEMESIS_KINDS(X)
#undef X
        NEMESIS_KIND_COUNT
};

extern const struct nemesis_kind nemesis_kinds[NEMESIS_KIND_COUNT];

#endif
