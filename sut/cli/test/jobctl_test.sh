#!/bin/sh
# jobctl, from the outside: what it prints, what it refuses, and its exit status.
. sut/cli/test/support.shlib

lines() { printf "$1" | ctl insert w --lines $2; }
total() { says 0 "^total  *$1\$" ctl stats; }
from() { file=$1; shift; "$@" <"$file"; }

# ---- mistakes ----
check 'needs a database' says 2 'no database' "$jobctl" stats
check 'needs a command' says 2 'what is to be done' ctl
check 'help is a command, too' says 0 '^usage: jobctl' ctl help
check 'names are for terminals' says 2 'has a control character' ctl insert "$(printf 'a\033b')"
check 'a directory' says 3 '/: cannot be opened: Is a directory; name a file in it' "$jobctl" --database / stats
check 'unknown command' says 2 "unknown command 'lsit'; did you mean list?" ctl lsit
check 'c32_unknown_option' says 2 'did you mean --priority?' ctl insert w --prioritty 3
check 'option of another command' says 2 '\-\-priority is no option of .list' ctl list --priority 3
check 'a value is missing' says 2 '\-\-queue needs a value' ctl list --queue
check 'arguments that are no object' says 2 'arguments:1:1: not an object' ctl list --args 7
check 'unknown state' says 2 'did you mean available?' ctl list --state availible
check 'too many words' says 2 'is too much' ctl stats now
check 'too few words' says 2 'more is needed' ctl show
check 'no id' says 2 'is no job.s id' ctl show seven
check 'id 0' says 2 'is no job.s id' ctl retry 0
check 'priority 10' says 2 'between 0 and 9' ctl insert w --priority 10
check 'c29_time_without_a_unit' says 2 'is no time' ctl insert w --in 90
check 'an empty worker' says 2 'worker' ctl insert ''
check 'help' says 0 'usage: jobctl' "$jobctl" --help

# ---- the database ----
check 'no such file' says 3 'No such file.*jobctl\|No such file.*insert a job' ctl stats
check 'no such directory' says 3 'the directory .*/none does not exist' "$jobctl" --database "$work/none/jobs.db" insert w
head -c 5000 /dev/urandom >"$work/noise"
check 'not a database' says 3 'is not an SQLite database; name another' "$jobctl" --database "$work/noise" stats
check 'no file was made' not test -e "$work/jobs.db"
check 'the environment says where' says 3 'env.db: .*No such file' env JOBD_DATABASE="$work/env.db" "$jobctl" stats
check 'migrate makes it' says 0 '^schema [0-9]*, made$' env JOBD_DATABASE="$work/env.db" "$jobctl" migrate
check 'once' says 0 '^schema [0-9]*, as it was$' env JOBD_DATABASE="$work/env.db" "$jobctl" migrate
check 'and says so as JSON' says 0 '^{"schema":\([0-9]*\),"was":\1}$' env JOBD_DATABASE="$work/env.db" "$jobctl" migrate --json
check 'an option stands above it' says 3 'other.db: ' env JOBD_DATABASE="$work/env.db" "$jobctl" --database "$work/other.db" stats

check 'a file that may not grow' says 3 'limit.db: .*disk I/O error\|full' \
    sh -c "\"$jobctl\" --database $work/limit.db migrate && ulimit -f 300 && \"$jobctl\" --database $work/limit.db insert w --count 5000"
check 'loses nothing' says 0 '^available  *[0-9]*000$\|^available  *0$' "$jobctl" --database "$work/limit.db" stats

