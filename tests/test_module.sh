#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The backend for GPUs as a module: where it is looked for, every reason for which there is none, and what the command
# makes of GPUs that are there. The modules are stand-ins (module/).
# Usage: test_module.sh COMMAND COMMAND-WITH-SHARED-LIBRARY LIBRARY MODULES
. "$(dirname "$0")/cli/common.sh"

static=$cinch shared=$2 library=$3 modules=$4
quick=(--data shapes:40 --hidden-sizes 8 --latent-dim 2 --batch-size 16 --epochs 1 --overwrite
    --set train.report=false)
unset CINCH_BACKEND_PATH
export LC_ALL=C

one_line() { [ "$(wc -l < "$1")" = 1 ]; }
lines() { [ "$(wc -l < "$1")" = "$2" ]; }

# with MODULE: from now on this is the module.
with() { export CINCH_BACKEND_PATH=$modules/$1; }

# no_gpu REASON: everything says so, in one line each, and the CPU works.
no_gpu()
{
    local reason=$1
    expect 0 '^cpu +[^ ]' devices
    check "devices has two lines" lines out 2
    check "devices gives the reason: $reason" grep -qE "^cuda +not usable: .*$reason" out
    check "devices says nothing else" test ! -s err
    expect 0 "" devices --json
    check "devices --json gives the reason" \
        grep -qE "\"name\": \"cuda\", \"usable\": false, \"reason\": \"[^\"]*$reason" out
    expect 0 "^cuda: not usable: .*$reason" --version
    expect 4 "^cinch: device cuda: .*$reason" train --device cuda "${quick[@]}" --out run
    expect 4 "^cinch: device cuda:3: .*$reason" train --device cuda:3 "${quick[@]}" --out run
    check "nothing was made" no_file run
    expect 0 "^device auto: cpu, for there is no GPU: .*$reason" train "${quick[@]}" --out run
    expect 0 "" train --device auto --quiet "${quick[@]}" --out run
    check "--quiet says nothing" test ! -s err
    expect 0 "" train --device cpu "${quick[@]}" --out run
    check "--device cpu does not speak of GPUs" eval '! grep -q GPU err'
    rm -rf run
}

# --- every reason, static and shared
both='install both from the same build'
for cinch in "$static" "$shared"; do
    mkdir -p empty
    CINCH_BACKEND_PATH=$work/empty no_gpu "CINCH_BACKEND_PATH is $work/empty, where there is no libcinch_cuda.so"
    with no_driver && no_gpu 'no NVIDIA driver is installed'
    with old_driver && no_gpu 'the NVIDIA driver is for CUDA 11.4 and cinch needs 13.0; update the driver'
    with no_gpu && no_gpu 'the NVIDIA driver finds no GPU; does CUDA_VISIBLE_DEVICES hide it\?'
    with other_abi && no_gpu "was built for another version of cinch \(ABI [0-9]+, and this one has [0-9]+\); $both"
    with other_version && no_gpu "is of cinch 0.0.9, and this is [0-9.]+; $both"
    with no_door && no_gpu 'libcinch_cuda.so is not a backend of cinch: it has no cinch_backend_module'
    with no_library &&
        no_gpu 'needs libcublasLt.so.99, which is not here; install it, or name its folder in LD_LIBRARY_PATH'
    with undefined && no_gpu 'cannot be loaded: .*undefined symbol: nobody_has_this'
    mkdir -p broken && echo "no library" > broken/libcinch_cuda.so
    CINCH_BACKEND_PATH=$work/broken no_gpu 'cannot be loaded: .*libcinch_cuda.so: '
done

# --- where it is looked for: in folders near the program, or near the shared library
module=$modules/no_driver/libcinch_cuda.so
unset CINCH_BACKEND_PATH

# found PROGRAM...: the module of this driver's is the one that is loaded.
found() { "$@" devices > out 2> err; grep -q 'no NVIDIA driver is installed' out; }

