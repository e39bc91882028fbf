/* prop_guard.c: a property whose cases run in one process may still crash. It runs in a child; when that dies, the same
 * cases run again, each in a child of its own, and the one that kills is found, shrunk and told. */
#include "harness/process/fork.h"
#include "properties/prop_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells goes through the pipe, and its code is its exit status. */
_Noreturn static void guarded_child(const struct prop *prop, const struct prop_config *config,
                                    prop_tell *tell, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would listen any more */
    FILE *out = fdopen(fd, "w");
    int code = out ? tell(prop, config, out) : PROP_TOLD_MAX + 1;
    if (out && fclose(out))
        code = PROP_TOLD_MAX + 1;
    fflush(NULL);
    _exit(code);
}

static void pass_on(int fd, FILE *out)
{
    char buffer[4096];
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) != 0;) {
        if (got > 0)
            fwrite(buffer, 1, (size_t)got, out);
        else if (errno != EINTR)
            break;
    }
    close(fd);
}

/* Its code; > PROP_TOLD_MAX: it died. */
static int run_guarded(const struct prop *prop, const struct prop_config *config, prop_tell *tell,
                       FILE *out)
{
    int end;
    pid_t pid = fork_piped(&end);
    if (pid == 0)
        guarded_child(prop, config, tell, end);
    pass_on(end, out);
    int status = fork_reap(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : PROP_TOLD_MAX + 1;
}

int prop_guarded(const struct prop *prop, const struct prop_config *config, prop_tell *tell,
                 FILE *out)
{
    if (!prop->isolate) {
        int code = run_guarded(prop, config, tell, out);
        if (code <= PROP_TOLD_MAX)
            return code;
        if (config->screen)
            fprintf(config->screen, "%s/%s: the process died; again, a process for each case\n",
                    prop->suite, prop->name);
    }
    struct prop alone = *prop;
    alone.isolate = true;
    return tell(&alone, config, out);
}
