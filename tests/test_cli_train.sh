#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train: the run folder, what it refuses, sameness, signals and resuming.
. "$(dirname "$0")/cli/common.sh"

# metrics.jsonl without what depends on the clock.
untimed() { sed -E 's/"(samples_per_s|elapsed_s)": [^,}]*/"\1": 0/g' "$1/metrics.jsonl"; }
same_metrics() { [ "$(untimed "$1")" = "$(untimed "$2")" ]; }
same_model() { cmp -s "$1/model.safetensors" "$2/model.safetensors"; }

# --- a run folder
expect 0 '' train "${small[@]}" --epochs 2 --out run
check '--quiet says nothing' test ! -s err -a ! -s out
for file in config.json model.safetensors metrics.jsonl reconstructions.png history.png checkpoint; do
    check "the run has $file" test -e "run/$file"
done
check 'reconstructions.png' is_png run/reconstructions.png
check 'history.png' is_png run/history.png
check 'at most two checkpoints' test "$(ls run/checkpoint | wc -l)" -le 2
check 'the last step has a checkpoint' test -s run/checkpoint/step-12.safetensors
check 'config.json is complete' test "$("$cinch" config --json --config run/config.json)" = "$(cat run/config.json)"
check 'epochs in metrics.jsonl' test "$(grep -c '^{"event": "epoch", ' run/metrics.jsonl)" = 2
check 'the end in metrics.jsonl' test "$(grep -c '^{"event": "end", ' run/metrics.jsonl)" = 1
for key in step epoch loss loss_recon val_loss lr samples_per_s elapsed_s; do
    check "metrics.jsonl has $key" grep -q "\"$key\": " run/metrics.jsonl
done
check 'no leftovers' test -z "$(leftovers run)"

expect 0 '' train "${small[@]}" --max-steps 1 --out one
check 'a run shorter than an epoch has its rate' above "$(json samples_per_s one/metrics.jsonl)" 0

# --- what it says
expect 0 '^epoch 1/1  loss [0-9.e-]+  val_loss [0-9.e-]+ ' train "${small[@]::8}" --epochs 1 --out said
check 'auto says what it took and why' grep -qE '^device auto: .+GPU' err
check 'it says where it is' grep -q '^said: 6 steps, 1 epochs, loss ' err
check 'no escape codes where there is no terminal' bash -c '! grep -q $(printf "\033") err'
check 'only data on standard output' test ! -s out
expect 0 '' train "${small[@]::8}" --device cpu --epochs 1 --out said --overwrite
check 'a device that was named needs no reason' bash -c '! grep -q "device auto" err'
expect 0 '' train "${small[@]}" --epochs 2 --json --out json
check 'the keys of --json' test "$(json_keys)" = \
    'run steps epochs loss val_loss best_val_loss best_epoch elapsed_s parameters '
check 'run' test "$(json run)" = json
check 'steps' test "$(json steps)" = 12
check 'parameters' test "$(json parameters)" = $((784 * 16 + 16 + 16 * 4 + 4 + 4 * 16 + 16 + 16 * 784 + 784))
if command -v script > /dev/null; then
    script -qec "stty cols 100; '$cinch' train --data shapes:3000 --epochs 1 --batch-size 8 --hidden-sizes 16 \
        --latent-dim 4 --log-every 10 --out terminal" /dev/null > out 2> err < /dev/null
    check 'a bar on a terminal' \
        grep -aqE 'epoch 1/1 \[#*\.*\] +[0-9]+%  loss [0-9.e-]+  .*[0-9]+ samples/s  [0-9:]+ left' out
    check 'the bar goes away' grep -aqE $'\033\\[Kepoch 1/1  loss' out
fi

