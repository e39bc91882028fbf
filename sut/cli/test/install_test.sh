#!/bin/sh
# What `make install` puts in place is complete: programs run, and programs of others compile against it and run.
. sut/cli/test/support.shlib
prefix=$work/usr

installs() { sh sut/cli/install.sh "$BUILD" "$1" "$2" 1.2.3; }
sanitizers() { nm "$prefix/lib/libjobs.a" 2>/dev/null | grep -q __asan_init && echo -fsanitize=address,undefined; }
compiles() { # PACKAGE FILE: with nothing but what was installed
    (cd "$work" && PKG_CONFIG_PATH=$prefix/lib/pkgconfig &&  export PKG_CONFIG_PATH &&
        ${CC:-cc} -Wall -Werror $(sanitizers) "$2" $(pkg-config --cflags --libs "$1") -o "$work/program")
}

check 'install' installs "$prefix" "$prefix"
for program in duress jobd jobctl; do
    check "$program runs" says 0 "usage: $program" "$prefix/bin/$program" --help
done
check 'jobd is the one without points' cmp "$prefix/bin/jobd" "$BUILD/release/jobd"
check 'version' says 0 1.2.3 env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --modversion jobs duress
cp sut/cli/examples/embedded.c "$work"
check 'a program with jobs in it compiles' compiles jobs embedded.c
check 'and runs one, twice' says 0 '^attempt 2 with {"name": "world"}$' "$work/program" "$work/own.db"
check 'which is completed' says 0 '^completed  *1$' "$prefix/bin/jobctl" --database "$work/own.db" stats
cp "$prefix/share/doc/duress/examples/mail_test.c" "$prefix/share/doc/duress/examples/criterion_test.c" "$work"
check 'a test of a program with jobs compiles' compiles jobs mail_test.c
check 'and passes' says 0 '^passed$' "$work/program"
check 'one with Criterion compiles' compiles 'jobs criterion' criterion_test.c
check 'and passes, too' says 0 'Tested: 3 | Passing: 3' "$work/program"
cat >"$work/harness.c" <<'E'
#include "harness/property.h"
#include "harness/system.h"
#include "nemesis/live.h"
POINT_ABOUT("my/thing/done", "A thing was done.");
int main(int argc, char **argv)
{
    struct point_site site = {0};
    TRACE(&site, "my/thing/done", T_U64("thing", 1));
    return duress_main(argc, argv, (const struct system *const[]){0}, 0);
}
E
check 'a harness of one'"'"'s own compiles' compiles duress harness.c
check 'and knows its points' says 0 'my/thing/done' "$work/program" list points
cp "$prefix/share/doc/duress/examples/account.c" "$prefix/share/doc/duress/examples/account.yaml" "$work"
check 'a system of one'"'"'s own compiles' compiles duress account.c
account() { says "$1" "$2" env -C "$work" ./program run account.yaml --runs 100 --shrink 5s --out account; }
check 'its bug is found, and shrunk to the fault that it needs' account 1 'shrunk  [0-9]* -> 1 faults'
sed -i 's/remembers: no/remembers: yes/' "$work/account.yaml"
check 'without it all holds, judged by what is about it alone' account 0 'properties  1 held, 0 failed, 0 vacuous'
check 'the unit names the program' grep -q "^ExecStart=$prefix/bin/jobd " "$prefix/lib/systemd/system/jobd.service"
for file in share/man/man8/jobd.8 share/man/man1/jobctl.1 share/man/man1/duress.1 share/bash-completion/completions/jobd \
    share/bash-completion/completions/jobctl share/zsh/site-functions/_duress include/duress/sut/cli/jobs_plugin.h; do
    check "$file is there" test -s "$prefix/$file"
done
check 'a plugin compiles' sh -c "PKG_CONFIG_PATH=$prefix/lib/pkgconfig; export PKG_CONFIG_PATH; ${CC:-cc} -shared -fPIC -Wall -Werror \
    -o $work/pictures.so $prefix/share/doc/duress/examples/pictures.c \$(pkg-config --cflags jobs)"
check 'the examples are there' test -x "$prefix/share/doc/duress/examples/report"
mkdir "$work/workers"
cp "$prefix/share/doc/duress/examples/report" "$work/workers"
sed "s|/var/lib/jobd|$work|; s|/usr/local/lib/jobd|$work|" "$prefix/share/doc/duress/examples/jobd.conf" >"$work/jobd.conf"
check 'the example configuration is right' says 0 'queues default=10 mail=2, lease 12s.*timeout 10m' "$prefix/bin/jobd" -c "$work/jobd.conf" --check
ctl insert report '{"day": "2020-02-29"}' >/dev/null
ctl insert report '{"night": 1}' >/dev/null
ctl insert report '{"day": "9999-01-01"}' >/dev/null
start
check 'the example worker works' eventually 5 is 1 completed
check 'and discards' eventually 5 is 2 discarded
check 'and snoozes' eventually 5 is 3 scheduled
check 'jobd stops' stop 0 5
check 'into a staging directory' installs "$work/stage/opt/x" /opt/x
check 'which is not named in it' not grep -rqs "$work/stage" "$work/stage/opt/x/lib/pkgconfig" "$work/stage/opt/x/lib/systemd"
check 'its prefix is' grep -q '^prefix=/opt/x$' "$work/stage/opt/x/lib/pkgconfig/jobs.pc"
check 'a relative prefix is refused' says 2 'must be absolute' sh sut/cli/install.sh "$BUILD" "$work/y" y 1
finish
