/* notify.c: see notify.h. */
#include "sut/cli/notify.h"
#include "sut/cli/words.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_US INT64_C(1000)

/* A path, or, behind a '@', an abstract name. */
static bool address(struct notify *notify, const char *name)
{
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length >= sizeof notify->to.sun_path)
        return false;
    notify->to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify->to.sun_path, name, length);
    if (name[0] == '@')
        notify->to.sun_path[0] = '\0';
    notify->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

/* Only if it is meant for this process. */
static int64_t watchdog_ns(void)
{
    const char *time = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    int64_t us, pid;
    if (!time || !words_number(time, 1, INT64_MAX / NS_PER_US, &us))
        return 0;
    if (whose && (!words_number(whose, 1, INT32_MAX, &pid) || pid != getpid()))
        return 0;
    return us * NS_PER_US;
}

void notify_init(struct notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){.fd = -1, .watchdog_ns = watchdog_ns()};
    if (name && address(notify, name))
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd < 0)
        notify->watchdog_ns = 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_done(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

bool notify_send(const struct notify *notify, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (notify->fd < 0 || length < 0)
        return false;
    size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return sendto(notify->fd, text, size, MSG_NOSIGNAL, (const struct sockaddr *)&notify->to,
                  notify->to_size) == (ssize_t)size;
}
