#!/bin/sh
# jobd, from the outside: what it refuses, how executables become outcomes, and how it ends.
. sut/cli/test/support.shlib
mkdir "$work/workers"

# ---- what it was told ----
conf() { printf "$1" >"$work/jobd.conf"; }
bad_conf() { conf "$1"; says 2 "$2" "$jobd" -c "$work/jobd.conf"; }
bad() { pattern=$1; shift; says 2 "$pattern" "$jobd" --database "$work/no.db" --workers "$work/workers" "$@"; }

check 'nothing said' says 2 'no database: give --database FILE' "$jobd"
check 'no workers' says 2 'no workers: give --workers DIR' "$jobd" --database x.db
check 'unknown key' bad_conf 'database = x\n\nlaese = 3s\n' "jobd.conf:3: unknown key 'laese'; did you mean 'lease'?"
check 'no value' bad_conf 'database\n' 'jobd.conf:1: .database. is not .key = value.'
check 'empty value' bad_conf 'database =  # nothing\n' 'jobd.conf:1: database: must not be empty'
check 'said twice' bad_conf 'poll = 1s\npoll = 2s\n' 'jobd.conf:2: .poll. was set before, in line 1'
check 'no time' bad_conf 'poll = 1\n' 'jobd.conf:1: poll: .1. is no time'
check 'too short' bad_conf 'lease = 10ms\n' 'jobd.conf:1: lease: .10ms. is not between 1s and 1d'
check 'queue without a name' bad_conf 'queue = 3\n' 'queue NAME = LIMIT'
check 'queue limit' bad_conf 'queue mail = many\n' 'mail=many. is not NAME=LIMIT'
check 'queue twice' bad_conf 'queue a = 1\nqueue a = 2\n' 'jobd.conf:2: queue: the queue .a. is there twice'
check 'durability' bad_conf 'durability = most\n' 'neither full nor normal'
check 'no such file' says 2 'none.conf: cannot be read: No such file' "$jobd" -c "$work/none.conf"
check 'a directory' says 2 'cannot be read: Is a directory' "$jobd" -c "$work"
check 'the environment names it' says 2 'jobd.conf:1: durability' env JOBD_CONFIG="$work/jobd.conf" "$jobd"
check 'all of it in the environment' says 0 'env.db (full).*queues a=1 b=2, lease 12s, poll 1s' \
    env JOBD_DATABASE="$work/env.db" JOBD_WORKERS="$work/workers" JOBD_QUEUE='a=1, b=2' JOBD_POLL=1s "$jobd" --check
check 'options stand above it' says 0 'queues c=3, lease 12s, poll 2s' \
    env JOBD_QUEUE='a=1' JOBD_POLL=1s "$jobd" --database "$work/env.db" --workers "$work/workers" --queue c=3 --poll 2s --check
check 'a mistake in it' says 2 "JOBD_POLL: poll: 'soon' is no time" env JOBD_POLL=soon "$jobd" --database x.db --workers "$work/workers"
check 'unknown option' bad 'did you mean --durability?' --durabilty full
check 'bad option' bad '\-\-grace: .soon. is no time' --grace soon
check 'word too many' bad 'is no option' now
check 'no such workers' says 2 'workers. directory cannot be read: No such file or directory; make it' "$jobd" --database x.db --workers "$work/none"
check 'no such directory' says 3 'the directory .*/none does not exist; make it' "$jobd" --database "$work/none/x.db" --workers "$work/workers"
head -c 5000 /dev/urandom >"$work/noise"
check 'no database' says 3 'is not an SQLite database; name another file' "$jobd" --database "$work/noise" --workers "$work/workers"
conf 'database = jobs.db # beside this file\nworkers = workers\nqueue mail = 2\nlease=3s\n'
ln -s /bin/true "$work/workers/link"
echo 'exit 0' >"$work/workers/plain"
mkdir "$work/workers/folder"
check 'check' says 0 "database $work/jobs.db (full), workers $work/workers, queues mail=2, lease 3s" "$jobd" -c "$work/jobd.conf" --check
check 'options win' says 0 'queues a=1 b=2, lease 4s' "$jobd" -c "$work/jobd.conf" --queue a=1 --queue b=2 --lease 4s --check
check 'check tells what cannot be run' says 0 'worker link cannot be run: it is a symbolic link' "$jobd" -c "$work/jobd.conf" --check
check 'check makes nothing' not test -e "$work/jobs.db"
check 'help' says 0 'usage: jobd' "$jobd" --help

