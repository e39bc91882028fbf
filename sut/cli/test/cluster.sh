#!/bin/sh
# Three jobd on one database, one of them killed with -9 every other second under load: every job is completed, none that was
# completed is touched again, and what a dead one left is started again within its lease and a look. On SQLite and on PostgreSQL.
# CLUSTER_TIME says for how many seconds (6 of each), LEASE how long leases hold (3s), RESCUE how many seconds a rescue may take
# (it is measured, and only judged when asked: a machine may have other things to do).
: "${CLUSTER_TIME:=6}" "${LEASE:=3s}"
[ -n "$PGHOST" ] || exec sh sut/store/test/pg_server run sh "$0" "$@"
. sut/cli/test/support.shlib
nodes=3 limit=10

# Who runs, and since when: a line per attempt.
mkdir "$work/workers"
worker note <<'E'
echo "$JOB_ID $JOB_ATTEMPT $(date +%s%N)" >>"$(dirname "$0")/../ran"
sleep 0.05
E

ctl() { "$jobctl" --database "$database" "$@"; }
completed() { ctl stats | sed -n 's/^completed *//p'; }
total() { ctl stats | sed -n 's/^total *//p'; }
all_completed() { [ "$(completed)" = "$(total)" ]; }

node_start() {
    "$jobd" --database "$database" --workers "$work/workers" --lease "$LEASE" --poll 500ms --crashes 0 \
        --queue default=$limit 2>>"$work/log.$1" &
    eval "node$1=$!"
}

node_kill() {
    eval "pid=\$node$1"
    kill -"$2" "$pid" && wait "$pid" 2>/dev/null
}

# What is said of the jobs that are completed: a line for each.
account() {
    ctl list --json --state completed --limit 1000000 |
        sed 's/{"id":/\n&/g' | sed -n 's/^\({"id".*"finished_ms":[0-9]*\).*/\1/p' | sort >"$1"
}

untouched() {
    [ -s "$1" ] || { echo 'nothing to compare'; return 1; }
    changed=$(comm -23 "$1" "$work/end" | head -n 5)
    [ -z "$changed" ] || { printf 'changed after it was completed:\n%s\n' "$changed"; return 1; }
}

# The longest time between two attempts of a job, in seconds, rounded up. An attempt that was claimed, and killed before it could
# say that it ran, is missing between them: that were two rescues, each of which took its share.
longest_gap() {
    sort -k1,1n -k2,2n "$work/ran" | awk '$1 == job && $2 > attempt && ($3 - at) / ($2 - attempt) > gap { gap = ($3 - at) / ($2 - attempt) } { job = $1; attempt = $2; at = $3 }
        END { printf "%d\n", gap / 1e9 + 0.999 }'
}

load() {
    while :; do
        ctl insert note --count 50 >/dev/null 2>&1
        sleep 0.25
    done
}

cluster() {
    database=$2
    : >"$work/ran"
    check "$1: insert" says 0 '^100 jobs' ctl insert note --count 100
    for node in $(seq $nodes); do node_start "$node"; done
    load & loader=$!
    kills=0 began=$(date +%s)
    while [ $(($(date +%s) - began)) -lt "$CLUSTER_TIME" ]; do
        sleep 1.5
        node=$((kills % nodes + 1)) kills=$((kills + 1))
        node_kill "$node" KILL
        account "$work/account.$kills"
        sleep 0.5
        node_start "$node"
    done
    kill "$loader"
    wait "$loader" 2>/dev/null
    check "$1: every job is completed" eventually 60 all_completed
    for node in $(seq $nodes); do node_kill "$node" TERM; done
    account "$work/end"
    for kill in $(seq $kills); do
        check "$1: what was completed at kill $kill was not touched again" untouched "$work/account.$kill"
    done
    each=$(cut -d' ' -f1 "$work/ran" | sort -u | wc -l) runs=$(wc -l <"$work/ran") gap=$(longest_gap)
    check "$1: each one ran" [ "$each" -eq "$(total)" ]
    check "$1: only what was under way ran again" [ "$runs" -le $((each + kills * limit)) ]
    [ -z "$RESCUE" ] || check "$1: a rescue takes $RESCUE s at most" [ "$gap" -le "$RESCUE" ]
    printf '%s: %s jobs, %s kills of %s jobd: %s runs, the longest rescue took %s s, %s s in all\n' \
        "$1" "$each" $kills $nodes "$runs" "$gap" $(($(date +%s) - began))
}

cluster SQLite "$work/jobs.db"
cluster PostgreSQL postgresql://postgres@/postgres
finish
