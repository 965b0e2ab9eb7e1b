#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 while a verb writes its file: the folder is as it was. Where the file system has no files without a name a
# temporary one stays; then there is nothing to see here.
. "$(dirname "$0")/cli/common.sh"

"$cinch" train --model vae "${small[@]}" --epochs 1 --device cpu --set train.report=false --out vae > out 2> err ||
    fail 'no run'
"$cinch" sample vae --num-samples 60000 --out many.npy --quiet || fail 'no samples'

# Whether the file system has files without a name.
unnamed() { python3 -c 'import os; os.open(".", os.O_TMPFILE | os.O_WRONLY)' 2> nothing; }

# What process PID has written so far of a file in the folder `target`; 0: nothing.
written() { stat -L -c %s $(find "/proc/$1/fd" -lname "$work/target/*" 2> nothing) 2> nothing || echo 0; }

# killed OLD VERB ARGUMENT...: kills the verb in the midst of target/x.npy, which is not there or holds OLD.
killed()
{
    local old=$1 pid
    shift
    rm -rf target && mkdir target
    [ -z "$old" ] || echo "$old" > target/x.npy
    ls -A target > before
    "$cinch" "$@" --out target/x.npy --quiet > out 2> err < /dev/null &
    pid=$!
    while kill -0 $pid 2> nothing && [ "$(written $pid)" -lt 100000 ]; do sleep 0.01; done
    kill -9 $pid
    wait $pid 2> nothing
    check "cinch $*: killed" test $? = 137
    [ -z "$(leftovers target)" ] || unnamed || { echo 'no files without a name here'; exit 77; }
    check "cinch $*: the folder is as it was" same before <(ls -A target)
    [ -z "$old" ] || check "cinch $*: the old file too" test "$(cat target/x.npy)" = "$old"
}

for old in '' precious; do
    killed "$old" sample vae --num-samples 3000000
    killed "$old" reconstruct vae --data many.npy --batch-size 1
done
finish
