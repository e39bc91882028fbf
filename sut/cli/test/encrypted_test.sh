#!/bin/sh
# Encrypted arguments, from the outside: keys, what is stored and shown, what a worker gets, and what becomes of a job without its key.
. sut/cli/test/support.shlib
mkdir "$work/workers"
worker keep <<'E'
cat >"$(dirname "$0")/../input"; env >"$(dirname "$0")/../env"
E
key() { echo "$1 $(head -c 32 /dev/urandom | base64)"; }
stored() { grep -aq "$1" "$work/jobs.db" || grep -aqs "$1" "$work/jobs.db-wal"; }
key june >"$work/keys"
chmod 600 "$work/keys"
encrypt() { ctl insert keep "$1" --encrypt --keys "$work/keys"; }

check 'insert' says 0 '^job 1$' encrypt '{"card": "4111-1111"}'
check 'nobody sees it in the database' not stored 4111-1111
check 'that it is there, everybody' stored '\$sealed'
check 'show' says 0 '^args  *"encrypted"$' ctl show 1
check 'list' says 0 ' "encrypted"$' ctl list
check 'JSON' says 0 '"args":"encrypted"' ctl show 1 --json
check 'no key' says 2 'there is no key: give --keys FILE, or JOBD_KEYS' ctl insert keep --encrypt
check 'not unique by what nobody sees' says 2 'unique by its arguments, which are to be encrypted' ctl insert keep --encrypt --keys "$work/keys" --unique true
check 'unique by its worker' says 0 '^job 2$' ctl insert keep '{"n": 2}' --encrypt --keys "$work/keys" --unique fields=worker,period=1h
chmod 644 "$work/keys"
check 'keys that others may read' says 2 'keys: the keys cannot be used: can be read or written by others than its owner; chmod 600' encrypt '{}'
check 'the same for jobd' says 2 'can be read or written by others' "$jobd" --database "$work/jobs.db" --workers "$work/workers" --keys "$work/keys" --check
chmod 600 "$work/keys"
check 'no such file' says 2 'none: the keys cannot be used: No such file' ctl insert keep --encrypt --keys "$work/none"
check 'no key in the environment' says 2 'JOBD_KEYS: the keys cannot be used: line 1 has a key that is not 32 bytes' env JOBD_KEYS='k:AAAA' "$jobctl" --database "$work/jobs.db" insert keep --encrypt

start
check 'without the key it fails' eventually 5 is 1 retryable
check 'and says why' error_is 1 "its arguments are encrypted, and there is no key 'june' here"
check 'jobd stops' stop 0 5
{ key july; cat "$work/keys"; } >"$work/newer"
chmod 600 "$work/newer"
start --keys "$work/newer"
check 'retry' ctl retry 1
check 'with a newer key before it, it runs' eventually 5 is 1 completed
check 'with its arguments' grep -qx '{"card": "4111-1111"}' "$work/input"
check 'and nothing of the keys' not grep -q "$(cut -d' ' -f2 "$work/keys" | head -c 20)" "$work/env"
check 'jobd stops' stop 0 5
start --keys "$work/newer"
key august >"$work/fresh"
chmod 600 "$work/fresh"
fresh=$(ctl insert keep '{"n": 8}' --encrypt --keys "$work/fresh" | sed 's/[^0-9]*//')
check 'a key that jobd does not have yet' eventually 5 is "$fresh" retryable
cat "$work/fresh" >>"$work/newer"
kill -HUP "$daemon"
check 'is read again' eventually 5 grep -q 'SIGHUP: jobd' "$work/log"
ctl retry "$fresh" >/dev/null
check 'and opens what it closed' eventually 5 is "$fresh" completed
chmod 644 "$work/newer"
kill -HUP "$daemon"
check 'keys that cannot be used' eventually 5 grep -q 'SIGHUP: .*can be read or written by others.*all is as before' "$work/log"
chmod 600 "$work/newer"
check 'jobd stops' stop 0 5
key june >"$work/other"
chmod 600 "$work/other"
third=$(encrypt '{"n": 3}' | sed 's/[^0-9]*//')
start --keys "$work/other"
check 'another key of that name' eventually 5 is "$third" retryable
check 'is not it' error_is "$third" "its arguments are not what key 'june' encrypted.*"
check 'jobd stops' stop 0 5
JOBD_KEYS=$(tr ' ' : <"$work/keys")
export JOBD_KEYS
check 'update' ctl update "$third" --set-args '{"n": 4}' --encrypt
start
ctl retry "$third" >/dev/null
check 'keys from the environment' eventually 5 is "$third" completed
check 'what was updated' grep -qx '{"n": 4}' "$work/input"
check 'the worker has no JOBD_KEYS' not grep -q JOBD "$work/env"
check 'jobd stops' stop 0 5
finish
