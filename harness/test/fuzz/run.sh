#!/bin/bash
# Runs each fuzzer for a while, from the corpus in the tree. What it finds worth keeping goes to BUILD/corpus/NAME,
# what breaks the parser to BUILD/found/. The first fuzzer that finds something ends it all, with exit code 1.
#   run.sh BUILD TIME SOURCE...      TIME in seconds, "60" or "60s"
# A smaller corpus out of the tree's and what was found: run.sh --merge BUILD SOURCE...
set -u
merge=
if [ "$1" = --merge ]; then merge=1; shift; fi
build=$1; shift
if [ -z "$merge" ]; then time=${1%s}; shift; fi

export ASAN_OPTIONS=detect_stack_use_after_return=0:allocator_may_return_null=1
for source in "$@"; do
    name=$(basename "$source" .c) name=${name#fuzz_} folder=$(dirname "$source")
    program=$build/fuzzer/${source%.c} tree=$folder/corpus/$name grown=$build/corpus/$name log=$build/$name.log
    mkdir -p "$grown" "$build/found" "$tree"
    if [ -n "$merge" ]; then
        rm -rf "$build/merged/$name"
        mkdir -p "$build/merged/$name"
        "$program" -set_cover_merge=1 -use_counters=0 "$build/merged/$name" "$tree" "$grown" 2>&1 | grep 'MERGE-OUTER.*new files' || exit 1
        continue
    fi
    dictionary=$folder/$name.dict
    "$program" "$grown" "$tree" ${dictionary:+-dict="$dictionary"} -max_total_time="$time" -max_len=4096 -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="$build/found/$name-" -print_final_stats=1 >"$log" 2>&1
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    printf '  %-10s %10s inputs  %s edges\n' "$name" "${runs:-0}" "${cover#cov: }"
    if [ $status -ne 0 ]; then
        grep -v '^#' "$log" | tail -n 40
        echo "what broke it: $build/found/$name-*; once mended, keep it in $tree"
        exit 1
    fi
done
