#!/bin/bash
# Plants each bug of scenarios/mutants/*.patch into a copy of the tree, builds it, and runs the suite until a property fails.
# A patch starts with lines "Property: ID" (what must catch it, and is the only one that judges) and "Scenario: FILE"
# (where to look; optional).
# Prints a table and writes BUILD/mutants.json. Exit 1 when one is missed or does not apply.
#   run.sh BUILD [NAME...]
set -u
build=$1
shift
here=$(dirname "$0")
tree=$build/mutants/tree
seconds=${MUTANT_SECONDS:-20}
mkdir -p "$tree"
json=$build/mutants.json
rows=()
missed=0

# The tree as it is now, without its build output; objects of earlier mutants are kept.
git ls-files -co --exclude-standard -z | xargs -0 tar cf - --ignore-failed-read 2>/dev/null | tar xf - -C "$tree" --keep-newer-files 2>/dev/null
git ls-files -co --exclude-standard | while read -r file; do
    [ -f "$file" ] && { cmp -s "$file" "$tree/$file" || cp -p "$file" "$tree/$file"; }
done
printf '%-34s %-8s %-26s %8s %9s\n' mutant caught by runs seconds

for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    if [ $# -gt 0 ] && ! printf '%s\n' "$@" | grep -qx "$name"; then continue; fi
    wanted=$(sed -n 's/^Property: *//p' "$patch")
    where=$(sed -n 's/^Scenario: *//p' "$patch")
    if ! patch -s -p1 -d "$tree" <"$patch" >"$tree/../patch.log" 2>&1; then
        printf '%-34s %-8s the patch does not apply\n' "$name" BROKEN
        missed=1
        patch -s -R -f -p1 -d "$tree" <"$patch" >/dev/null 2>&1
        git checkout-index -q -f -a --prefix="$tree/" 2>/dev/null
        continue
    fi
    out=$build/mutants/$name
    rm -rf "$out"
    begin=$(date +%s%N)
    caught=no by="" runs=0 faults=0
    if make -s -C "$tree" BUILD=build build/duress >"$build/mutants/$name.log" 2>&1; then
        begin=$(date +%s%N)
        "$tree/build/duress" run ${where:-scenarios} --time "${seconds}s" --seed 1 --verify off --fail-fast \
            --property "$wanted" --out "$out" >>"$build/mutants/$name.log" 2>&1
        if [ -f "$out/run.json" ]; then
            # The property itself must have failed; that something else noticed is not enough.
            if sed -n '/^ *"properties"/,/^ *]/p' "$out/run.json" | grep "\"id\": \"$wanted\"" |
                grep -q '"failed": [1-9]'; then
                caught=yes by=$wanted
            fi
            runs=$(grep -o '"runs": *[0-9]*' "$out/run.json" | head -n 1 | grep -o '[0-9]*')
            faults=$(sed -n '/^ *"points"/,/^ *]/p' "$out/run.json" | grep -o '"faults": {[^}]*}' |
                grep -o ': [0-9]*' | awk '{n += $2} END {print n + 0}')
        fi
    else
        by="does not build"
    fi
    ms=$((($(date +%s%N) - begin) / 1000000))
    patch -s -R -p1 -d "$tree" <"$patch"
    [ $caught = yes ] || missed=1
    printf '%-34s %-8s %-26s %8s %5d.%03d\n' "$name" $caught "${by:--}" "$runs" $((ms / 1000)) $((ms % 1000))
    rows+=("$(printf '  {"name": "%s", "caught": %s, "by": "%s", "runs": %s, "seconds": %d.%03d, "faults": %d}' \
        "$name" "$([ $caught = yes ] && echo true || echo false)" "$by" "${runs:-0}" $((ms / 1000)) $((ms % 1000)) "${faults:-0}")")
done
{
    echo '['
    (IFS=$'\n'; echo "${rows[*]}" | sed '$!s/$/,/')
    echo ']'
} >"$json"
echo "written to $json"
exit $missed
