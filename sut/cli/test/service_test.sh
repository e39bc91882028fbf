#!/bin/sh
# jobd as a service: what it tells systemd, and how it takes another configuration while it runs.
. sut/cli/test/support.shlib
mkdir "$work/workers" "$work/others"

# ---- a listener, as systemd is one: each datagram is a line of $work/told ----
hear() {
    : >"$work/told"
    perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die; $| = 1; print "listens\n";
        while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\n/|/g; print "$m\n" }' "$1" >"$work/told" &
    listener=$!
    eventually 5 grep -q listens "$work/told"
}
trap 'kill $listener 2>/dev/null; clean_up' EXIT
told() { grep -q -e "$1" "$work/told"; }
told_times() { [ "$(grep -c -e "$2" "$work/told")" -ge "$1" ]; }
listener=
conf() { cat >"$work/jobd.conf"; }
run() { # [NAME=VALUE...]
    : >"$work/log"
    env "$@" "$jobd" -c "$work/jobd.conf" 2>>"$work/log" &
    daemon=$!
    eventually 10 grep -q 'jobd .*database' "$work/log"
}
hup() { kill -HUP "$daemon"; }
logged() { grep -q -e "$1" "$work/log"; }

worker ok <<'E2'
exit 0
E2
printf '#!/bin/sh\nexit 0\n' >"$work/others/new"
chmod +x "$work/others/new"
conf <<'E2'
database = jobs.db
workers = workers
queue default = 4
queue mail = 2
cron night = 0 3 * * * ok
cron noon = 0 12 * * * ok
poll = 100ms
E2

# ---- systemd ----
hear "$work/notify"
run NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=200000
check 'it is ready' eventually 5 told '^READY=1'
check 'and goes on being alive' eventually 5 told_times 3 '^WATCHDOG=1$'
hup
check 'a reload begins' eventually 5 told '^RELOADING=1|MONOTONIC_USEC=[0-9]*$'
check 'and ends' eventually 5 told_times 2 '^READY=1'
check 'jobd stops' stop 0 5
check 'and said so' told '^STOPPING=1'
kill "$listener"
run NOTIFY_SOCKET=/nowhere/at/all WATCHDOG_USEC=200000
check 'nobody listens: it runs all the same' eventually 5 logged 'leads'
check 'and stops' stop 0 5
hear "$work/notify2"
run NOTIFY_SOCKET="$work/notify2" WATCHDOG_USEC=200000 WATCHDOG_PID=1
check 'it is ready, too' eventually 5 told '^READY=1'
check 'the watchdog of another process is not its own' not told WATCHDOG
check 'the program that was run knows nothing of it' stop 0 5

# ---- another configuration ----
queues() { says 0 "$1" ctl cron; }
insert() { ctl insert "$@" | sed 's/[^0-9]*//'; }
run HOME="$work"
eventually 5 says 0 noon ctl cron
waits=$(insert new --queue extra --max-attempts 1)
conf <<'E2'
database = jobs.db
workers = others
queue default = 7
queue extra = 1
cron night = 30 4 * * * new
lease = 20s
poll = 100ms
E2
ln -s /bin/true "$work/others/link"
hup
check 'the configuration is read again' eventually 5 logged 'SIGHUP: jobd .*workers .*/others, queues default=7 extra=1,.*; 1 cron entries'
check 'what cannot change is said' logged "SIGHUP: 'lease' cannot change while jobd runs"
check 'and is as before' logged 'SIGHUP: jobd .*lease 12s'
check 'executables are looked at' logged 'SIGHUP: worker link cannot be run: it is a symbolic link'
check 'a queue and a directory of workers come' eventually 10 is "$waits" completed
check 'a queue goes' eventually 5 logged 'queue mail: stopped'
check 'a cron entry goes' eventually 5 not says 0 noon ctl cron
check 'another one is changed' eventually 5 says 0 '30 4 \* \* \*' ctl cron
left=$(insert new --queue mail)
printf 'database = jobs.db\nworkers = others\nqueue default = 7\nqueue mail = 3\npoll = soon\n' >"$work/jobd.conf"
hup
check 'a mistake is said' eventually 5 logged 'SIGHUP: .*jobd.conf:5: poll: .soon. is no time.*; all is as before'
rm "$work/jobd.conf"
hup
check 'a file that is gone, too' eventually 5 logged 'SIGHUP: .*jobd.conf: cannot be read: No such file.*; all is as before'
printf 'database = jobs.db\nworkers = nowhere\nqueue mail = 3\n' >"$work/jobd.conf"
hup
check 'and a directory that is not there' eventually 5 logged 'SIGHUP: .*nowhere: the workers. directory cannot be read'
check 'nothing has changed' is "$left" available
printf 'database = jobs.db\nworkers = others\nqueue mail = 3\npoll = 100ms\n' >"$work/jobd.conf"
hup
check 'what is right is taken' eventually 10 is "$left" completed
check 'it stops' stop 0 5
check 'the signals did no harm' not logged 'error.*gave up'

# ---- what is removed, from a reload on ----
keep() { printf 'database = jobs.db\nworkers = others\nqueue mail = 3\npoll = 100ms\nkeep-completed = %s\nkeep-cancelled = 0s\nkeep-discarded = 0s\n' "$1" >"$work/jobd.conf"; }
keep 0s
run HOME="$work"
keep 1h
hup
check 'a pruner begins with a reload' eventually 5 logged 'SIGHUP: jobd '
check 'nothing was against it' not logged 'keep\|gave up'
check 'it stops' stop 0 5

# ---- queues by hand, while it runs ----
printf 'database = jobs.db\nworkers = others\nqueue default = 3\npoll = 100ms\nnode = here\n' >"$work/jobd.conf"
run HOME="$work"
more=$(insert new --queue more)
check 'a queue is started' says 0 'started  limit=2' ctl queue more start limit=2
check 'and runs' eventually 10 is "$more" completed
check 'it is stopped here' says 0 'stopped  node=here' ctl queue more stop node=here
check 'and is gone' eventually 5 logged 'queue more: stopped'
more=$(insert new --queue more)
check 'a restart keeps to it' stop 0 5
run HOME="$work"
default=$(insert new)
eventually 5 is "$default" completed
check 'as what waits shows' is "$more" available
check 'started again, on all nodes' says 0 'started' ctl queue more start
check 'it runs' eventually 10 is "$more" completed
check 'jobd ends' stop 0 5
finish