# ---- insert ----
check 'insert' says 0 '^job 1$' ctl insert hello '{"a": [1, 2.5, "é"]}'
check 'its arguments are kept as they are' says 0 '{"a": \[1, 2.5, "é"\]}$' ctl list
check 'bad JSON: place' says 2 'arguments:1:8: not JSON' ctl insert hello '{"a":1,}'
check 'bad JSON: caret' says 2 '^         ^$' ctl insert hello '{"a":1,}'
check 'no object' says 2 'arguments:1:1: not an object' ctl insert hello '[1]'
check 'no object as meta' says 2 'meta:1:1: not an object' ctl insert hello --meta 7
check 'two times' says 2 'both a delay and a time' ctl insert hello --in 5m --at 2030-01-31T18:30:00Z
check 'no time' says 2 "'tomorrow' is no time" ctl insert hello --at tomorrow
check 'a key twice' says 2 'duplicate' ctl insert hello '{"a":1,"a":2}'
deep=$(printf '[%.0s' $(seq 128))
check 'too deep' says 2 'nested more than 128 deep' ctl insert hello "{\"a\":$deep$(echo "$deep" | tr '[' ']')}"
printf '{\n "a": tru\n}' >"$work/bad.json"
check 'bad JSON from a file' says 2 'standard input:2:' from "$work/bad.json" sh -c "\"$jobctl\" --database $work/jobs.db insert w - <$work/bad.json"
{ printf '{"x":"'; head -c 1048575 /dev/zero | tr '\0' x; printf '"}'; } >"$work/large.json"
check 'more than 1 MiB' sh -c "\"$jobctl\" --database $work/jobs.db insert w - <$work/large.json 2>&1 | grep 'at most 1048576'"
check 'nothing of that was inserted' total 1
check 'from standard input' sh -c "echo '{\"b\": 2}' | \"$jobctl\" --database $work/jobs.db insert w - | grep '^job 2$'"
check 'copies' says 0 '^3 jobs, 3 to 5$' ctl insert w --count 3 --queue mail --priority 2 --max-attempts 7 --in 1h
check 'their numbers' says 0 'priority 2' ctl show 4
check 'their attempts' says 0 '0 of 7$' ctl show 4
check 'later' says 0 '^scheduled  *3$' ctl stats
check 'no lines' sh -c "\"$jobctl\" --database $work/jobs.db insert w --lines </dev/null | grep '^0 jobs'"
seq -f '{"n":%g}' 2500 >"$work/lines"
check 'lines, in chunks' sh -c "\"$jobctl\" --database $work/jobs.db insert w --lines <$work/lines | grep '^2500 jobs, 6 to 2505$'"
check 'each its own' says 0 '"n": 1700$' ctl show 1705
echo 'nil' >>"$work/lines"
check 'a bad line' sh -c "\"$jobctl\" --database $work/jobs.db insert w --lines <$work/lines 2>&1 | grep 'standard input:2501:'"
check 'inserts nothing' total 2505
check 'lines or copies' says 2 'do not go together' ctl insert w --lines --count 2

# ---- unique ----
alone() { "$jobctl" --database "$work/alone.db" "$@"; }
check 'unique' says 0 '^job 1$' alone insert w '{"a":1,"b":2}' --unique true
check 'and again, in other words' says 0 '^job 1, which is there already$' alone insert w '{"b":2.0,"a":1}' --unique true
check 'as JSON' says 0 '^{"ids":\[1\],"conflicts":\[true\]}$' alone --json insert w '{"a":1,"b":2}' --unique period=1h
check 'another one' says 0 '^job [0-9]*$' alone insert w '{"a":2}' --unique true
check 'by a key' says 0 '^2 jobs; 3 more are there already$' sh -c "printf '{\"n\":%s}\n' 1 2 1 1 2 | \"$jobctl\" --database $work/alone.db insert w --lines --unique keys=n"
check 'replaced' says 0 'job 1, which' alone insert w '{"a":1,"b":2}' --unique period=infinity,replace=priority --priority 7
check 'its priority' says 0 'priority 7' alone show 1
check 'unique: a word that is none' says 2 'did you mean worker?' alone insert w --unique fields=args+wroker
check 'unique: a state in which nothing begins' says 0 'in none of the states' alone insert x --unique states=completed

check 'a part that would speak to the terminal' says 0 '^job 12$' alone insert w --part "$(printf 'red \033[31m')"
check 'is shown without that' says 0 '^part  *red [?]\[31m$' alone show 12

# ---- looking ----
check 'list by queue' says 0 '^ *3  scheduled  mail' ctl list --queue mail
check 'list by state' says 0 '^no jobs$' ctl list --state completed
check 'list has a limit' says 0 'and more' ctl list --limit 2
check 'list as JSON' says 0 '^{"jobs":\[{"id":1,"state":"available",.*"args":{"a":\[1,2.5,"é"\]}.*"more":true}$' ctl --json list --limit 1
check 'show as JSON' says 0 '"errors":\[\]' ctl show 1 --json
check 'show a job that is not there' says 1 'there is no job 9999' ctl show 9999
check 'stats as JSON' says 0 '"scheduled":3,.*"total":2505}' ctl stats --json

# ---- changing ----
check 'cancel' says 0 'job 2 cancelled' ctl cancel 1 2
check 'cancel what is cancelled' says 1 'job 1 is cancelled and cannot be cancelled' ctl cancel 1
check 'cancel some' says 1 '"changed":\[3\],"refused":\[{"id":9999,"state":"missing"}\]' ctl cancel 3 9999 --json
check 'retry' says 0 'job 1 made available' ctl retry 1
check 'retry what waits already' says 1 'job 1 is available' ctl retry 1
check 'a bad id spoils nothing' says 2 'is no job' ctl retry 2 x
check 'it is still cancelled' is 2 cancelled

