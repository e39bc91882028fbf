#!/bin/sh
# The promise of jobd on a real machine: 1,000 jobs, jobd killed with -9 five times in the middle of them, and at the end every job
# is completed, none is lost, and none that was completed was touched again. Takes about 10 seconds.
. sut/cli/test/support.shlib

jobs=1000 kills=5 limit=20
began=$(date +%s)
mkdir "$work/workers"
worker append <<'E'
sleep 0.03
echo "$JOB_ID" >>"$(dirname "$0")/../ran"
E

completed() { ctl stats | sed -n 's/^completed *//p'; }
at_least() { [ "$(completed)" -ge "$1" ]; }

# What is said of the jobs that are completed, and how often each of them ran: a line for each.
account() {
    ctl list --json --state completed --limit $((2 * jobs)) |
        sed 's/{"id":/\n&/g' | sed -n 's/^\({"id".*"finished_ms":[0-9]*\).*/\1/p' | sort >"$work/rows"
    sed 's/{"id":\([0-9]*\),.*/\1/' "$work/rows" | sort >"$work/ids"
    sort "$work/ran" | join - "$work/ids" | uniq -c >"$work/runs"
    sort "$work/rows" "$work/runs"
}

# Everything in account N is still there at the end, word for word.
untouched() {
    sort -u "$work/end" >"$work/end.sorted"
    [ -s "$work/account.$1" ] || { echo 'nothing to compare'; return 1; }
    extra=$(sort -u "$work/account.$1" | comm -23 - "$work/end.sorted" | head -n 5)
    [ -z "$extra" ] || { printf 'changed after it was completed:\n%s\n' "$extra"; return 1; }
}

symbols() {
    nm "$1" 2>/dev/null | sed 's/^[0-9a-f ]* //' | sort -u >"$work/symbols"
    nm -g --defined-only "$BUILD/libduress.a" 2>/dev/null | sed -n 's/^[0-9a-f]* [A-Za-z] //p' | sort -u >"$work/harness"
    [ -s "$work/symbols" ] && [ -s "$work/harness" ] || { echo 'nothing to compare'; return 1; }
    found=$(comm -12 "$work/symbols" "$work/harness"; grep -i 'fiu\|duress\|live_points\|point_here' "$work/symbols")
    [ -z "$found" ] || { echo "$found"; return 1; }
}

check 'jobd has no symbol of the harness or of libfiu' symbols "$jobd"
check 'nor has jobctl' symbols "$jobctl"
check 'jobd needs no library of it' sh -c "! ldd $jobd | grep -i 'fiu\|fyaml\|xxhash'"
check 'insert' says 0 "^$jobs jobs, 1 to $jobs\$" ctl insert append --count $jobs

for kill in $(seq $kills); do
    start --lease 2s --crashes 0 --queue default=$limit
    eventually 30 at_least $((kill * jobs / (kills + 2)))
    check "kill -9, number $kill" stop 137 2 KILL
    account >"$work/account.$kill"
    printf 'killed with %s completed, %s runs\n' "$(completed)" "$(wc -l <"$work/ran")"
done
start --lease 2s --crashes 0 --queue default=$limit
check 'every job is completed' eventually 60 at_least $jobs
check 'none more' says 0 "^completed  *$jobs\$" ctl stats
check 'none lost' says 0 "^total  *$jobs\$" ctl stats
check 'stops' stop 0 5
account >"$work/end"
for kill in $(seq $kills); do
    check "what was completed at kill $kill was not touched again" untouched "$kill"
done
runs=$(wc -l <"$work/ran") each=$(sort -u "$work/ran" | wc -l)
check 'each one ran' [ "$each" -eq $jobs ]
check 'only what was under way ran again' [ "$runs" -le $((jobs + kills * limit)) ]
errors=$(ctl list --json --limit $jobs | grep -o '"state":"[a-z]*"' | sort | uniq -c | tr -s ' ')
printf '%s jobs, %s kills: %s runs, %s jobs ran, states:%s, %s s\n' $jobs $kills "$runs" "$each" "$errors" $(($(date +%s) - began))
finish
