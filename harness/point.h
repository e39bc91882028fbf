/* point.h: trace points and fault points, the one header a system under test includes.
 *
 *     TRACE(at, "job/perform/crash", T_U64("job", id), T_STR("reason", why));
 *     int err = FAULT(at, "store/ack/send", CAN_TIMEOUT | CAN_CRASH, T_U64("lease", lease));
 *
 * `at` is a `struct point_site *`: which node, which actor, where events go. TRACE records an event and
 * cannot fail. FAULT records an event and gives the harness a chance: it returns 0, or a negative errno
 * that the caller treats exactly like the real failure. A crash fault does not return. The order at a hit
 * is: delay, then fault, then record; the record says which fault was injected.
 *
 * A name is `area/noun/verb`, a string literal. The *first* field of a point is its key (the job, the
 * child, the connection): counters of fault terms and identities of choices are kept per key.
 *
 * A point registers itself at link time (linker section `duress_points`), so all points are known without
 * running anything. POINT_ABOUT("name", "one line") describes a point; every point has exactly one.
 *
 * Without DURESS_POINTS defined all of this compiles to nothing: no instruction, no string, no symbol, and
 * the arguments are not evaluated. Compiled in and idle (no sink), a point costs one load and one branch.
 */
#ifndef DURESS_POINT_H
#define DURESS_POINT_H

#include <stdint.h>

/* What may be injected at a fault point. DELAY needs a caller that can wait (a process, not a bare callback). */
enum point_kind {
    CAN_CRASH = 1 << 0,      /* the actor dies, as by an exception */
    CAN_KILL = 1 << 1,       /* the whole node dies, as by SIGKILL */
    CAN_POWEROFF = 1 << 2,   /* the node dies, and what its disk had not synced may be lost */
    CAN_ERROR = 1 << 3,      /* FAULT returns -errno */
    CAN_TIMEOUT = 1 << 4,    /* FAULT waits, then returns -ETIMEDOUT */
    CAN_DISCONNECT = 1 << 5, /* FAULT returns -ECONNRESET */
    CAN_DELAY = 1 << 6,      /* FAULT waits, then goes on */
    CAN_PAUSE = 1 << 7,      /* the whole node stands still for a while; time goes on */
    CAN_SHORT = 1 << 8,      /* a part of it is done, then it fails */
    CAN_LIE = 1 << 9,        /* it is not done, and success is reported */
    CAN_MISDIRECT = 1 << 10, /* it is done in another place, and success is reported */
    CAN_FLIP = 1 << 11,      /* one bit of it is wrong, and success is reported */
    POINT_QUIET = 1 << 16,   /* a busy point: recorded only when a fault was injected */
};
/* What a device does by itself: FAULT returns the kind, a positive enum fault_kind, and the simulated device, the only
 * one to declare these, does the rest. Never outside of the world. */
#define CAN_DEVICE (CAN_SHORT | CAN_LIE | CAN_MISDIRECT | CAN_FLIP)
#define CAN_DIE    (CAN_CRASH | CAN_KILL | CAN_POWEROFF)
#define CAN_NET    (CAN_DIE | CAN_TIMEOUT | CAN_DISCONNECT | CAN_DELAY | CAN_PAUSE)

struct point_sink;

/* Where a hit happens. A system keeps one in whatever it already passes around. `sink` NULL: points are idle. */
struct point_site {
    struct point_sink *sink;
    uint64_t actor; /* process, connection, ...: 0 for none */
    uint32_t node;  /* 0 for none */
    void *owner;    /* for the adapter: what dies or waits when a fault says so */
};

#ifdef DURESS_POINTS

enum field_type { FIELD_U64, FIELD_I64, FIELD_STR };

struct point_field {
    const char *name;
    enum field_type type;
    union {
        uint64_t u64;
        int64_t i64;
        const char *str; /* NULL reads as "" */
    };
};

#define POINT_FIELDS_MAX 8

/* One call site. All sites of one name are one point; kinds are or-ed. */
struct point {
    const char *name;
    const char *file;
    int line;
    uint32_t kinds;       /* enum point_kind, 0 for TRACE */
    uint32_t id;          /* index into the registry, sorted by name; set by registry_init() */
    uint32_t field_count; /* with field_names: the schema, filled at the first recorded hit */
    const char *field_names[POINT_FIELDS_MAX];
};

struct point_about {
    const char *name;
    const char *about;
};

/* Receives every hit. `fault` may not return (crash), may block the caller's fiber (delay), or returns 0 or
 * a negative errno. */
struct point_sink {
    void (*event)(struct point_sink *sink, struct point_site *at, struct point *point,
                  const struct point_field *fields, unsigned count);
    int (*fault)(struct point_sink *sink, struct point_site *at, struct point *point,
                 const struct point_field *fields, unsigned count);
};

#define T_U64(n, v) ((struct point_field){.name = (n), .type = FIELD_U64, .u64 = (uint64_t)(v)})
#define T_I64(n, v) ((struct point_field){.name = (n), .type = FIELD_I64, .i64 = (int64_t)(v)})
#define T_STR(n, v) ((struct point_field){.name = (n), .type = FIELD_STR, .str = (v)})

#define POINT_SECTION(s) __attribute__((section(s), used))

#define POINT_HERE(point_name, point_kinds)                                                        \
    static struct point point_here_ = {                                                            \
        .name = "" point_name "", .file = __FILE__, .line = __LINE__, .kinds = (point_kinds)};     \
    static struct point *const point_ref_ POINT_SECTION("duress_points") = &point_here_

#define POINT_CALL(method, at_, ...)                                                               \
    ({                                                                                             \
        const struct point_field fields_[] = {__VA_ARGS__};                                        \
        at_->sink->method(at_->sink, at_, &point_here_, fields_,                                   \
                          (unsigned)(sizeof fields_ / sizeof fields_[0]));                         \
    })

#define TRACE(at, name, ...)                                                                       \
    do {                                                                                           \
        POINT_HERE(name, 0);                                                                       \
        struct point_site *at_ = (at);                                                             \
        if (__builtin_expect(__atomic_load_n(&at_->sink, __ATOMIC_RELAXED) != 0, 0))               \
            POINT_CALL(event, at_, __VA_ARGS__);                                                   \
    } while (0)

#define FAULT(at, name, kinds, ...)                                                                \
    ({                                                                                             \
        POINT_HERE(name, kinds);                                                                   \
        struct point_site *at_ = (at);                                                             \
        int err_ = 0;                                                                              \
        if (__builtin_expect(__atomic_load_n(&at_->sink, __ATOMIC_RELAXED) != 0, 0))               \
            err_ = POINT_CALL(fault, at_, __VA_ARGS__);                                            \
        err_;                                                                                      \
    })

#define POINT_CONCAT_(a, b) a##b
#define POINT_CONCAT(a, b)  POINT_CONCAT_(a, b)
#define POINT_ABOUT(point_name, text)                                                              \
    static const struct point_about POINT_CONCAT(point_about_, __LINE__) = {"" point_name "",      \
                                                                            "" text ""};           \
    static const struct point_about *const POINT_CONCAT(point_about_ref_, __LINE__)                \
        POINT_SECTION("duress_abouts") = &POINT_CONCAT(point_about_, __LINE__)

#else /* release: nothing is left */

#define TRACE(at, name, ...)        ((void)sizeof(at))
#define FAULT(at, name, kinds, ...) ((void)sizeof(at), 0)
#define POINT_ABOUT(name, text)     _Static_assert(1, "")

#endif
#endif