# place FOLDER: makes it the only place with the module.
place()
{
    rm -rf tree && mkdir -p tree/bin tree/lib "tree/$1"
    cp "$static" tree/bin/cinch
    cp -P "${library%%.so*}".so* tree/lib/
    cp "$module" "tree/$1/"
}
for folder in lib/cinch bin/lib/cinch; do
    place $folder
    check "beside the program, in $folder" found tree/bin/cinch
    mkdir -p elsewhere/cinch
    check "$folder, by PATH from another folder" eval '(cd elsewhere && PATH=$work/tree/bin:$PATH && found cinch)'
    ln -sf "$work/tree/bin/cinch" link
    check "$folder, through a link" found ./link
done
for folder in lib/cinch lib/lib/cinch; do
    place $folder
    check "beside the shared library, in $folder" env LD_LIBRARY_PATH="$work/tree/lib" bash -c \
        '"$1" devices | grep -q "no NVIDIA driver is installed"' - "$shared"
done
# A program found by PATH must not take the module out of the folder that it is run in.
place none
mkdir -p decoy/cinch decoy/lib/cinch && cp "$module" decoy/cinch/ && cp "$module" decoy/lib/cinch/
check "not from the current folder" eval '(cd decoy && PATH=$work/tree/bin:$PATH && ! found cinch)'

with no_driver
check "CINCH_BACKEND_PATH has several folders" env CINCH_BACKEND_PATH="$work/empty::$modules/no_driver" bash -c \
    '"$1" devices | grep -q "no NVIDIA driver is installed"' - "$static"
place lib/cinch
check "CINCH_BACKEND_PATH alone counts" eval '! CINCH_BACKEND_PATH=$work/empty found tree/bin/cinch'

# --- GPUs that are there
with pretend
for cinch in "$static" "$shared"; do
    expect 0 '^cuda:0 Pretend GPU, driver 1, 1.0 of 1.0 GiB free$' devices
    check 'devices lists the second' grep -q '^cuda:1 Pretend GPU' out
    check 'devices has three lines' lines out 3
    memory='"memory_total": 1073741824, "memory_available": 1073741824'
    expect 0 '"name": "cuda:1", "usable": true, "description": "Pretend GPU, driver 1", '"$memory" devices --json
    expect 0 '^cuda: 2 GPUs; cuda:0: Pretend GPU' --version
    PRETEND_DEVICES=1 expect 0 '^cuda: Pretend GPU' --version
    PRETEND_BROKEN=1 expect 0 '^cuda:1 not usable: pretend: this one is broken$' devices
    check 'the other is listed' grep -q '^cuda:0 Pretend GPU' out

    expect 0 '^device auto: cuda:0$' train "${quick[@]}" --out run
    expect 0 'Pretend GPU' train --device cuda "${quick[@]}" --out run
    check 'the choices are kept' grep -q '"product \[2, 3\]": "made here"' run/tuning.json
    PRETEND_LOG=$work/log expect 0 'Pretend GPU' train --device cuda:1 "${quick[@]}" --out run
    check 'cuda:1 was opened' grep -q '^open 1$' log
    check 'and no other' eval '! grep -q "^open 0$" log'
    check 'all memory was given back' eval '! grep -q left log'
    expect 2 '^cinch: device cuda:2: there are 2 GPUs, cuda:0 to cuda:1$' train --device cuda:2 "${quick[@]}" --out run
    PRETEND_DEVICES=1 expect 2 '^cinch: device cuda:9: there is one GPU, cuda:0$' \
        train --device cuda:9 "${quick[@]}" --out run
    expect 2 '^cinch: .*cuda:x' train --device cuda:x "${quick[@]}" --out run
    PRETEND_BROKEN=0 expect 4 '^cinch: device cuda: pretend: this one is broken$' \
        train --device cuda "${quick[@]}" --out run
    PRETEND_BROKEN=0 expect 0 '^device auto: cuda:1$' train "${quick[@]}" --out run
    PRETEND_DEVICES=1 PRETEND_BROKEN=0 expect 0 \
        '^device auto: cpu, for there is no GPU: cuda:0: pretend: this one is broken$' train "${quick[@]}" --out run
    rm -f log
done
cinch=$static

# --- what does not fit
PRETEND_MEMORY=20000 expect 4 \
    '^cinch: cuda:0: out of memory: .* of the device.s 0.0 MiB are free; a smaller --batch-size' \
    train --device cuda "${quick[@]}" --out run
