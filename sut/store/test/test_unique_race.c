/* test_unique_race.c: many processes that ask for the same unique job at the same time, on one SQLite file: on connections of
 * their own, in transactions of their own, some of which roll back. There is one job at most, whoever dies or gives up, and one
 * at least if anybody commits. */
#include "sut/jobs/unique.h"
#include "sut/store/test/fixture.h"

#include <sys/wait.h>

enum { INSERTERS = 50, ROUNDS = 3 };

TestSuite(unique_race, .init = dir_make, .fini = dir_remove);

/* What one of them was told. */
struct answer {
    uint64_t id;
    int err;
    bool conflict, committed;
};

static const struct job_unique unique = {.period_ms = JOB_UNIQUE_FOREVER,
                                         .fields = JOB_UNIQUE_WORKER};

static bool sql(sqlite3 *conn, const char *text)
{
    return sqlite3_exec(conn, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* SQLite's own patience doubles its pauses: too long for a race. */
static int again(void *ctx, int tries)
{
    (void)ctx, (void)tries;
    usleep(200);
    return 1;
}

/* In a transaction of the caller, which every third one gives up and every seventh one dies in. */
static struct answer ask(int number, const char *worker)
{
    struct answer answer = {.err = -EIO};
    struct job_spec spec = {.worker = worker, .unique = &unique};
    sqlite3 *conn = NULL;
    char problem[160];
    sqlite3_open(path, &conn);
    sqlite3_busy_handler(conn, again, NULL);
    if (!sql(conn, "BEGIN IMMEDIATE"))
        return answer;
    answer.err = store_sqlite_insert_tx(conn, &spec, 1, &answer.id, &answer.conflict, problem,
                                        sizeof problem);
    if (number % 7 == 3)
        _exit(0);
    answer.committed = sql(conn, number % 3 == 1 ? "ROLLBACK" : "COMMIT") && number % 3 != 1;
    sqlite3_close(conn);
    return answer;
}

/* All of them begin when the other end of `gate` is closed. */
static pid_t inserter(int number, const char *worker, const int gate[2], int out)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char byte;
    close(gate[1]);
    ssize_t got = read(gate[0], &byte, 1);
    struct answer answer = ask(number, worker);
    got = write(out, &answer, sizeof answer);
    _exit(got == sizeof answer ? 0 : 1);
}

static size_t answers_of(int in, struct answer *answers)
{
    size_t count = 0;
    while (count < INSERTERS && read(in, &answers[count], sizeof *answers) == sizeof *answers)
        ++count;
    return count;
}

static size_t race(const char *worker, struct answer *answers)
{
    int gate[2], pipes[2];
    pid_t pids[INSERTERS];
    cr_assert_eq(pipe(gate) | pipe(pipes), 0);
    for (int i = 0; i < INSERTERS; ++i)
        pids[i] = inserter(i, worker, gate, pipes[1]);
    close(gate[0]);
    close(gate[1]);
    close(pipes[1]);
    size_t count = answers_of(pipes[0], answers);
    close(pipes[0]);
    for (int i = 0; i < INSERTERS; ++i)
        waitpid(pids[i], NULL, 0);
    return count;
}

static struct store_reply list_all(struct store_db *db)
{
    struct store_reply reply;
    struct store_request request = {.op = STORE_LIST, .limit = 1000};
    store_execute(db, &request, &heap, &reply);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    return reply;
}

Test(unique_race, c9_fifty_inserters_some_of_which_roll_back_or_die)
{
    static const char *const workers[ROUNDS] = {"a", "b", "c"};
    struct store_db *db = open_at(path, true);
    cr_assert_not_null(db, "%s", why);
    for (size_t round = 0; round < ROUNDS; ++round) {
        struct answer answers[INSERTERS] = {0};
        size_t count = race(workers[round], answers), fresh = 0;
        struct store_reply reply = list_all(db);
        cr_assert_eq(reply.job_count, round + 1, "one each");
        uint64_t id = reply.jobs[round].id;
        cr_assert_gt(count, INSERTERS / 2);
        for (size_t i = 0; i < count; ++i) {
            cr_assert_eq(answers[i].err, 0, "%d", answers[i].err);
            if (answers[i].committed)
                cr_assert_eq(answers[i].id, id);
            fresh += answers[i].committed && !answers[i].conflict;
        }
        cr_assert_eq(fresh, 1, "one of them made it");
    }
    store_close(db);
    heap_done(&heap);
}
