#!/bin/sh
# Each of the 100 lines of the conformance list has a test that names its number (cNN_...), or is in the table of differences in
# sut/jobs/README.md as left out, with the reason; and no number is named that there is not. With --list: which tests each line has.
#
# What stands in sut/store/test/conformance/ runs on both databases. What runs above the store knows no database.
last=100 passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "NUMBER TITLE", one line for each number that a title has: c8_c25_inserts_tell makes two.
titles() {
    cat sut/*/test/*.c sut/*/test/*.sh sut/store/test/conformance/*.h |
        sed -nE "s/^(Test|CONFORMS|check)[( ]+([a-z_]+, *|')?((c[0-9]+_)+[a-z0-9_]+).*/\3/p" |
        while read -r title; do
            for number in $(printf %s "$title" | grep -Eo '^(c[0-9]+_)+' | tr -d c | tr _ ' '); do echo "$number $title"; done
        done
}

# WORD: the numbers in the first column of the rows of the table that begin with it: "8-20, 25" is fourteen.
differences() {
    sed -n "/^## Conformance/,/^## /s/^| *\([0-9][-0-9, ]*\)| *$1.*/\1/p" sut/jobs/README.md | tr ', ' '\n\n' | grep . |
        while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done
}

list() {
    for number in $(seq $last); do
        printf '%3d  ' "$number"
        awk -v n="$number" '$1 == n { printf "%s ", $2 }' "$work/titles"
        if grep -qx "$number" "$work/differences"; then echo '(differs)'; else echo; fi
    done
}

fail() {
    failed=$((failed + 1))
    echo "FAILED: $*"
}

titles | sort -n >"$work/titles"
differences '' >"$work/differences"
differences 'Left out' >"$work/left"
if [ "${1:-}" = --list ]; then
    list
    exit
fi
for number in $(seq $last); do
    if grep -q "^$number " "$work/titles" && grep -qx "$number" "$work/left"; then
        fail "line $number is said to be left out in sut/jobs/README.md, but has a test"
    elif grep -q "^$number " "$work/titles" || grep -qx "$number" "$work/left"; then
        passed=$((passed + 1))
    else
        fail "line $number has neither a test c${number}_... nor a row \"Left out: ...\" in sut/jobs/README.md"
    fi
done
for number in $(cut -d' ' -f1 "$work/titles" "$work/differences" | sort -nu); do
    if [ "$number" -lt 1 ] || [ "$number" -gt $last ]; then fail "there is no line $number of the conformance list"; fi
done
echo "[====] Synthesis: Tested: $((passed + failed)) | Passing: $passed | Failing: $failed | Crashing: 0"
[ $failed -eq 0 ]