PRETEND_MEMORY=1000000 expect 0 '\(streamed\)' train --device cuda --data shapes:1000 --hidden-sizes 8 --latent-dim 2 \
    --batch-size 16 --epochs 1 --overwrite --out streamed
check 'the report needs more and is made on the CPU' grep -q '^the report is made on the CPU: cuda:0: out of memory' err
check 'it is there' test -s streamed/report.html
PRETEND_MEMORY=1000000 expect 4 '^cinch: cuda:0: out of memory' report streamed --device cuda
PRETEND_LOG=$work/log PRETEND_MEMORY=4000000 expect 0 '\(resident\)' train --device cuda --data shapes:1000 \
    --hidden-sizes 8 --latent-dim 2 --batch-size 16 --epochs 1 --overwrite --out resident
check 'resident data is not written ahead' eval '! grep -q ahead log'
check 'streamed or resident, the same bytes' same streamed/model.safetensors resident/model.safetensors
PRETEND_LOG=$work/log PRETEND_MEMORY=1000000 expect 0 '\(streamed\)' train --device cuda --data shapes:1000 \
    --hidden-sizes 8 --latent-dim 2 --batch-size 16 --epochs 1 --overwrite --out streamed
check 'batches are written beside the work' grep -qE '^ahead [1-9]' log

# --- the choices of a run that goes on
rm -rf log run
expect 0 '' train --device cuda "${quick[@]}" --out run
check 'tuning.json names the device' grep -q '"device": "Pretend GPU, driver 1"' run/tuning.json
sed -i 's/made here/taken from the file/' run/tuning.json

# resume EPOCHS PATTERN: goes on; what is said matches.
resume() { PRETEND_LOG=$work/log expect 0 "$2" train --resume run --epochs "$1"; }

resume 2 'goes on after step'
check 'the choices were taken' grep -q '^choose product \[2, 3\] = taken from the file$' log
check 'and kept' grep -q '"taken from the file"' run/tuning.json
cp run/tuning.json good.json
epochs=3
# refused TEXT REASON: such a file is left alone with one line, and written anew.
refused()
{
    printf '%s' "$1" > run/tuning.json
    rm -f log
    resume $epochs "tuning.json: .*$2.*; algorithms are chosen anew, last digits may differ"
    check 'it is said once' test "$(grep -c 'algorithms are chosen anew' err)" = 1
    check 'nothing was taken' eval '! grep -q choose log'
    check 'the file is good again' grep -q '"made here"' run/tuning.json
    epochs=$((epochs + 1))
}
refused '' 'not JSON'
refused 'no JSON' 'not JSON'
refused '[1]' 'not of this format'
refused '{"cinch_tuning": 2, "device": "x", "choices": {}}' 'not of this format'
refused '{"cinch_tuning": 1, "device": "Pretend GPU, driver 1"}' 'no choices'
refused '{"cinch_tuning": 1, "device": "Pretend GPU, driver 1", "choices": {"product [2, 3]": 7}}' 'not a text'
refused '{"cinch_tuning": 1, "device": "Pretend GPU, driver 1", "choices": {"unknown": "a"}}' 'no such choice'
long=$(head -c 5000 /dev/zero | tr '\0' a)
refused '{"cinch_tuning": 1, "device": "Pretend GPU, driver 1", "choices": {"product [2, 3]": "'"$long"'"}}' \
    'no such choice'
refused "$(head -c 100000 /dev/zero | tr '\0' '[')" 'not JSON'
cp good.json run/tuning.json
PRETEND_DRIVER=2 resume $epochs 'tuning.json: .*of Pretend GPU, driver 1, and this is Pretend GPU, driver 2; algorithms'
rm -f run/tuning.json log
resume $((epochs + 2)) 'goes on after step'
check 'no file is no matter' eval '! grep -q tuning err'
cp good.json run/tuning.json
expect 0 '' train --resume run --device cpu --epochs $((epochs + 3))
check 'the CPU leaves the choices of the GPU' same good.json run/tuning.json
check 'and says nothing of them' eval '! grep -q tuning err'

finish
