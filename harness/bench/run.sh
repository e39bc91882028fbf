#!/bin/bash
# Runs the benchmark programs, each of which prints JSON objects, one a line, and joins them to BUILD/bench.json.
# Adds the figures of whole runs. A goal is a goal, not a test: machines differ, ratios and trends count.
#   run.sh BUILD PROGRAM...
build=$1
shift
lines=$build/bench.lines
: >"$lines"
for program in "$@"; do
    printf '  BENCH  %s\n' "${program#"$build"/bench/}" >&2
    "$program" | grep '^{' >>"$lines" || echo "  (failed)" >&2
done
{
    echo '['
    sed '$!s/$/,/; s/^/  /' "$lines"
    echo ']'
} >"$build/bench.json"
awk '
function field(key,   m) { if (match($0, "\"" key "\": *(\"[^\"]*\"|[-0-9.a-z]+)")) { m = substr($0, RSTART, RLENGTH); sub(/^[^:]*: */, "", m); gsub(/"/, "", m); return m } return "" }
BEGIN { printf "%-44s %16s %-12s %14s %-5s %s\n", "benchmark", "value", "unit", "goal", "met", "ratio to baseline" }
{ printf "%-44s %16s %-12s %14s %-5s %s\n", field("name"), field("value"), field("unit"), field("goal"), field("met"), field("ratio") }' "$lines"
echo "written to $build/bench.json"
