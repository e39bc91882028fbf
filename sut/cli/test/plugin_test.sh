#!/bin/sh
# Workers in C from shared objects: what jobd refuses to load, and how they run.
. sut/cli/test/support.shlib
mkdir "$work/workers"
build() { ${CC:-cc} -shared -fPIC -Wall -Werror -I. "$@"; }
bad() { pattern=$1; shift; says 2 "$pattern" "$jobd" --database "$work/no.db" --check "$@"; }
plugin() { { echo '#include "sut/cli/jobs_plugin.h"'; cat; } >"$work/$1.c" && build "$work/$1.c" -o "$work/$1.so"; }
runs='static enum jobs_ending run(struct jobs_run *run) { (void)run; return JOBS_DONE; }'

# ---- what cannot be loaded ----
check 'no such file' bad 'cannot be loaded: .*/none.so: cannot open shared object file' --load "$work/none.so"
echo 'no object' >"$work/text.so"
check 'no object' bad 'cannot be loaded: .*/text.so: ' --load "$work/text.so"
echo 'int nothing;' | plugin empty
check 'no symbol' bad "empty.so: is no plugin: it has no symbol 'jobs_plugin'" --load "$work/empty.so"
echo 'extern int nobody(void); int call(void); int call(void) { return nobody(); }' | plugin missing
check 'a symbol that nobody has' bad 'cannot be loaded: .*undefined symbol: nobody' --load "$work/missing.so"
plugin other <<E
const struct jobs_plugin jobs_plugin = {JOBS_PLUGIN_VERSION + 1};
E
check 'another version' bad 'is of plugin version 2, and jobd loads version 1' --load "$work/other.so"
plugin none <<E
const struct jobs_plugin jobs_plugin = {JOBS_PLUGIN_VERSION, sizeof(struct jobs_plugin_worker)};
E
check 'no workers' bad 'none.so: has no workers' --load "$work/none.so"
plugin idle <<E
static const struct jobs_plugin_worker workers[] = {{"idle"}};
JOBS_PLUGIN("", workers);
E
check 'a worker without a function' bad 'worker 1 (idle): it has no function: run' --load "$work/idle.so"
plugin thread <<E
$runs
static const struct jobs_plugin_worker workers[] = {{"a", run}, {"b", run, 0, JOBS_IN_THREAD, 0, 7}};
JOBS_PLUGIN("", workers);
E
check 'memory of a thread' bad 'worker 2 (b): only in a child can its memory be limited' --load "$work/thread.so"
plugin good <<E
$runs
static const struct jobs_plugin_worker workers[] = {{"good", run}};
JOBS_PLUGIN("", workers);
E
cp "$work/good.so" "$work/twin.so"
check 'two of a name' bad 'twin.so: worker good is there already, from .*/good.so' --load "$work/good.so" --load "$work/twin.so"
plugin short <<E
$runs
struct old { const char *name; enum jobs_ending (*run)(struct jobs_run *run); void *ctx; };
static const struct old workers[] = {{"first", run}, {"second", run}};
const struct jobs_plugin jobs_plugin = {JOBS_PLUGIN_VERSION, sizeof(struct old), "", (const void *)workers, 2};
E
check 'a plugin with shorter structs' says 0 'worker second from .*/short.so, in a child process' "$jobd" --database "$work/no.db" --load "$work/short.so" --check
check 'nothing to run' says 2 'no workers: give --workers' "$jobd" --database "$work/no.db"

# ---- the example ----
check 'the example compiles' build sut/cli/examples/pictures.c -o "$work/pictures.so"
worker plain <<E
echo fine
E
worker crash <<E
exit 0
E
printf 'database = jobs.db\nworkers = workers\nload = pictures.so\nload = short.so\n' >"$work/jobd.conf"
check 'check lists them' says 0 'worker thumbnail from .*/pictures.so, in a child process' "$jobd" -c "$work/jobd.conf" --check
check 'and what is hidden' says 0 'worker crash is not used: .*/pictures.so has one of that name' "$jobd" -c "$work/jobd.conf" --check
for args in 'thumbnail {"picture":"cat.png"}' 'thumbnail {}' 'crash {}' 'watch {}' 'plain {}' 'second {}' 'unknown {}'; do
    ctl insert "${args%% *}" "${args#* }" --max-attempts 1 >/dev/null
done
: >"$work/log"
"$jobd" -c "$work/jobd.conf" 2>>"$work/log" &
daemon=$!
check 'a job in C' eventually 10 is 1 completed
check 'and its result' says 0 '"key": "job-1"' ctl show 1
check 'discarded' eventually 10 is 2 discarded
check 'with its words' error_is 2 'no "picture" in the arguments'
check 'a crash' eventually 10 is 3 discarded
check 'costs an attempt' error_is 3 'crashed: .*'
check 'a thread at its time limit' eventually 10 is 4 discarded
check 'which is said' error_is 4 '.*time.*'
check 'an executable beside them' eventually 10 is 5 completed
check 'one of the short structs' eventually 10 is 6 completed
check 'one that nobody has' error_is 7 '.*does not exist.*'
check 'jobd is there' stop 0 10
printf 'database = jobs.db\nload = pictures.so\nmemory = 64M\n' >"$work/jobd.conf"
ctl insert plain --max-attempts 1 >/dev/null
"$jobd" -c "$work/jobd.conf" 2>>"$work/log" &
daemon=$!
check 'without a directory' eventually 10 is 8 discarded
check 'executables are unknown' error_is 8 '.*no loaded file has it'
printf 'database = jobs.db\nload = short.so\n' >"$work/jobd.conf"
kill -HUP "$daemon"
check 'others cannot be loaded while it runs' eventually 5 grep -q "SIGHUP: 'load' cannot change" "$work/log"
check 'it ends' stop 0 10
finish