# --- shapes is the default
expect 0 '' train --dry-run
expect 0 '' train --dry-run --json
dry_keys='model device layers LAYERS parameters trainable planned_bytes activation_bytes weight_bytes '
dry_keys+='steps_per_epoch flops_per_step '
check '--dry-run --json' test "$(json_keys | sed -E 's/(name kind parameters )+/LAYERS /')" = "$dry_keys"
check 'the default code of 784 inputs' grep -q '"kind": "Linear 512 -> 64"' out
check '9600 of 12000 pictures, 128 a batch' test "$(json steps_per_epoch)" = 75
check 'parameters of the default' test "$(json parameters)" = 870224
check 'planned bytes: at least weights, gradients and two moments' above "$(json planned_bytes)" $((870224 * 12))
expect 0 '6 steps an epoch' train --dry-run "${small[@]}" --out nowhere
check 'a dry run writes nothing' no_file nowhere

# --- a folder that is not empty
mkdir full && echo precious > full/notes.txt
expect 2 '^cinch: run: not empty; --overwrite' train "${small[@]}" --out run
expect 2 '^cinch: full: not empty' train "${small[@]}" --out full
expect 2 '^cinch: full: not empty and no run' train "${small[@]}" --out full --overwrite
check 'what was there is there' grep -q precious full/notes.txt
mkdir app && echo '{"name": "my web app"}' > app/config.json && echo mine > app/metrics.jsonl
cp -r app app-copy
for how in '' --overwrite; do
    expect 2 '^cinch: app: not empty and no run folder' train "${small[@]}" --out app $how
done
check 'another program keeps its files' diff -r app app-copy
mkdir parts && cp run/parts.safetensors parts
expect 2 '^cinch: parts: not empty; --overwrite removes the run in it$' train "${small[@]}" --out parts
expect 3 '^cinch: parts: no config.json there, so no run to resume' train --resume parts
expect 0 '' train "${small[@]}" --epochs 1 --out parts --overwrite
for file in run/config.json /dev/null; do
    expect 6 "^cinch: $file: is a file; name a folder for the run$" train --data gone.npy --out $file
    expect 6 "^cinch: $file: is a file; name a folder for the run$" train --data gone.npy --out $file --overwrite
done
expect 6 '^cinch: /dev/null/run: cannot .*: Not a directory; does the folder exist\?$' \
    train "${small[@]}" --out /dev/null/run
mkdir fixed
if unshare -rm mount -t tmpfs -o ro tmpfs fixed 2> nothing; then
    unshare -rm sh -c "mount -t tmpfs -o ro tmpfs fixed && '$cinch' train ${small[*]} --out fixed" > out 2> err
    judge 6 '^cinch: fixed/[a-z.]*safetensors: cannot .*Read-only file system; may this user' $? 'a read-only folder'
    unshare -rm sh -c "mount -t tmpfs -o ro tmpfs fixed && '$cinch' train ${small[*]} --out fixed/new" > out 2> err
    judge 6 '^cinch: fixed/new: cannot make the folder: Read-only file system; may this user' $? 'a read-only place'
