/* notify.h: what a daemon tells who started it (systemd's Type=notify): datagrams to the socket that NOTIFY_SOCKET names. Where
 * there is none, nothing is told, and nothing is wrong. */
#ifndef SUT_CLI_NOTIFY_H
#define SUT_CLI_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody is told */
    struct sockaddr_un to;
    socklen_t to_size;
    int64_t
        watchdog_ns; /* so often at least it must hear WATCHDOG=1; 0: it does not listen for that */
};

/* Reads the environment, and takes what is for this process alone out of it. */
void notify_init(struct notify *notify);
void notify_done(struct notify *notify);

/* "READY=1\nSTATUS=..."; false: it could not be told. */
bool notify_send(const struct notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
