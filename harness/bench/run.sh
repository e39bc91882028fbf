#!/bin/bash
# Runs the benchmark programs, each of which prints JSON objects, one a line, and joins them to BUILD/bench.json.
# A goal is a goal, not a test: machines differ, ratios and trends count.
#   run.sh BUILD PROGRAM...
build=$1
shift
lines=$build/bench.lines failed=
: >"$lines"
for program in "$@"; do
    printf '  BENCH  %s\n' "${program#"$build"/bench/}" >&2
    "$program" >"$build/bench.out" || failed="$failed ${program##*/}"
    grep '^{' "$build/bench.out" >>"$lines"
done
awk -v json="$build/bench.json" '
# The value of a key as it stands in the line, or null.
function raw(key) {
    if (!match($0, "\"" key "\": *(\"[^\"]*\"|[-+0-9.a-zA-Z]+)")) return "null"
    key = substr($0, RSTART, RLENGTH)
    sub(/^"[^"]*": */, "", key)
    return key
}
function plain(text) { gsub(/"/, "", text); return text == "null" ? "" : text }
function number(text) { return text == "null" ? "" : sprintf("%.15g", text + 0) }
BEGIN {
    count = split("name value unit goal met baseline ratio", keys, " ")
    printf "%-52s %14s %-14s %9s %-5s %s\n", "benchmark", "value", "unit", "goal", "met", "ratio to baseline"
    printf "[" >json
}
{
    printf "%-52s %14s %-14s %9s %-5s %s\n", plain(raw("name")), number(raw("value")), plain(raw("unit")),
        number(raw("goal")), plain(raw("met")), number(raw("ratio"))
    printf "%s\n  {", (NR > 1 ? "," : "") >json
    for (i = 1; i <= count; i++) printf "%s\"%s\": %s", (i > 1 ? ", " : ""), keys[i], raw(keys[i]) >json
    printf "}" >json
}
END { print "\n]" >json }' "$lines"
echo "written to $build/bench.json"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
