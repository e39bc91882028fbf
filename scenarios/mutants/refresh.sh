#!/bin/bash
# Writes patches anew whose surroundings have changed, so that they apply exactly: what is only nearly in its place may be planted
# somewhere else. Look at the diff, and run what changed (`make mutants` wants exact ones).
#   refresh.sh [NAME...]      all that do not apply exactly
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(git -C "$here" rev-parse --show-toplevel)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

refresh() {
    local patch=$here/$1.patch files
    files=$(sed -n 's,^--- a/\([^\t]*\).*,\1,p' "$patch")
    rm -rf "${scratch:?}"/* && mkdir "$scratch/old" "$scratch/new"
    (cd "$top" && cp --parents $files "$scratch/old" && cp --parents $files "$scratch/new")
    if ! patch -s -p1 -d "$scratch/new" --no-backup-if-mismatch <"$patch"; then
        echo "$1: does not apply; write it anew"
        bad=1
        return
    fi
    sed '/^--- a\//,$d' "$patch" >"$scratch/text"
    for file in $files; do
        diff -U2 --label "a/$file" --label "b/$file" "$scratch/old/$file" "$scratch/new/$file" >>"$scratch/text"
    done
    cp "$scratch/text" "$patch"
    echo "$1: written anew"
}

if [ $# -eq 0 ]; then
    for patch in "$here"/*.patch; do
        patch -F0 --dry-run -s -p1 -d "$top" <"$patch" >/dev/null 2>&1 || set -- "$@" "$(basename "$patch" .patch)"
    done
fi
for name in "$@"; do refresh "$name"; done
exit $bad