# ---- outcomes ----
worker ok <<'E'
echo fine; cat >"$(dirname "$0")/../input"; env >"$(dirname "$0")/../env"
E
worker fail <<'E'
echo 'all is well'; echo 'the printer is on fire  ' >&2; echo; exit 3
E
worker silent <<'E'
exit 3
E
worker cancel <<'E'
echo 'not wanted any more'; exit 10
E
worker discard <<'E'
printf 'caf\303\251 \033[1m\377'; exit 11
E
worker snooze <<'E'
echo 3600; exit 12
E
worker drowsy <<'E'
echo soon; exit 12
E
worker segv <<'E'
kill -SEGV $$
E
worker flood <<'E'
head -c 3000000 /dev/zero | tr '\0' x; exit 1
E
worker slow <<'E'
sleep 300 & echo $! >"$(dirname "$0")/../slow"; wait
E
worker stubborn <<'E'
trap '' TERM; echo $$ >"$(dirname "$0")/../stubborn"; while :; do sleep 1; done
E
worker litter <<'E'
sleep 300 & echo $! >"$(dirname "$0")/../litter"
E
printf '\177ELF no' >"$work/workers/broken"
chmod +x "$work/workers/broken"
for name in ok fail silent cancel discard snooze drowsy segv flood slow stubborn litter broken link plain folder none ../ok .ok; do
    ctl insert "$name" '{"to": "x"}' --max-attempts 1 >/dev/null
done
# In this order: what is claimed between the two looks is seen by the second.
ended_all() { says 0 '^available  *0$' ctl stats && says 0 '^executing  *0$' ctl stats; }
start --timeout 1s --queue default=20
check 'all of them end' eventually 20 ended_all
check 'ok' is 1 completed
check 'arguments' grep -qx '{"to": "x"}' "$work/input"
check 'environment: id' grep -qx 'JOB_ID=1' "$work/env"
check 'environment: key' grep -qx 'JOB_IDEMPOTENCY_KEY=job-1' "$work/env"
check 'environment: nothing of ours' not grep -q '^work=\|^LC_ALL=' "$work/env"
check 'error: last line' error_is 2 'the printer is on fire'
check 'error: discarded at the last attempt' is 2 discarded
check 'error without a word' error_is 3 'exit status 3'
check 'cancel' is 4 cancelled
check 'cancel: text' error_is 4 'not wanted any more'
check 'discard' error_is 5 'café ?\[1m?'
check 'snooze' is 6 scheduled
check 'snooze gives the attempt back' says 0 '0 of 1, snoozed 1 times' ctl show 6
check 'snooze without seconds' error_is 7 '.*no number of seconds: soon'
check 'signal' error_is 8 'killed by SIGSEGV'
check 'much output' error_is 9 'xxxxxxxxxx*'
check 'time limit' error_is 10 'timed out after 1s'
check 'time limit: its children too' gone "$work/slow"
check 'time limit: SIGKILL' error_is 11 'timed out after 1s'
check 'time limit: dead' gone "$work/stubborn"
check 'left behind' is 12 completed
check 'left behind: killed' gone "$work/litter"
check 'not executable by the kernel' error_is 13 'cannot be executed: Exec format error'
check 'symbolic link' error_is 14 '.*is a symbolic link.*'
check 'no permission' error_is 15 '.*is not executable'
check 'folder' error_is 16 '.*is not a regular file'
check 'missing' error_is 17 '.*does not exist'
check 'out of the directory' error_is 18 '.*is no file name.*'
check 'hidden' error_is 19 '.*is no file name.*'
check 'job-log' bad_conf 'job-log = xml\n' 'neither text, json nor none'
check 'a line for each' grep -q 'warn  job 2 fail attempt 1: error in [0-9]* ms: the printer is on fire' "$work/log"

# ---- another process's inserts, cancelling, signals ----
worker nap <<'E'
echo $$ >"$(dirname "$0")/../nap"; sleep "$(tr -dc 0-9)"
E
ctl insert ok >/dev/null
check 'picks up new jobs' eventually 3 is 20 completed
kill -HUP "$daemon"
check 'hangup' eventually 3 grep -q 'SIGHUP: jobd .*; 0 cron entries' "$work/log"
worker mute <<'E'
exec >&- 2>&-; sleep 0.5
E
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
calm() { before=$(ticks); sleep 0.25; [ $(($(ticks) - before)) -lt 10 ]; }
ctl insert mute >/dev/null
eventually 3 is 21 executing
check 'waits without work for a program that closed its output' calm
check 'and for its end' eventually 3 is 21 completed
check 'Ctrl-C without jobs' stop 0 2 INT

