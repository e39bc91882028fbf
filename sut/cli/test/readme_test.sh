#!/bin/sh
# "From nothing to a job" in the README, as it is written there: its commands in their order, its C program, its worker.
. sut/cli/test/support.shlib
# As make has been called before: by another name of the same directory it would not know what depends on which header.
export HOME="$work" BUILD="${BUILD#"$PWD"/}"
section() { sed -n '/^### From nothing to a job$/,/^##* [^F]/p' README.md; }
# fences LANGUAGE: what stands in those blocks.
fences() { section | awk -v open="\`\`\`$1" '/^```/ { inside = !inside; on = inside && $0 == open; next } on'; }
commands() { fences '' | sed -n 's/^\$ //p'; }

# A library with sanitizers wants them in the program, too.
mkdir "$work/bin"
real=$(command -v "${CC##* }" || command -v cc)
flags=$(nm "$BUILD/release/libjobs.a" 2>/dev/null | grep -q __asan_init && echo -fsanitize=address,undefined)
printf '#!/bin/sh\nexec %s %s -Wall -Wextra -Werror "$@"\n' "$real" "$flags" >"$work/bin/cc"
chmod +x "$work/bin/cc"
PATH=$work/bin:$PATH
trap 'kill $(cat "$work/pids" 2>/dev/null) 2>/dev/null; clean_up' EXIT

# The directory of the third command is where the files belong; what is started is known by its process.
mkdir -p "$work/try/workers"
fences c >"$work/try/hello.c"
fences sh >"$work/try/workers/greet"
{
    echo 'set -e'
    commands | sed 's/ &$/ >>"$HOME\/heard" 2>\&1 \& echo $! >>"$HOME\/pids"/'
} >"$work/script"
check 'the program has 30 lines at most' [ "$(grep -c . "$work/try/hello.c")" -le 30 ]
check 'and the README has commands' [ "$(commands | wc -l)" -ge 9 ]
unset MAKEFLAGS MFLAGS MAKELEVEL
check 'all of them work' env -u CC sh "$work/script"
said() { grep -q -e "$1" "$work/heard"; }
one() { says 0 "$2" "$work/jobs/bin/jobctl" --database "$work/try/$1" show 1; }
check 'and the one of jobctl' eventually 10 says 0 '^state  *completed' "$work/jobs/bin/jobctl" --database "$work/try/hello.db" show 2
check 'with a result' says 0 '"greeted"' "$work/jobs/bin/jobctl" --database "$work/try/hello.db" show 2
check 'the worker was run' eventually 10 grep -q 'hello, {"to": "you"}, key job-1' "$work/try/greetings"
check 'and will be again' eventually 10 one jobs.db '^state  *retryable'
check 'nothing was left out of the installation' test -e "$work/jobs/lib/pkgconfig/jobs.pc"
stopped() { for pid in $(cat "$work/pids"); do dead "$pid" || return 1; done; }
kill $(cat "$work/pids" 2>/dev/null)
check 'both end when they are asked to' eventually 10 stopped
check 'the program ran its own job' said '^job [12], attempt 1, with {"to": "all"}$'
check 'and complained of nothing' not said 'Sanitizer\|error  '
finish
