#!/bin/sh
# The tests and 200 scenario runs under valgrind: no error, no leak, crashes of nodes and processes included.
#   memcheck.sh BUILD PROGRAM...
build=$1
shift
tool="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --trace-children=yes --trace-children-skip-by-arg=*pg_server* --child-silent-after-fork=no --suppressions=$(pwd)/harness/test/valgrind.supp"
# test_cli and test_runner compare what programs print, and how long they take: the suite below exercises the same code.
programs=$(printf '%s\n' "$@" | grep -v '/test_cli$\|/test_runner$')
TEST_TIMEOUT=1200 TEST_WRAPPER=$tool sh "$(dirname "$0")/run_tests.sh" "$build" $programs || exit 1
out=$build/memcheck-run
log=$build/memcheck-run.log
$tool --log-file="$build/memcheck-%p.log" "$build/duress" run scenarios --runs 200 --seed 1 --verify off --run-timeout 300s --out "$out" >"$log" 2>&1
status=$?
tail -n 25 "$log"
errors=$(cat "$build"/memcheck-[0-9]*.log 2>/dev/null)
rm -f "$build"/memcheck-[0-9]*.log
if [ "$status" -ne 0 ] || [ -n "$errors" ]; then
    printf '%s\n' "$errors" | head -n 100
    echo "memcheck: FAILED (exit $status)"
    exit 1
fi
echo "memcheck: 200 scenario runs, no error, no leak"
