/* What a daemon tells who started it, and when it tells its watchdog that it lives. */
#include "sut/cli/jobd.h"
#include "sut/jobs/internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static int listener(const char *name, struct sockaddr_un *to)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(to->sun_path, name, strlen(name));
    if (name[0] == '@')
        to->sun_path[0] = '\0';
    cr_assert_eq(bind(fd, (const struct sockaddr *)to, size), 0);
    return fd;
}

static void told(int fd, const char *expected)
{
    char text[256];
    ssize_t size = recv(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    cr_assert_str_eq(text, expected);
}

Test(notify, goes_to_the_socket_that_is_named_and_leaves_no_trace_in_the_environment)
{
    struct notify notify;
    struct sockaddr_un to;
    char name[64];
    snprintf(name, sizeof name, "@duress-test-notify-%d", (int)getpid());
    int fd = listener(name, &to);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    notify_init(&notify);
    cr_assert_eq(notify.watchdog_ns, 3 * NS_PER_S);
    cr_assert_null(getenv("NOTIFY_SOCKET"));
    cr_assert_null(getenv("WATCHDOG_USEC"));
    cr_assert(notify_send(&notify, "READY=1\nSTATUS=%s", "well"));
    told(fd, "READY=1\nSTATUS=well");
    notify_done(&notify);
    close(fd);
}

Test(notify, is_silent_where_nobody_listens)
{
    const char *const names[] = {NULL, "", "relative", "/nowhere/at/all"};
    for (size_t i = 0; i < 4; ++i) {
        struct notify notify;
        unsetenv("NOTIFY_SOCKET");
        if (names[i])
            setenv("NOTIFY_SOCKET", names[i], 1);
        notify_init(&notify);
        cr_assert_not(notify_send(&notify, "READY=1"));
        notify_done(&notify);
    }
}

Test(notify, keeps_to_the_watchdog_of_its_own_process)
{
    const struct {
        const char *us, *pid;
        int64_t ns;
    } cases[] = {
        {"10", NULL, 10000}, {"10", "1", 0}, {"x", NULL, 0}, {"0", NULL, 0}, {"-5", NULL, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct notify notify;
        setenv("NOTIFY_SOCKET", "@somewhere", 1);
        setenv("WATCHDOG_USEC", cases[i].us, 1);
        if (cases[i].pid)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        notify_init(&notify);
        cr_assert_eq(notify.watchdog_ns, cases[i].ns, "%s", cases[i].us);
        notify_done(&notify);
    }
}

Test(watchdog, is_told_only_while_everything_moves)
{
    struct jobs jobs = {.moved_ns = 100 * NS_PER_S};
    struct daemon daemon = {.jobs = &jobs,
                            .config = {.poll_ns = NS_PER_S},
                            .notify = {.watchdog_ns = 10 * NS_PER_S},
                            .pulse_ns = 100 * NS_PER_S};
    cr_assert(jobd_moves(&daemon, 105 * NS_PER_S));
    cr_assert_not(jobd_moves(&daemon, 111 * NS_PER_S), "the runtime stands still");
    daemon.pulse_ns = 130 * NS_PER_S;
    cr_assert(jobd_moves(&daemon, 131 * NS_PER_S),
              "a database that hangs is not ours to be ended for");
    daemon.pulse_ns = 140 * NS_PER_S;
    cr_assert_not(jobd_moves(&daemon, 141 * NS_PER_S), "the housekeeping stands still");
}
