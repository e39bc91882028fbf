#!/bin/sh
# Called by `make install`: puts programs, libraries, headers, pkg-config files, the systemd unit and examples in place.
#   install.sh BUILD DEST PREFIX VERSION     DEST is where to write (DESTDIR and PREFIX), PREFIX where it will be found.
# Headers keep their paths below include/duress, because they include each other by them.
set -eu
[ $# -eq 4 ] || { echo 'usage: install.sh BUILD DEST PREFIX VERSION' >&2; exit 2; }
build=$1 dest=$2 prefix=$3 version=$4
case $prefix in /*) ;; *) echo "install.sh: PREFIX must be absolute, not '$prefix'" >&2; exit 2 ;; esac

put() { # MODE FILE TARGET
    install -D -m "$1" "$2" "$dest/$3"
}

fill() { # TEMPLATE TARGET: with the prefix and the version
    mkdir -p "$(dirname "$dest/$2")"
    sed "s|@PREFIX@|$prefix|g; s|@VERSION@|$version|g" "$1" >"$dest/$2"
    chmod 644 "$dest/$2"
}

# ROOT...: public headers, with all that they include.
headers() {
    for root in "$@"; do echo "#include \"$root\""; done | ${CC:-cc} -std=gnu11 -I. -DDURESS_POINTS -MM -x c - |
        tr ' \\' '\n\n' | grep '^[a-z].*\.h$' | while read -r header; do put 644 "$header" "include/duress/$header"; done
}

put 755 "$build/duress" bin/duress
put 755 "$build/release/jobd" bin/jobd
put 755 "$build/release/jobctl" bin/jobctl
put 644 "$build/libduress.a" lib/libduress.a
put 644 "$build/release/libjobs.a" lib/libjobs.a
ar r "$dest/lib/libjobs.a" "$build"/release/obj/sut/live/*.o # so that a program can run jobs in itself
headers harness/system.h harness/world/world.h harness/world/disk.h harness/property.h harness/report.h nemesis/live.h \
    properties/watch.h properties/history_trace.h properties/schedule.h properties/prop.h properties/machine.h
headers sut/live/node.h sut/jobs/jobs.h sut/jobs/testing.h sut/jobs/workflow.h sut/store/sqlite.h sut/live/env_live.h sut/live/isolation.h
headers sut/runtime/partition.h sut/runtime/agent.h sut/runtime/task_stream.h sut/runtime/registry_via.h sut/runtime/pubsub.h \
    sut/runtime/ets.h sut/runtime/stage_supervisor.h
headers sut/cli/jobs_plugin.h
fill sut/cli/jobs.pc.in lib/pkgconfig/jobs.pc
fill sut/cli/duress.pc.in lib/pkgconfig/duress.pc
fill sut/cli/examples/jobd.service lib/systemd/system/jobd.service
for page in jobd.8 jobctl.1 duress.1; do # from what the programs say of themselves
    program=$dest/bin/${page%.*} name=${page%.*}
    mkdir -p "$dest/share/man/man${page#*.}" "$dest/share/bash-completion/completions" "$dest/share/zsh/site-functions"
    sh sut/cli/manual.sh man "$program" "${page#*.}" "sut/cli/man/$page.in" >"$dest/share/man/man${page#*.}/$page"
    sh sut/cli/manual.sh bash "$program" >"$dest/share/bash-completion/completions/$name"
    sh sut/cli/manual.sh zsh "$program" >"$dest/share/zsh/site-functions/_$name"
done
for example in jobd.conf report embedded.c pictures.c mail_test.c criterion_test.c; do put 644 "sut/cli/examples/$example" "share/doc/duress/examples/$example"; done
chmod 755 "$dest/share/doc/duress/examples/report"
for example in account.c account.yaml; do put 644 "scenarios/examples/$example" "share/doc/duress/examples/$example"; done
echo "installed duress $version into $dest"
