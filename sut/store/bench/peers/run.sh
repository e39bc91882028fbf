#!/bin/bash
# run.sh BUILD: ours and theirs on one PostgreSQL, with its default, durable settings; by turns, since machines are noisy.
# Prints one JSON line per figure, and how many times theirs ours is.
set -e
build=$1 jobs=${JOBS:-100000}
export build jobs
cp sut/store/bench/peers/graphile.js "$build/peers/"
sh sut/store/test/pg_server --durable run bash -c '
    "$build/bench/sut/store/bench/bench_pg" "$jobs"
    for processes in 1 2 4; do node "$build/peers/graphile.js" "$jobs" $processes; done
    "$build/bench/sut/store/bench/bench_pg" "$jobs"' | tee "$build/peers.jsonl"
awk -F'"' '
    /"pg claim and finish, batches/ { split($0, at, /"value":/); if (at[2] + 0 > ours) ours = at[2] + 0 }
    /"graphile worker, / { split($0, at, /"value":/); if (at[2] + 0 > theirs) theirs = at[2] + 0 }
    END { if (ours && theirs) printf "%.1f times as many jobs per second as Graphile Worker at its best\n", ours / theirs }
' "$build/peers.jsonl"