fi
mkdir empty
expect 0 '' train "${small[@]}" --epochs 2 --out empty
expect 0 '' train "${small[@]}" --epochs 2 --seed 5 --out empty --overwrite
check 'another seed, another model' bash -c '! cmp -s run/model.safetensors empty/model.safetensors'
expect 0 '' train "${small[@]}" --epochs 2 --out empty --overwrite
check 'overwritten is as new' same_model run empty
cp -r empty begun && rm begun/config.json && echo mine > begun/notes.txt
expect 0 '' train "${small[@]}" --epochs 2 --out begun --overwrite
check 'what a killed run has left is taken for one' same_model run begun
check 'files of others stay' grep -q mine begun/notes.txt
rm empty/checkpoint/* && mkdir -p empty/checkpoint/step-3.safetensors
expect 6 '^cinch: empty/checkpoint: cannot remove step-3.safetensors: ' train "${small[@]}" --out empty --overwrite
check 'still a run' grep -q cinch_config empty/config.json

# --- a run that cannot be looked at is not taken for one that is missing
echo file > file && ln -s loop loop
for verb in eval report; do
    expect 3 '^cinch: file: is no run folder$' $verb file
    expect 3 '^cinch: loop/config.json: .*Too many levels' $verb loop
done
expect 3 '^cinch: loop: Too many levels' compare loop
expect 3 '^cinch: loop/config.json: .*Too many levels' train --resume loop
expect 3 '^cinch: file: no config.json there, so no run to resume' train --resume file
if [ "$(id -u)" = 0 ] && command -v setpriv > nothing; then
    cp "$cinch" cinch && cp -r run locked && chmod 700 locked && chmod 755 .
    for verb in eval report; do
        setpriv --reuid 65534 --clear-groups ./cinch $verb locked > out 2> err < /dev/null
        judge 3 '^cinch: locked/config.json: .*Permission denied' $? "nobody: $verb locked"
    done
fi

# --- sameness: twice, and for 1, 2 and 3 threads
for threads in 1 2 3; do
    expect 0 '' train "${small[@]}" --epochs 2 --threads "$threads" --out "threads-$threads"
    check "$threads threads, same bytes" same_model run "threads-$threads"
    check "$threads threads, same metrics" same_metrics run "threads-$threads"
done
for isa in generic avx2 avx512; do
    CINCH_CPU_ISA=$isa "$cinch" devices > out 2> err || continue
    CINCH_CPU_ISA=$isa expect 0 '' train "${small[@]}" --epochs 2 --out "isa-$isa"
    CINCH_CPU_ISA=$isa expect 0 '' train "${small[@]}" --epochs 2 --threads 3 --out "isa-$isa-again"
    check "$isa twice" same_model "isa-$isa" "isa-$isa-again"
done
CINCH_CPU_ISA=sse expect 2 'sse' train "${small[@]}" --out sse

# --- from a configuration, from weights
expect 0 '' train --config run/config.json --quiet --out copy
check 'config.json runs again' same_model run copy
expect 0 '' train "${small[@]}" --epochs 2 --from-weights run/model.safetensors --out further
first_loss() { grep -m1 '"event": "epoch"' "$1/metrics.jsonl" | sed 's/.*"loss": \([^,]*\).*/\1/'; }
check 'from weights goes further' above "$(first_loss run)" "$(first_loss further)"
expect 3 '^cinch: run/model.safetensors: ' \
    train "${small[@]}" --latent-dim 5 --from-weights run/model.safetensors --out wrong
check 'a run that never began leaves no config.json' no_file wrong/config.json

# --- how long
expect 0 '' train "${small[@]}" --max-steps 5 --json --out steps
check '--max-steps' test "$(json steps)" = 5
expect 0 '' train "${small[@]}" --epochs 100000 --time-limit 0.3 --json --out timed
check '--time-limit ends it' above 100000 "$(json epochs)"
expect 0 '' train "${small[@]}" --epochs 300 --patience 1 --lr 0.3 --json --out patient
check '--patience ends it' above 300 "$(json epochs)"

# --- resuming
expect 3 '^cinch: nowhere: no config.json' train --resume nowhere
expect 2 '^cinch: --lr 0.5: the run has 0.001' train --resume run --lr 0.5
expect 2 '^cinch: --seed 3: the run has 0' train --resume run --seed 3
expect 2 '^cinch: --hidden-sizes ' train --resume run --hidden-sizes 8
expect 2 '^cinch: --data "shapes": the run has "shapes:240"' train --resume run --data shapes
expect 2 '^cinch: --epochs 1: the run has 2' train --resume run --epochs 1
for name in simple stacked vae; do
    expect 2 "^cinch: --model \"$name\": the run has \"dense\"" train --resume run --model $name
