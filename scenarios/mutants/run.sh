#!/bin/bash
# Plants each bug of scenarios/mutants/*.patch into a copy of the tree, builds it, runs the suite until a property fails,
# and shrinks the failure. A patch starts with lines "Property: ID" (what must catch it, and is the only one that
# judges), "Scenario: FILE" (where to look; optional), and "Regression: FILE" (a tape that must fail with it; optional).
# Prints a table and writes BUILD/mutants.json. Exit 1 when one is missed or does not apply.
#   run.sh BUILD [NAME...]
# MUTANT_SECONDS (60): how long to look for each; MUTANT_SHRINK (10s): how long to shrink; MUTANT_JOBS (one per CPU): how
# many at a time, each on one core, in a copy of its own.
set -u
[ $# -gt 0 ] || { echo 'usage: run.sh BUILD [NAME...]' >&2; exit 2; }
build=$1
shift
here=$(dirname "$0")
work=$build/mutants
json=$build/mutants.json
seconds=${MUTANT_SECONDS:-60}
shrink=${MUTANT_SHRINK:-10s}
jobs=${MUTANT_JOBS:-$(nproc)}
mkdir -p "$work"
rm -f "$work"/*.row "$work"/queue

# The sources as they are now, and the objects that were built from them: only what a bug touches is compiled.
copy_sources() { git ls-files -co --exclude-standard -z | xargs -0 cp -p --parents -t "$1" 2>/dev/null; }

tree_make() {
    local tree=$1
    rm -rf "$tree"
    mkdir -p "$tree/build"
    copy_sources "$tree"
    cp -a "$build/obj" "$tree/build/obj"
    touch "$work/stamp"
}

# Takes back the bug, and the objects that have it. What is linked from them is older than they look: it goes.
tree_restore() {
    local tree=$1 patch=$2
    sed -n 's,^[-+][-+][-+] [ab]/\([^\t]*\).*,\1,p' "$patch" | sort -u | while read -r file; do
        if [ -f "$file" ]; then cp -p "$file" "$tree/$file"; else rm -f "$tree/$file"; fi
    done
    find "$tree/build/obj" -type f -newer "$work/stamp" | while read -r object; do
        local original=$build/${object#"$tree/build/"}
        if [ -f "$original" ]; then cp -p "$original" "$object"; else rm -f "$object"; fi
    done
    rm -f "$tree"/build/*.a "$tree/build/duress"
}

number_of() { grep -o "\"$2\": *\"\?[0-9]*" "$1" | head -n 1 | grep -o '[0-9]*$'; }

# The property itself must have failed; that something else noticed is not enough.
property_failed() {
    sed -n '/^ *"properties"/,/^ *]/p' "$1" | grep "\"id\": \"$2\"" | grep -q '"failed": [1-9]'
}

report() { # NAME CAUGHT BY RUNS MS FAULTS
    local seconds
    seconds=$(printf '%d.%03d' $(($5 / 1000)) $(($5 % 1000)))
    printf '%-34s %-8s %-30s %7s %9s %7s\n' "$1" "$2" "${3:--}" "$4" "$seconds" "$6"
    printf '  {"name": "%s", "caught": %s, "by": "%s", "runs": %s, "seconds": %s, "faults": %s}\n' \
        "$1" "$([ "$2" = yes ] && echo true || echo false)" "$3" "$4" "$seconds" \
        "$([ "$6" = - ] && echo null || echo "$6")" >"$work/$1.row"
}

# The tape of a failure that was fixed is worth keeping as long as it reaches the bug.
tape_reaches() { # TREE TAPE PROPERTY
    "$1/build/duress" replay "$2" --property "$3"
    [ $? -eq 1 ]
}

# Runs until something fails: was it the wanted property? Adds up what it took. A part of mutant_run.
look() { # TREE SEED
    rm -rf "$out"
    "$1/build/duress" run ${where:-scenarios} --time "$((seconds - ms / 1000))s" --seed "$2" --verify off --fail-fast --workers 1 \
        --shrink "$shrink" --property "$wanted" --out "$out" >>"$log" 2>&1
    [ -f "$out/run.json" ] || return 1
    runs=$((runs + $(number_of "$out/run.json" runs)))
    ms=$((ms + $(number_of "$out/run.json" wall_ns) / 1000000))
    property_failed "$out/run.json" "$wanted"
}

mutant_run() {
    local tree=$1 name=$2 patch=$here/$2.patch out=$work/$2 log=$work/$2.log
    local wanted where tape caught=no by="" runs=0 ms=0 faults=-
    wanted=$(sed -n 's/^Property: *//p' "$patch")
    where=$(sed -n 's/^Scenario: *//p' "$patch")
    tape=$(sed -n 's/^Regression: *//p' "$patch")
    if ! patch -F0 -s -p1 -d "$tree" <"$patch" >"$log" 2>&1; then
        by="does not apply"
    elif ! make -s -C "$tree" BUILD=build build/duress >"$log" 2>&1; then
        by="does not build"
    else
        # What ends for another reason says nothing about this property: then the next seed has a try.
        for seed in 1 2 3 4 5 6 7 8 9; do
            look "$tree" "$seed" && caught=yes by=$wanted && break
            [ $((ms / 1000)) -ge "$seconds" ] && break
        done
        [ $caught = yes ] && faults=$(number_of "$out/run.json" shrunk_faults)
        if [ -n "$tape" ] && ! tape_reaches "$tree" "$tape" "$wanted" >>"$log" 2>&1; then
            caught=no by="${tape##*/} misses it"
        fi
    fi
    tree_restore "$tree" "$patch"
    report "$name" $caught "$by" "${runs:-0}" "$ms" "${faults:--}"
}

# Takes names from the queue until it is empty.
slot() {
    local tree=$work/tree.$1 name
    tree_make "$tree"
    while name=$(flock "$work/lock" sh -c 'head -n 1 "$0"; sed -i 1d "$0"' "$work/queue") && [ -n "$name" ]; do
        mutant_run "$tree" "$name"
    done
    rm -rf "$tree"
}

median() { sort -n | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

names=()
for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    if [ $# -eq 0 ] || printf '%s\n' "$@" | grep -qx "$name"; then names+=("$name"); fi
done
if [ ${#names[@]} -eq 0 ]; then
    echo "no such mutant: $*" >&2
    exit 4
fi
printf '%s\n' "${names[@]}" >"$work/queue"
printf '%-34s %-8s %-30s %7s %9s %7s\n' mutant caught by runs seconds faults
touch "$work/stamp"
for ((i = 1; i <= jobs && i <= ${#names[@]}; i++)); do slot "$i" & done
wait
{
    echo '['
    for name in "${names[@]}"; do cat "$work/$name.row"; done | sed '$!s/$/,/'
    echo ']'
} >"$json"
caught=$(grep -c '"caught": true' "$json")
echo "$caught of ${#names[@]} caught; median $(sed -n 's/.*"seconds": \([0-9.]*\).*/\1/p' "$json" | median) s to detection," \
    "$(sed -n 's/.*"faults": \([0-9]*\)}.*/\1/p' "$json" | median) faults in the shrunk tape"
echo "written to $json"
[ "$caught" -eq ${#names[@]} ]
