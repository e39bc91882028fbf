/* support_pg.c: see support_pg.h. A test of Criterion is a process of its own, made anew from the program: it knows the shared
 * server by the environment only, and holds no end of its pipes. */
#define _GNU_SOURCE /* pipe2 */
#include "sut/store/test/support_pg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARED "DURESS_TEST_PG"

/* A line without its end; false: there will be none. */
static bool line_read(int fd, char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        char byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        if (byte == '\n')
            break;
        if (length + 1 < size)
            line[length++] = byte;
    }
    line[length] = '\0';
    return true;
}

/* What follows `word` in the next line goes to `rest`, of 256 bytes. Else -1, with what it said instead. */
static int expect(struct pg_server *server, const char *word, char *rest, char *why, size_t size)
{
    char line[256] = "pg_server: no answer";
    size_t length = strlen(word);
    if (line_read(server->out, line, sizeof line) && strncmp(line, word, length) == 0) {
        if (rest)
            strcpy(rest, line + length);
        return 0;
    }
    snprintf(why, size, "%s", line);
    return -1;
}

static _Noreturn void server_exec(int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execl("/bin/sh", "sh", "sut/store/test/pg_server", (char *)NULL);
    _exit(127);
}

int pg_server_start(struct pg_server *server, char *why, size_t why_size)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || (server->pid = fork()) < 0) {
        snprintf(why, why_size, "%s", strerror(errno));
        return -1;
    }
    if (server->pid == 0)
        server_exec(in[0], out[1]);
    close(in[0]);
    close(out[1]);
    server->in = in[1];
    server->out = out[0];
    int err = expect(server, "ready ", server->conninfo, why, why_size);
    if (err)
        pg_server_stop(server);
    return err;
}

int pg_server_tell(struct pg_server *server, const char *order, char *why, size_t why_size)
{
    dprintf(server->in, "%s\n", order);
    return expect(server, "ok", NULL, why, why_size);
}

void pg_server_stop(struct pg_server *server)
{
    close(server->in);
    close(server->out);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- one for all tests of a program ---- */

static struct pg_server shared;

void pg_server_share(void)
{
    char why[256];
    if (pg_server_start(&shared, why, sizeof why) != 0) {
        fprintf(stderr, "no PostgreSQL to test with: %s\n", why);
        exit(1);
    }
    setenv(SHARED, shared.conninfo, 1);
}

void pg_server_unshare(void)
{
    pg_server_stop(&shared);
}

const char *pg_server_conninfo(void)
{
    return getenv(SHARED);
}