done
expect 2 '^cinch: --model "simple": the run has "dense"' train --resume run --model simple --dry-run
expect 0 '6 steps an epoch' train --resume run --epochs 4 --dry-run
expect 2 '^cinch: --max-steps 50: .* extend .*--epochs' train --resume run --max-steps 50
expect 2 '^cinch: --epochs 50: .* extend .*--max-steps' train --resume steps --epochs 50
check 'a refused resume changes nothing' same_model run copy
expect 0 '' train --resume run --model dense --quiet
check 'nor does the name that the run has' same_model run copy
expect 0 '' train "${small[@]}" --epochs 4 --out long
expect 0 '' train --resume run --epochs 4 --threads 1 --log-every 7 --device cpu --quiet
check 'two epochs and two more are four' same_model run long
expect 0 '' train --resume run --quiet
check 'nothing is left to do' same_model run long
cp long/model.safetensors kept && rm long/checkpoint/*
expect 0 'afresh' train --resume long
check 'without a checkpoint, from the start' same kept long/model.safetensors

# --- data from standard input
expect 0 '' sample run --sampler gaussian --num-samples 64 --out x.npy
flat=(--hidden-sizes 8 --latent-dim 3 --epochs 1 --quiet)
expect 0 '' train --data x.npy "${flat[@]}" --out named
"$cinch" train --data npy+- "${flat[@]}" --json --out piped > out 2> err < x.npy
judge 0 '"run": "piped"' $? 'train on standard input'
check 'the same model' same_model named piped
check 'with its report' test -s piped/report.html
check 'the same pictures' same named/reconstructions.png piped/reconstructions.png
"$cinch" train --data x.npy --target npy+- "${flat[@]}" --out aimed > out 2> err < x.npy
judge 0 '' $? 'a target from standard input'
check 'with its report, too' test -s aimed/report.html
"$cinch" train --resume piped --epochs 2 --quiet > out 2> err < x.npy
judge 0 '' $? 'resumed on standard input'
"$cinch" eval piped --quiet > out 2> err < x.npy
judge 0 '' $? 'the data is piped in again'
expect 3 'standard input: .*; the run.s data came from standard input: pipe it in again; --data SPEC' eval piped
expect 0 '' encode piped --data x.npy --out z.npy
"$cinch" encode aimed --data npy+- --out z.npy --quiet > out 2> err < x.npy
judge 0 '' $? 'the target is for training and measuring'
for other in --target --val-data; do
    expect 2 'npy\+-: standard input can be read once, and data.spec does; name a file' \
        train --data npy+- $other npy+- "${flat[@]}" --out none
done
expect 2 'npy\+-: standard input can be read once' eval run --data npy+- --target npy+-
check 'nothing is begun' no_file none

# --- signals: stop three times, go on, and end as if nothing had been
slow=(--data shapes:2000 --hidden-sizes 256 --latent-dim 8 --batch-size 16 --epochs 5 --log-every 1)
"$cinch" train "${slow[@]}" --quiet --out whole > out 2> err || fail 'the uninterrupted run'
lines() { { wc -l < stopped/metrics.jsonl; } 2> nothing || echo 0; }

# stop_with SIGNAL CODE ARGUMENT...: sends the signal once the run has logged 20 more lines.
stop_with()
{
    local signal=$1 code=$2 before status
    shift 2
    before=$(lines)
    "$cinch" train "$@" > out 2> all < /dev/null &
    local pid=$!
    while kill -0 $pid 2> nothing && [ "$(lines)" -lt $((before + 20)) ]; do sleep 0.01; done
    kill "-$signal" $pid
    wait $pid
    status=$?
    grep '^cinch: ' all > err
    judge "$code" '^cinch: stopped after step [0-9]+ of 500 and saved; .*--resume stopped' "$status" "$signal"
}
stop_with INT 130 "${slow[@]}" --out stopped
check 'a stopped run can be evaluated' "$cinch" eval stopped --limit 5
stop_with TERM 143 --resume stopped
stop_with USR1 75 --resume stopped
expect 0 'goes on after step' train --resume stopped
check 'stopped and resumed is as uninterrupted' same_model whole stopped
check 'and so is metrics.jsonl' same_metrics whole stopped
check 'no leftovers' test -z "$(leftovers stopped)"

finish
