#!/bin/sh
# Runs test programs, as many at once as there are cores (or TEST_JOBS), prints one line for each, the full output of
# those that fail, and a total.
#   run_tests.sh BUILD PROGRAM...        TEST_WRAPPER="valgrind ..." runs each under a tool.
limit=${TEST_TIMEOUT:-300} # seconds for one program: a test that hangs is a failure, not a wait

# BUILD PROGRAM: runs it; "passed failed" goes to its .result file, what there is to say to the terminal in one piece.
run_one() {
    build=$1 program=$2
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
    if [ "$bad" -eq 0 ]; then
        printf '  ok     %-48s %3d passed\n' "$name" "$good"
    else
        said=$(printf '  FAILED %-48s %3d passed, %d failed\n' "$name" "$good" "$bad" && cat "$log")
        printf '%s\n' "$said"
    fi
    echo "$good $bad" >"$program.result"
}

if [ "$1" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi
build=$1
shift
for program in "$@"; do rm -f "$program.result"; done
printf '%s\n' "$@" | xargs -n 1 -P "${TEST_JOBS:-$(nproc)}" sh "$0" --one "$build"
passed=0 failed=0
for program in "$@"; do
    { read -r good bad <"$program.result"; } 2>/dev/null || { good=0 bad=1 && echo "  FAILED $program: no result"; }
    passed=$((passed + good)) failed=$((failed + bad))
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