check 'a full disk for the output' sh -c "\"$jobctl\" --database $work/jobs.db stats >/dev/full 2>&1; [ \$? -eq 3 ]"
printf 'database = jobs.db\nworkers = workers\n' >"$work/jobd.conf"
check 'the database of the configuration' says 0 '^total  *2505$' "$jobctl" -c "$work/jobd.conf" stats
check 'or of the environment' says 0 '^total  *2505$' env JOBD_CONFIG="$work/jobd.conf" "$jobctl" stats

# ---- what a job carries ----
check 'what a job carries' says 0 '^job 2506$' ctl insert w --tags 'A, b,a' --meta '{"k": 1}' --timeout 90s --within 1h --at 2130-01-31T18:30:00Z
check 'found by its meta' says 0 '"id":2506' ctl list --meta '{"k": 1.0}' --json
check 'found by its arguments' says 0 hello ctl list --args '{"a": [2.5]}'
check 'nothing like that' says 0 '"jobs":\[\]' ctl list --meta '{"k": 2}' --json
check 'its tags' says 0 '^tags  *a,b$' ctl show 2506
check 'its meta' says 0 '^meta  *{$' ctl show 2506
check 'its time' says 0 '^scheduled  *2130-01-31 18:30:00 UTC$' ctl show 2506
check 'its deadline' says 0 '^deadline  *2130-01-31 19:30:00 UTC$' ctl show 2506
check 'all of it as JSON' says 0 '"meta":{"k":1},"tags":\["a","b"\],.*"timeout_ms":90000' ctl show 2506 --json

# ---- queues ----
check 'nothing is said of queues' says 0 'nothing is said of any queue' ctl queues
check 'pause' says 0 '^mail  *paused$' ctl queue mail pause
check 'limits and rates' says 0 '^mail  *paused  limit=3  global=10  part=2  rate=60/1m/part$' ctl queue mail limit=3 global=10 part=2 rate=60/1m/part
check 'resume' says 0 '^mail  *limit=3  global=10  part=2  rate=60/1m/part$' ctl queue mail resume
check 'what is said, as JSON' says 0 '^\[{"queue":"mail","paused":false,"runs":null,"limit":3,"global":10,"part":2,"rate":60,"rate_ms":60000,"rate_by_part":true}\]$' ctl queues --json
check 'a limit is taken back' says 0 '^mail  *limit=3  part=2  rate=60/1m/part$' ctl queue mail global=none
check 'what cannot be said' says 2 'did you mean pause?' ctl queue mail pausse
check 'priorities that age' says 0 '^old  *age=30s$' ctl queue old age=30s
check 'do not any more' says 0 '^old *$' ctl queue old age=none
check 'an age without a unit' says 2 'is no time' ctl queue old age=30
check 'nothing is said of that' says 0 'as jobd is configured' ctl queue old forget
check 'a rate without a time' says 2 'is no time' ctl queue mail rate=5/7
check 'a limit below nothing' says 2 'is no whole number' ctl queue mail limit=-3
check 'a queue of which nothing is said' says 1 'nothing is said of queue other' ctl queue other
check 'stop' says 0 '^mail  *stopped  limit=3' ctl queue mail stop
check 'start, somewhere' says 0 '^mail  *started  node=n7$' ctl queue mail start node=n7
check 'start' says 0 '^mail  *started  limit=5' ctl queue mail start scale=5
check 'which takes back what was said of a node' not grep -q n7 "$work/said"
check 'all queues' says 0 '^\*  *paused$' ctl queue '*' pause
check 'all of them go on' says 0 '' ctl queue '*' resume
check 'nothing of one node that is not its own' says 2 'of one whole queue' ctl queue mail global=3 node=n7
check 'a node, but no word' says 2 'what is to be said' ctl queue mail node=n7
check 'forget' says 0 'mail is as jobd is configured' ctl queue mail forget
check 'forget it twice' says 1 'nothing is said of queue mail' ctl queue mail forget
check 'a part' says 0 '^job 2507$' ctl insert w --part 'customer 7'
check 'its part' says 0 '"part":"customer 7"' ctl show 2507 --json
# ---- jobs that wait for jobs ----
flow() { "$jobctl" --database "$work/flows.db" "$@"; }
check 'a chain' says 0 '^2 jobs, ' flow insert w --chain acme --count 2
check 'its second job waits' says 0 'suspended.*w  *$' flow chain acme
check 'whose turn it is' says 0 '^at turn  *job 1' flow chain acme
check 'a job tells its chain' says 0 '^chain  *1 acme$' flow show 2
check 'and what it waits for' says 0 '^waits for  *its turn, after job 1$' flow show 2
check 'cancel a chain' says 0 '^2 jobs cancelled$' flow chain acme cancel
check 'no such chain' says 1 "there is no chain 'none'" flow chain none
check 'a chain as JSON' says 0 '"kind":"chain","name":"acme".*"cancelled":2' flow chain acme --json
check 'a batch' says 0 '^batch  *2 import$' flow batch import open
check 'a job of it' says 0 '^job 3$' flow insert w --batch 2
check 'its state' says 0 '^jobs  *1, 1 available$' flow batch 2
check 'close it' says 0 '^closed$' flow batch import close
check 'it is closed' says 2 'batch 2 is closed' flow insert w --batch 2
check 'no such batch' says 2 'there is no batch 9' flow insert w --batch 9
check 'chain and batch' says 2 'not in both' flow insert w --batch 2 --chain acme
check 'nothing that it can be asked for' says 2 "there is cancel, open and close" flow batch import burn
check 'no such workflow' says 1 "there is no workflow '7'" flow workflow 7

