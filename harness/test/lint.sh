#!/bin/bash
# Warnings of two compilers as errors, the format, and two analysers. Prints what is wrong; silence is health.
#   lint.sh BUILD MAKE
set -u
build=$1 make=$2 bad=0
step() { printf '  LINT   %s\n' "$1"; }

compile() { $make --no-print-directory -k -s CC="$1" BUILD="$2" OPT="$3" EXTRA=-Werror build test-objects >/dev/null || bad=1; }

# gcc finds more when it optimizes, clang does not. Where everything is built with -Werror, gcc has spoken.
step "gcc, no warning"
case ${EXTRA:-} in
*-Werror*) gcc=$build ;;
*) gcc=$build/lint-gcc ;;
esac
compile gcc "$gcc" "${OPT:--O2}"
step "clang, no warning"
compile clang "$build/lint-clang" -O0

files=$(git ls-files -co --exclude-standard '*.c' '*.h')
step "clang-format"
clang-format --dry-run -Werror $files || bad=1

sources=$(git ls-files -co --exclude-standard '*.c' | grep -v '/test/\|/bench/')
step "cppcheck"
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr -j 2 \
    --suppressions-list=harness/test/cppcheck.supp -DDURESS_POINTS -I. $sources || bad=1
step "clang-tidy"
tidy='clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=gnu11 -DDURESS_POINTS -I.'
if ! printf '%s\n' $sources | xargs -P 2 -n 8 sh -c "$tidy" tidy >"$build/tidy.log" 2>/dev/null; then
    grep -E 'warning:|error:' "$build/tidy.log" | sort -u
    bad=1
fi

step "no name in two libraries"
names() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }
if comm -12 <(names "$gcc"/lib{duress,adapters}.a) <(names "$gcc"/lib{jobs,cli}.a) | grep .; then bad=1; fi

step "mutants apply exactly"
for patch in scenarios/mutants/*.patch; do
    patch -F0 --dry-run -s -p1 <"$patch" || { echo "$patch: see scenarios/mutants/refresh.sh"; bad=1; }
done

step "who may know whom"
if git grep -n '#include "harness/' -- 'sut/*' | grep -v 'harness/point\.h' | grep -v '/test/'; then bad=1; fi
if git grep -n '#include "\(sut\|scenarios\)/' -- 'harness/*' 'nemesis/*' 'properties/*' 'reports/*'; then bad=1; fi
if git grep -n '#include "\(nemesis\|reports\|properties\)/' -- 'harness/*' | grep -v '/test/'; then bad=1; fi
[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
