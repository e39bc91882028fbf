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

#define NEMESES_PROCESS(X)                                                                         \
    X(kill, "kill node", "a node dies as by SIGKILL, and boots again",                             \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("back after", NEMESIS_S, 30 * NEMESIS_S))        \
    X(power, "power loss", "a node loses power, its disk what was not synced; it boots again",     \
      EVERY(30 * NEMESIS_S, 10 * NEMESIS_M), LASTS("back after", NEMESIS_S, 30 * NEMESIS_S))       \
    X(restart, "restart node",                                                                     \
      "a node is asked to stop gracefully, and boots again; killed if it takes over two minutes",  \
      EVERY(20 * NEMESIS_S, 10 * NEMESIS_M), LASTS("back after", NEMESIS_S, 10 * NEMESIS_S))       \
    X(pause, "pause node", "a node stands still; time goes on",                                    \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", NEMESIS_S, 60 * NEMESIS_S))

#define NEMESES_NET(X)                                                                             \
    X(cut, "cut link", "messages between two nodes vanish, one way or both",                       \
      EVERY(10 * NEMESIS_S, 3 * NEMESIS_M), LASTS("for", NEMESIS_S, 30 * NEMESIS_S))               \
    X(slow, "slow link", "messages between two nodes take longer, one way or both",                \
      EVERY(20 * NEMESIS_S, 5 * NEMESIS_M), LASTS("for", 10 * NEMESIS_S, 60 * NEMESIS_S),          \
      KEY("amount", "by", DURATION, 1, NEMESIS_YEAR, 10 * NEMESIS_MS, 2 * NEMESIS_S, "how much"))

#define NEMESIS_KINDS(X) NEMESES_PROCESS(X) NEMESES_NET(X)

enum nemesis_number {
#define X(ident, ...) NEMESIS_##ident,
    NEMESIS_KINDS(X)
#undef X
        NEMESIS_KIND_COUNT
};

extern const struct nemesis_kind nemesis_kinds[NEMESIS_KIND_COUNT];

#endif