# ---- updates, deletes, many at once ----
check 'which jobs?' says 2 'which jobs?' ctl delete
check 'ids or a filter' says 2 'either ids or a filter' ctl cancel 5 --queue mail
check 'what is new?' says 2 'what is to be new?' ctl update 5
check 'an update' says 0 '^job 2506 updated$' ctl update 2506 --set-priority 4 --set-tags 'New,' --set-meta '{"k": 2}'
check 'is seen' says 0 '"priority":4,.*"meta":{"k":2},"tags":\["new"\],.*"version":1' ctl show 2506 --json
check 'found by its tag' says 0 ' 2506  scheduled ' ctl list --tag NEW
check 'a bad update' says 2 'meta:1:1: not an object' ctl update 2506 --set-meta 3
check 'delete' says 0 '^job 2506 deleted$' ctl delete 2506
check 'it is gone' says 1 'there is no job 2506' ctl delete 2506
check 'counted' says 0 '^total  *2505$' ctl stats --worker w
check 'moved, all of them' says 0 '^2 jobs updated$' ctl update --queue mail --state scheduled --set-queue post
check 'counted by queue' says 0 '^total  *2$' ctl stats --queue post
check 'cancelled, all of them' says 0 '^{"changed":2}$' ctl cancel --queue post --json
check 'deleted, all in two states' says 0 '^4 jobs deleted$' ctl delete --state cancelled --state completed --worker w
check 'nothing is old' says 0 '^0 jobs removed$' ctl prune --older 1h
check 'an age is needed' says 2 '--older TIME is needed' ctl prune
check 'all are deleted' says 0 '^25[0-9]* jobs deleted$' ctl delete --all
check 'none are left' total 0
# ---- cron entries ----

check 'no entries' says 0 '^no cron entries$' flow cron
check 'an entry is put' says 0 'night .*0 3 \* \* MON-FRI .*Europe/Berlin' flow cron night 'zone=Europe/Berlin 0 3 * * MON-FRI' report '{"a":1}'
check 'and listed' says 0 '"name":"night","expression":"0 3 \* \* MON-FRI","zone":"Europe/Berlin","worker":"report"' flow cron --json
check 'paused' says 0 '^night paused$' flow cron night pause
check 'paused twice' says 1 'paused already' flow cron night pause
check 'deleted' says 0 '^night deleted$' flow cron night delete
check 'none any more' says 1 "there is no cron entry 'night'" flow cron night
check 'February 30th' says 2 'it would never be due' flow cron x '0 0 30 2 *' w
check 'no such zone' says 2 "there is no time zone 'Mars/Base'" flow cron x 'zone=Mars/Base @daily' w

# ---- workflows, batches and chains from files ----
files() { "$jobctl" --database "$work/files.db" "$@"; }
document() { cat >"$work/document"; }
submit() { files submit "$work/document" "$@"; }
document <<'E'
# a fan-out and a fan-in
workflow: import 7
on_discarded: run
steps:
  load:   {worker: load, args: {file: a.csv, rows: 12, "on": 2026-01-31}, priority: 2}
  check:  {worker: check, after: load}
  index:  {worker: index, after: [load]}
  report: {worker: report, after: [check, index], on_discarded: hold, tags: "a, b"}
