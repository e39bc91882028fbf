#!/bin/sh
# jobd when any allocation of the process may fail, those of libc, SQLite and libuv included: libfiu stands in for malloc. It refuses to start,
# goes on, or ends with a word about it; and whatever it did, no job is lost. Takes about 15 seconds.
. sut/cli/test/support.shlib

jobs=40
mkdir "$work/workers"
worker hello <<'E'
exit 0
E
for i in $(seq $jobs); do ctl insert hello "{\"n\":$i}" >/dev/null; done

# starved SEED PROBABILITY: runs jobd for a second; its exit status is in $work/status.
starved() {
    FIU_PRNG_SEED=$1 STATUS=$work/status timeout -k 5 1 sh -c 'trap "" TERM; fiu-run -x -c "$0" "$@" 2>"$STATUS.log"; echo $? >"$STATUS"' \
        "enable_random name=libc/mm/*,probability=$2" "$jobd" --database "$work/jobs.db" --workers "$work/workers" --lease 1s
    [ -s "$work/status" ]
}

# It ends by itself, by the signal that it was sent, or with "out of memory"; never by a bad address.
ended_well() {
    status=$(cat "$work/status")
    printf 'exit status %s: ' "$status"
    tail -n 1 "$work/status.log"
    case $status in
    0) ;;
    1 | 2 | 3 | 134) grep -q -i 'memory' "$work/status.log" ;;
    *) return 1 ;;
    esac
}

total() { ctl stats | sed -n 's/^total *//p'; }
nothing_runs() { ctl stats | grep -q '^executing  *0$'; }

command -v fiu-run >/dev/null || { echo 'there is no fiu-run here'; exit 1; }
survived=0 seeds='1 2 3 4 5 6 7 8 9 10'
if nm "$jobd" | grep -q __asan_init; then
    seeds=
    echo 'AddressSanitizer brings a malloc of its own, and nothing else can stand in for that'
fi
for seed in $seeds; do
    rm -f "$work/status"
    check "seed $seed: runs" starved $seed "0.000$((seed % 5 + 1))"
    check "seed $seed: ends well" ended_well
    [ "$(cat "$work/status")" -ne 0 ] || survived=$((survived + 1))
    check "seed $seed: none lost" [ "$(total)" -eq $jobs ]
done
printf '%s of 10 went on\n' $survived
start --lease 1s
check 'with memory, nothing is left running' eventually 30 nothing_runs
check 'stops' stop 0 5
check 'none lost' [ "$(total)" -eq $jobs ]
finish
