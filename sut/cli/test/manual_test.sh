#!/bin/sh
# Man pages and completions are made from --help: every option and every command that is in it is in them.
. sut/cli/test/support.shlib

make_all() { # PROGRAM SECTION
    prog=$(basename "$1")
    sh sut/cli/manual.sh man "$1" "$2" "sut/cli/man/$prog.$2.in" >"$work/$prog.$2" &&
        sh sut/cli/manual.sh bash "$1" >"$work/$prog.bash" && sh sut/cli/manual.sh zsh "$1" >"$work/_$prog"
}
# Every option that a program speaks of at the beginning of a line.
options() { grep -o -E '^  (-[a-zA-Z], )?--[a-z-]+' | grep -o -E '\-\-[a-z-]+' | sort -u; }
helps() { # PROGRAM
    "$1" --help
    case $1 in *duress) for command in run replay shrink sweep check list report; do "$1" help $command; done ;; esac
}
in_man() { tr -d '\\' <"$work/$1" | grep -q -e "fB$2fR"; }
all_in() { # HOW FILE: each option of standard input
    missing=$(while read -r option; do "$1" "$2" "$option" || echo "$option"; done)
    [ -z "$missing" ] || { echo "not in $2:" $missing; return 1; }
}
in_bash() { grep -q -e "[' ]$2[ ']" "$work/$1"; }
in_zsh() { grep -q -e "'\*$2\[" "$work/$1"; }
holds() { "$3" --help >"$work/help"; helps "$3" | options >"$work/options"; [ -s "$work/options" ] && all_in "$1" "$2" <"$work/options"; }

for each in "$BUILD/release/jobd 8" "$BUILD/release/jobctl 1" "$BUILD/duress 1"; do
    program=${each% *} section=${each##* } prog=$(basename "${each% *}")
    check "$prog: they are made" make_all "$program" "$section"
    check "$prog: the man page has every option" holds in_man "$prog.$section" "$program"
    check "$prog: bash completes every option" holds in_bash "$prog.bash" "$program"
    check "$prog: zsh completes every option" holds in_zsh "_$prog" "$program"
    check "$prog: nothing of the template is left" not grep -q '^@' "$work/$prog.$section"
    check "$prog: each option is explained" not grep -q -x "[.]" "$work/$prog.$section"
    check "$prog: bash understands it" bash -n "$work/$prog.bash"
    if command -v groff >/dev/null; then
        check "$prog: groff has nothing against it" sh -c "! groff -man -Tutf8 -ww -z '$work/$prog.$section' 2>&1 | grep ."
    fi
done

commands=$("$BUILD/release/jobctl" --help | awk '/^$/ { part++ } part == 3 { exit } /^  [a-z]/ { print $1 }')
check 'jobctl has commands' [ "$(echo "$commands" | wc -l)" -gt 10 ]
for command in $commands; do
    check "the man page has $command" in_man jobctl.1 "$command"
    check "bash completes $command" in_bash jobctl.bash "$command"
    check "zsh completes $command" grep -q -e "[( ]$command\\\\:" "$work/_jobctl"
done

# complete PROGRAM WORD...: what bash offers for the last of them.
complete() {
    bash -c 'source "$1"; shift; prog=$1; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); "_$prog"; printf "%s\n" "${COMPREPLY[@]}"' - "$work/$1.bash" "$@"
}
check 'bash offers commands' says 0 '^cancel$' complete jobctl can
check 'and options' says 0 '^--max-attempts$' complete jobctl insert --max
check 'and words of options' says 0 '^normal$' complete jobd --durability n
check 'and nothing where anything may stand' says 0 '^$' complete jobd --lease ''
mkdir "$work/files"
touch "$work/files/jobs.db"
check 'and files' says 0 '/files/jobs.db$' complete jobctl --database "$work/files/j"
check 'and only directories' says 0 '/files$' complete jobd --workers "$work/fil"
check 'a program that is not there' not sh sut/cli/manual.sh bash "$work/none"
check 'another kind' says 2 'neither man, bash nor zsh' sh sut/cli/manual.sh html "$BUILD/release/jobd"
finish
