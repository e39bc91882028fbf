#!/bin/sh
# jobd and jobctl on PostgreSQL: several daemons on one database, one of them killed now and then, the server restarted.
. sut/cli/test/support.shlib
mkdir "$work/workers" "$work/ran"
mkfifo "$work/in" "$work/out"
sh sut/store/test/pg_server <"$work/in" >"$work/out" &
exec 8>"$work/in" 9<"$work/out"
read -r said server <&9
[ "$said" = ready ] || { echo "FAILED: $said $server"; exit 1; }
host=${server#host=} host=${host%% *}
database="postgresql:///postgres?host=$host&user=postgres"

# tell ORDER: crash, stop or start
tell() { echo "$1" >&8 && read -r answer <&9 && [ "$answer" = ok ]; }
ctl() { "$jobctl" --database "$database" --schema work "$@" 8>&- 9<&-; }
daemons=
# node NUMBER: one more daemon; its log in $work/log.NUMBER
node() {
    "$jobd" --database "$database" --schema work --workers "$work/workers" --queue default=10 --lease 2s 2>>"$work/log.$1" 8>&- 9<&- &
    eval "node$1=$!"
    daemons="$daemons $!"
}
pid() { eval echo "\$node$1"; }
trap 'kill -9 $daemons 2>/dev/null; clean_up' EXIT
ran() { [ "$(cat "$work"/ran/* 2>/dev/null | sort -u | wc -l)" -ge "$1" ]; }
count() { ctl stats | grep -q "^$1  *$2\$"; }
# up NUMBER: it has begun.
up() { eventually 20 grep -q "jobd .*database" "$work/log.$1"; }
worker note <<E
cat >>"$work/ran/\$\$"; echo >>"$work/ran/\$\$"
E

check 'an empty database has no jobs' says 3 'holds no jobs' ctl list
check 'a wrong name is said, without the password' says 3 '://u:\*\*\*@.*database "none" does not exist' \
    "$jobctl" --database "postgresql://u:secret@/none?host=$host&user=postgres" list
check 'jobd says so with a status of its own' says 3 'No such file or directory.*start PostgreSQL there' "$jobd" --database "postgresql:///x?host=/nowhere" --workers "$work/workers"
check 'no server' says 3 'No such file or directory' "$jobctl" --database "postgresql:///x?host=/nowhere" list
check 'migrate makes the tables' says 0 '^schema [0-9]*, made$' ctl migrate
check 'once' says 0 '^schema [0-9]*, as it was$' ctl migrate
check 'insert' says 0 '1' ctl insert note '{"n":0}' --pooled yes
check 'pooled or not' says 2 '\-\-pooled: .perhaps. is neither yes nor no' ctl stats --pooled perhaps
sql() { psql -q -h "$host" -U postgres -d postgres -c "$1" 8>&- 9<&-; }
reader() { says "$1" "$2" "$3" --database "postgresql:///postgres?host=$host&user=reader" --schema work $4 $5 $6 8>&- 9<&-; }
if command -v psql >/dev/null; then
    check 'a user who may only read' sql 'CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA work TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA work TO reader'
    check 'may look' reader 0 'available' "$jobctl" show 1
    check 'but not insert' reader 3 'permission denied.*; grant it to this user' "$jobctl" insert note
    check 'and not run jobs' reader 3 'permission denied: this user may not change its tables; grant' "$jobd" --workers "$work/workers"
    check 'one whose transactions are read-only' sql 'ALTER ROLE reader SET default_transaction_read_only=on'
    check 'is told' reader 3 'is read-only; let this user write to it' "$jobd" --workers "$work/workers"
    check 'a table of another program' sql 'CREATE SCHEMA theirs; CREATE TABLE theirs.duress_jobs(id int)'
    check 'is left alone' says 3 'relation "duress_jobs" already exists; it belongs to another program; name another schema' \
        "$jobctl" --database "$database" --schema theirs insert note
fi
check 'show' says 0 'available' ctl show 1

node 1; node 2; node 3
up 1; up 2; up 3
check 'a job runs' eventually 15 ran 1
numbers() { seq "$1" "$2" | sed 's/.*/{"n":&}/'; }
numbers 1 300 | ctl insert note - --lines >/dev/null
sleep 0.5
kill -9 "$(pid 2)"
check 'all jobs run, though a node was killed' eventually 30 ran 301
check 'and end' eventually 30 count completed 301
: >"$work/log.2"
node 2
up 2
check 'the server dies' tell crash
check 'and comes back' tell start
numbers 301 330 | ctl insert note - --lines >/dev/null
check 'the nodes come back, too' eventually 40 ran 331
check 'nothing is lost' eventually 40 count completed 331
for each in 1 2 3; do kill -TERM "$(pid $each)"; done
for each in 1 2 3; do
    wait "$(pid $each)"
    check "node $each ends well" test $? -eq 0
done
exec 8>&-
check 'the server is gone with whoever asked for it' eventually 10 not test -e "$host"
finish