start --lease 1s
ctl insert nap '{"s": 300}' >/dev/null
check 'runs' eventually 3 test -s "$work/nap"
ctl cancel 22 >/dev/null
check 'cancelled: killed at the next heartbeat' eventually 3 gone "$work/nap"
check 'cancelled: stays so' is 22 cancelled
rm -f "$work/nap"

# ---- drain ----
ctl insert nap '{"s": 1}' >/dev/null
check 'one runs' eventually 3 test -s "$work/nap"
kill -TERM "$daemon"
eventually 3 grep -q 'takes no more jobs' "$work/log"
ctl insert ok >/dev/null
check 'ends when its job has ended' ended 0 5
check 'which is completed' is 23 completed
check 'and begins no other' is 24 available
check 'and says so' grep -q 'nothing was left running' "$work/log"

rm -f "$work/nap"
ctl insert nap '{"s": 300}' >/dev/null
start --grace 300ms
check 'another runs' eventually 3 test -s "$work/nap"
check 'the grace is over' stop 0 5
check 'killed' eventually 3 gone "$work/nap"
check 'left to rescue' is 25 executing
check 'and counted' grep -q 'did not end in time and will be run again: 1' "$work/log"

rm -f "$work/nap"
ctl insert nap '{"s": 300}' >/dev/null
start
check 'a third runs' eventually 3 test -s "$work/nap"
kill -TERM "$daemon"
eventually 3 grep -q 'takes no more jobs' "$work/log"
check 'a second signal ends at once' stop 1 2
check 'killed too' eventually 3 gone "$work/nap"

# ---- kill -9 ----
worker tree <<'E'
echo $$ >"$(dirname "$0")/../leader"; sleep 300 & echo $! >"$(dirname "$0")/../child"; wait
E
ctl insert tree >/dev/null
start
check 'a tree of processes runs' eventually 3 test -s "$work/child"
check 'kill -9' stop 137 2 KILL
check 'its child dies' eventually 3 gone "$work/leader"
check 'and the children of that' eventually 3 gone "$work/child"

# ---- the build with points, under duress ----
jobd=$BUILD/jobd
rm -f "$work"/jobs.db*
ctl insert ok >/dev/null
faults() { DURESS_FAULTS=$1 start; }
check 'faults: a mistake' says 2 "did you mean 'store/ack/reply'" env DURESS_FAULTS='store/ack/replx: crash' \
    "$jobd" --database "$work/jobs.db" --workers "$work/workers"
faults 'store/ack/reply: 1*disconnect'
check 'faults: completed in spite of a lost reply' eventually 5 is 1 completed
check 'faults: which was noticed' eventually 5 grep -q 'does not answer (Connection reset by peer)' "$work/log"
check 'faults: stops' stop 0 5
ctl insert ok >/dev/null
faults 'job/perform/stop: kill'
check 'faults: killed' ended 137 5
check 'faults: what it ran waits for rescue' is 2 executing
# ---- jobs that ask for too much ----
worker greedy <<'E'
if head -c 400000000 /dev/zero | tail >/dev/null; then echo 'got it all'; else echo 'there was an end to it'; exit 10; fi
E
worker poison <<'E'
kill -9 "$PPID"; sleep 60
E
insert() { ctl insert "$@" | sed 's/[^0-9]*//'; }
poison=$(insert poison)
start --memory 64M --crashes 2 --lease 1s
check 'a job takes its daemon down' ended 137 10
start --memory 64M --crashes 2 --lease 1s
check 'and the next' ended 137 10
start --memory 64M --crashes 2 --lease 1s
check 'and is given up then' eventually 10 is "$poison" discarded
check 'with the reason' error_is "$poison" 'lease ran out 2 times in a row: no run of it comes to an end'
greedy=$(insert greedy)
check 'a job does not get all the memory that it likes' eventually 10 is "$greedy" cancelled
check 'jobd goes on' stop 0 5

# ---- a line for each run ----
start --job-log json
ctl insert fail --max-attempts 1 >/dev/null
check 'as JSON' eventually 3 grep -q '^{"at":"20.*Z","event":"job/exception","node":".*","job":[0-9]*,"worker":"fail","queue":"default","attempt":1,"max_attempts":1,"outcome":"error","waited_ms":[0-9]*,"duration_ms":[0-9]*,"error":"the printer is on fire"}$' "$work/log"
check 'and not as text' not grep -q 'job [0-9]* fail' "$work/log"
check 'stops' stop 0 5
finish
