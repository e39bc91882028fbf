#!/bin/sh
# The table of failures in scenarios/jobs/README.md: all 35 are in it, each is made to happen by something, and the scenarios,
# properties and tests that it names are there.
readme=scenarios/jobs/README.md passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    failed=$((failed + 1))
    echo "FAILED: $*"
}
# names COLUMN: "NUMBER NAME" for each name in that column of the table.
names() {
    sed -n '/^## How job systems fail/,$s/^| \([0-9]*\) |/\1|/p' $readme |
        awk -F '|' -v column="$1" '{ n = split($column, part, "`"); for (i = 2; i <= n; i += 2) print $1, part[i] }'
}
# there KIND NAME: such a thing exists.
there() {
    case $1 in
    scenario) [ -f "scenarios/$2.yaml" ] ;;
    property) grep -qw "$2" properties/*.c ;;
    test) case $2 in
        *.sh) [ -f "sut/cli/test/$2" ] ;;
        *) grep -qE "(Test|CONFORMS)\(([a-z_]+, *)?$2\)" sut/*/test/*.c sut/store/test/conformance/*.h ;;
        esac ;;
    esac
}
all_there() { # KIND COLUMN
    names "$2" >"$work/$1"
    while read -r number name; do
        if there "$1" "$name"; then passed=$((passed + 1)); else fail "failure $number: there is no $1 '$name'"; fi
    done <"$work/$1"
}

all_there scenario 3
all_there property 4
all_there test 5
for number in $(seq 35); do
    if grep -q "^$number " "$work/scenario" "$work/test"; then passed=$((passed + 1)); else fail "failure $number is not made to happen"; fi
done
while read -r number name; do
    grep -q "^$number " "$work/property" || fail "failure $number has a scenario, and no property"
done <"$work/scenario"
echo "[====] Synthesis: Tested: $((passed + failed)) | Passing: $passed | Failing: $failed | Crashing: 0"
[ $failed -eq 0 ]
