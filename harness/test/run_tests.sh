#!/bin/sh
# Runs test programs, prints one line for each, the full output of those that fail, and a total.
#   run_tests.sh BUILD PROGRAM...        TEST_WRAPPER="valgrind ..." runs each under a tool.
build=$1
shift
passed=0 failed=0
limit=${TEST_TIMEOUT:-300} # seconds for one program: a test that hangs is a failure, not a wait
for program in "$@"; do
    name=${program#"$build"/test/}
    log=$program.log
    case $program in
    *.sh)
        log=$build/test/$(basename "$program").log
        BUILD=$build timeout -k 10 "$limit" sh "$program" >"$log" 2>&1
        ;;
    *) timeout -k 10 "$limit" $TEST_WRAPPER "$program" >"$log" 2>&1 ;;
    esac
    status=$?
    line=$(grep -a 'Synthesis: Tested:' "$log" | tail -n 1)
    good=$(printf '%s' "$line" | sed -n 's/.*Passing: \([0-9]*\).*/\1/p')
    bad=$(printf '%s' "$line" | sed -n 's/.*Failing: \([0-9]*\) | Crashing: \([0-9]*\).*/\1 + \2/p')
    good=${good:-0} bad=$((${bad:-0}))
    # A program that did not get as far as its own summary is a failure too, and so is one that tested nothing.
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ "$good" -eq 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad))
    if [ "$bad" -eq 0 ]; then
        printf '  ok     %-48s %3d passed\n' "$name" "$good"
    else
        printf '  FAILED %-48s %3d passed, %d failed\n' "$name" "$good" "$bad"
        cat "$log"
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