E
check 'a workflow in YAML' says 0 '^workflow 1: 4 jobs, 1 to 4$' submit
check 'its first step may run' says 0 '"state":"available",.*"rows":12,"on":"2026-01-31"' files show 1 --json
check 'its last one waits' says 0 ' 4  suspended  report  *report  *2, 3$' files workflow 'import 7'
check 'it is there once' says 1 'import 7' submit
document <<'E'
{"workflow": true, "steps": {"a": {"worker": "w"}, "b": {"worker": "w", "after": ["a"]}}}
E
check 'one in JSON, as JSON' says 0 '^{"ids":\[5,6\],"workflow":2}$' submit --json
check 'from standard input' sh -c "\"$jobctl\" --database $work/files.db submit - <$work/document | grep '^workflow 3: 2 jobs'"
document <<'E'
batch: night
jobs: [{worker: a, in: 90s}, {worker: b}]
on: {completed: {worker: tell, args: {}}}
close: true
E
check 'a batch' says 0 '^batch [0-9]*: 2 jobs, 9 to 10$' submit
check 'it is asked for again' says 1 'is there, and closed' submit
sed 's/night/day/; s/worker: tell/worker: ""/' "$work/document" >"$work/half"
check 'one that cannot be' says 2 'on completed: a job needs a worker' files submit "$work/half"
check 'leaves nothing of it' says 1 'there is no batch' files batch day
check 'it is closed, and has a callback' says 0 '^callback  *completed: not yet$' files batch night
document <<'E'
chain: customer 7
jobs:
  - {worker: first}
  - {worker: second, max_attempts: 3}
E
check 'a chain' says 0 '^2 jobs, 11 to 12$' submit
check 'one at a time' says 0 '^at turn  *job 11$' files chain 'customer 7'
echo '{"jobs": [{"worker": "a"}, {"worker": "b", "timeout": "5s"}]}' | document
check 'a list' says 0 '^2 jobs, 13 to 14$' submit
bad_document() { printf "$1" >"$work/document"; says 2 "$2" submit; }
check 'no file' says 2 'none: cannot be read: No such file' files submit "$work/none"
check 'YAML that is none: place' bad_document 'jobs: [1\n' 'document:2:1: '
check 'JSON that is none: place' bad_document '{"jobs": ]}' 'document:1:10: not JSON'
check 'nothing' bad_document '\n' 'there is nothing in it'
check 'no object' bad_document '[a]\n' 'is no object with a workflow'
check 'nothing to do' bad_document '{}' "'jobs' must be a list of jobs"
check 'two kinds' bad_document 'workflow: a\nbatch: b\n' 'one of a workflow, a batch and a chain'
check 'an unknown key' bad_document 'workflow: a\nstepps: {}\n' "unknown key 'stepps'; did you mean 'steps'?"
check 'an unknown key of a job' bad_document 'jobs: [{worker: a, prioritty: 3}]' "job 1: unknown key 'prioritty'; did you mean 'priority'?"
check 'no worker' bad_document 'jobs: [{worker: a}, {args: {}}]' "job 2: has no 'worker'"
check 'a priority that is none' bad_document 'jobs: [{worker: a, priority: 10}]' 'priority.* between 0 and 9'
check 'a time that is none' bad_document 'jobs: [{worker: a, in: soon}]' 'job 1: in: .soon. is no time'
check 'no such step' bad_document 'workflow: x\nsteps: {a: {worker: w, after: b}}' "waits for 'b', which is no step"
check 'a circle' bad_document 'workflow: x\nsteps: {a: {worker: w, after: b}, b: {worker: w, after: a}}' 'circle'
check 'no such reaction' bad_document 'workflow: x\non_discarded: holdd\nsteps: {a: {worker: w}}' "did you mean 'hold'?"
check 'no such event' bad_document 'batch: x\non: {compleeted: {worker: w}}\njobs: []' "did you mean 'completed'?"
check 'nothing of that was inserted' says 0 '^total  *14$' files stats

# ---- where it is used ----
check 'a reader that goes away' sh -c "\"$jobctl\" --database $work/jobs.db list --limit 2000 2>$work/complaint | head -n 1 >/dev/null; [ ! -s $work/complaint ]"
check 'a closed output' sh -c "\"$jobctl\" --database $work/jobs.db stats >&- 2>$work/complaint; [ \$? -eq 3 ] && grep 'cannot be written' $work/complaint"
check 'a closed input' sh -c "\"$jobctl\" --database $work/jobs.db insert w - <&- 2>&1 | grep 'not JSON'"
check 'all is closed' sh -c "\"$jobctl\" --database $work/jobs.db list <&- >&- 2>&-; [ \$? -eq 3 ]"
check 'the database is well' says 0 '^total' ctl stats
finish
