#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the command says of itself, and what it refuses: verbs, flags, keys, values.
. "$(dirname "$0")/cli/common.sh"

verbs='train eval encode decode reconstruct sample interpolate compare report inspect models config devices bench'

# --- help and version
expect 0 'usage: cinch VERB'
cp out plain
expect 0 '' --help
check 'no argument is --help' same plain out
expect 0 '' help
check 'help is --help' same plain out
expect 0 'usage: cinch VERB' help --help
expect 0 '^cuda: ' help --version
for words in version 'train --version' 'help version'; do # shellcheck disable=SC2086
    expect 2 ': cinch --version$' $words
done
expect 2 '^cinch: evla: unknown verb; did you mean eval' help evla
expect 2 "^cinch: 'b': one argument too many" help train b
for verb in $verbs; do
    check "the list has $verb" grep -qE "^  $verb +[a-z]" plain
    expect 0 "^usage: cinch $verb" "$verb" --help
    check "$verb --help has an example" grep -qE "^  cinch $verb" out
    check "$verb --help shows nothing on standard error" test ! -s err
    for flag in --device --precision --threads --batch-size --seed --limit --json --quiet --help; do
        check "$verb --help has $flag" grep -qE "^  $flag( |\$)" out
    done
    cp out long
    expect 0 '' "$verb" -h
    check "$verb -h is --help" same long out
    expect 0 '' help "$verb"
    check "help $verb is $verb --help" same long out
done
expect 0 '^  --epochs N +passes over' train --help
for flag in --model --data --val-data --latent-dim --hidden-sizes --activation --output-activation --loss --optimizer \
    --lr --weight-decay --grad-clip --epochs --max-steps --patience --no-shuffle --from-weights --partial \
    --checkpoint-every --log-every --time-limit --config --set --out --overwrite --resume --dry-run; do
    check "train --help has $flag" grep -qE "^  $flag( |\$)" out
done
expect 0 '^cinch [0-9]+\.[0-9]+\.[0-9]+$' --version
check '--version names the kernel set' grep -qE '^cpu: .*(generic|avx2|avx512)' out
check '--version names the OpenBLAS core' grep -qE '^cpu: .*OpenBLAS .*\(.+\)' out
check '--version tells of CUDA' grep -qE '^cuda: .' out
CINCH_CPU_ISA=generic expect 0 '^cpu: .*generic' --version

# --- verbs
expect 2 "evl: unknown verb; did you mean eval" evl
expect 2 'trian: unknown verb; did you mean train' trian --out x
for later in score search probe project convert export; do
    expect 2 "$later: unknown verb.*\(?train eval" "$later"
done
expect 2 'a verb comes first' --out x
expect 2 '^cinch: --verison: unknown flag; did you mean --version' --verison
expect 2 '^cinch: --hepl: unknown flag; did you mean --help' --hepl
expect 2 '^cinch: foo: unknown verb; one of: train eval' foo

# --- operands
expect 2 'RUN is missing' eval
expect 2 'argument too many' eval a b
expect 2 'argument too many' models dense
expect 2 'argument too many' train run
expect 2 'empty' eval ''
expect 2 'train WORKLOAD, infer RUN, ops or peak is missing' bench
expect 2 'bench tran: unknown; did you mean train' bench tran
expect 2 'bench ifner: unknown; did you mean infer' bench ifner
expect 2 'WORKLOAD is missing' bench train
expect 2 'RUN or WORKLOAD is missing' bench infer
expect 2 'dens: .*did you mean dense' bench infer dens
expect 2 '^cinch: nosuch: neither a run folder nor a workload; workloads are: dense' bench infer nosuch
expect 2 '^cinch: nosuch: no such workload; workloads are: dense' bench train nosuch
expect 2 '^cinch: bench xyz: unknown \(train infer' bench xyz
expect 2 'dens: .*did you mean dense' bench train dens
expect 0 '' config -- 

# --- flags
expect 2 '^cinch: --epoch: unknown flag of train; did you mean --epochs' train --epoch 3 --out x
expect 2 '^cinch: --ot: unknown flag of train; did you mean --out' train --ot x
expect 2 '^cinch: -json: unknown flag of models; did you mean --json' models -json
expect 2 '^cinch: --lr: eval does not take it, train does' eval run --lr 3
expect 2 '^cinch: --epochs: eval does not take it, train does$' eval run --epochs 3
expect 2 '^cinch: --num-samples: encode does not take it, sample does$' encode run --num-samples 3
expect 2 '^cinch: --lebal: unknown flag of decode; did you mean --label' decode run --lebal 3
expect 2 '^cinch: --mode: unknown flag; `cinch eval --help`' eval run --mode 3
expect 2 '^cinch: --completely-else: unknown flag; `cinch train --help`' train --completely-else
expect 2 '^cinch: --lr: needs a value' train --out x --lr
expect 2 '^cinch: --lr: needs a value' train --lr --out x
expect 2 '^cinch: --out: needs a value' train --out
expect 2 '^cinch: --out: is empty' train --out=
expect 2 '^cinch: --json: takes no value' models --json=1
expect 2 '^cinch: train: --out RUN is missing' train
expect 2 '^cinch: --out y: .*--out away' train --resume x --out y
expect 2 '^cinch: --overwrite: .*take one' train --resume x --overwrite
expect 2 '^cinch: encode: --data is missing' encode run --out z.npy
expect 2 '^cinch: encode: --out is missing' encode run --data shapes
expect 2 '^cinch: --out z.txt: must end in .npy or .npz, or be -' encode run --data shapes --out z.txt
expect 2 '^cinch: --out z.png: must end in .npy or .npz, or be -' encode run --data shapes --out z.png
expect 2 '^cinch: --out z.jpg: must end in .npy or .png' reconstruct run --data shapes --out z.jpg
expect 2 '^cinch: --out .npy: must end' reconstruct run --data shapes --out .npy
expect 2 '^cinch: --json: standard output is taken' encode run --data shapes --out - --json
expect 2 '^cinch: --steps 0: must be a whole number from 1' bench train dense --steps 0
expect 2 '^cinch: --steps 1x: must be a whole number' bench train dense --steps 1x
expect 2 '^cinch: --calls 0: must be a whole number from 1' bench infer dense --calls 0
expect 2 '^cinch: --steps: not of bench infer but of bench train' bench infer dense --steps 5
expect 2 '^cinch: --losses: not of bench infer but of bench train' bench infer dense --losses
expect 2 '^cinch: --calls: not of bench train but of bench infer' bench train dense --calls 5
expect 2 '^cinch: --data: not of bench peak' bench peak --data x.npy

# --- values; numbers may be negative
expect 2 '^cinch: --lr -1: out of range' train --lr -1 --out x
expect 2 '^cinch: --lr -1: out of range' train --lr=-1 --out x
expect 2 '^cinch: --lr "abc": wrong type' train --lr abc --out x
expect 2 '^cinch: --epochs 0: out of range' train --epochs 0 --out x
expect 2 '^cinch: --epochs "?1.5"?: wrong type' train --epochs 1.5 --out x
expect 2 '^cinch: --threads 0: out of range' eval run --threads 0
expect 2 '^cinch: --model dens: unknown; did you mean dense' train --model dens --out x
expect 2 '^cinch: --loss mze: unknown; did you mean mse' train --loss mze --out x
expect 2 '^cinch: --optimizer adm: unknown; did you mean adam\? \(.*sgd' train --optimizer adm --out x
expect 2 '^cinch: --activation rellu: unknown; did you mean relu' train --activation rellu --out x
expect 2 '^cinch: --output-activation sigmod: .*sigmoid' train --output-activation sigmod --out x
expect 2 '^cinch: --device gpu: unknown; did you mean cuda' train --device gpu --out x
expect 2 '^cinch: --precision f16: unknown; did you mean bf16' train --precision f16 --out x
expect 2 '^cinch: --checkpoint-every 3x: ' train --checkpoint-every 3x --out x
expect 2 '^cinch: --time-limit .*: ' train --time-limit soon --out x
expect 2 '^cinch: --partial: goes with' train --partial --out x
expect 2 '^cinch: --set epochs: must be KEY=VALUE' train --set epochs --out x
expect 2 '^cinch: trian.epochs: unknown key; did you mean train.epochs' train --set trian.epochs=3 --out x
expect 2 '^cinch: lr: unknown key; did you mean optimizer.lr' train --set lr=3 --out x
expect 2 '^cinch: model.latent: unknown key; did you mean model.latent_dim' train --set model.latent=3 --out x
expect 2 '^cinch: optimizer.momentum' train --set optimizer.momentum=0.9 --out x
expect 2 '^cinch: data.layout' train --set data.layout=channels_middle --out x
expect 2 '^cinch: --set optimizer.lr: is for training; eval takes only keys that say what data is' \
    eval run --set optimizer.lr=3
expect 2 '^cinch: data.layuot: .*data.layout' eval run --set data.layuot=x
expect 2 '^cinch: --set: decode does not take it, train does' decode run --set data.layout=channels_last
expect 2 '^cinch: --data: not UTF-8' train --data $'bad\xff.npy' --out x
expect 2 '^cinch: data.spec: not UTF-8' train --set $'data.spec=bad\xff.npy' --out x
expect 2 '^cinch: rmsprop: .*centred.* and .*momentum.* take one' train --data shapes:40 --optimizer rmsprop \
    --set optimizer.centred=true --set optimizer.momentum=0.9 --out x
for last in --out=x --dry-run; do
    expect 2 '^cinch: loss.reduction none: training wants one number; take mean, batchmean or sum' \
        train --model vae --data shapes:40 --set loss.reduction=none "$last"
done
expect 2 '^cinch: nowhere.json' train --config nowhere.json --out x
printf '{"train": {"epoch": 3}}' > bad.json
expect 2 '^cinch: bad.json: train.epoch: .*did you mean train.epochs' train --config bad.json --out x
printf '{"train": {"epochs": 3}' > bad.json
expect 2 '^cinch: bad.json: .*JSON' train --config bad.json --out x
printf '{"cinch_config": 2}' > bad.json
expect 2 '^cinch: bad.json: cinch_config' train --config bad.json --out x
printf '{"trian": {}}' > bad.json
expect 2 '^cinch: bad.json: trian: .*did you mean train' train --config bad.json --out x
check 'nothing was made' no_file x
# A text of the user's with control characters stays one line.
expect 2 '^cinch: --model a b.c: unknown' train --model $'a\nb\x1bc' --out x

# --- devices that are not there
expect 4 '^cinch: device cuda' train --device cuda --out x
expect 4 '^cinch: device cuda:7' train --device cuda:7 --out x
expect 2 '^cinch: .*cuda:x' train --device cuda:x --out x
expect 0 '^cuda +not usable: ' devices
expect 0 '"name": "cpu", "usable": true, "description": ".+"' devices --json
check 'why there is no GPU' grep -q '"name": "cuda", "usable": false, "reason": ".' out
expect 0 ' 1 thread' devices --threads 1
if "$cinch" --version | grep -qE 'avx512|avx2' && [ "$(uname -m)" = x86_64 ]; then
    export OPENBLAS_CORETYPE=Prescott
    expect 0 "OpenBLAS runs its 'Prescott' core" --version
    expect 0 "OpenBLAS runs its 'Prescott' core" devices
    expect 0 "\"notice\": \"OpenBLAS runs its 'Prescott' core" devices --json
    expect 0 "^device cpu: OpenBLAS runs its 'Prescott' core" train --device cpu --data shapes:40 --epochs 1 --out old
    unset OPENBLAS_CORETYPE
fi

# --- models
expect 0 '^dense: ' models
for name in dense simple stacked vae; do check "models has $name" grep -q "^$name: " out; done
check 'models has options with defaults' grep -qE '^  hidden_sizes +512' out
expect 0 '^{"models": \[{"name": "dense"' models --json
check 'models --json has presets' grep -q '"preset_of": "dense"' out
activation='"key": "model.activation", "flag": "--activation", "type": "enum", '
check 'models --json has choices' grep -q "$activation"'"default": "relu", "choices": ".*relu' out

# --- config: what wins over what
expect 0 '^optimizer.lr = 0.001 +learning rate' config --model dense
check 'config says which flag it is' grep -qE '^train.epochs = 10 .*--epochs' out
check 'config has the family options' grep -qE '^model.hidden_sizes = \[512\] ' out
for name in dense stacked vae; do
    expect 0 '' config --model $name
    check "config --model $name has each key once" test -z "$(cut -d ' ' -f 1 out | sort | uniq -d)"
    "$cinch" config --model $name --json | grep -oE '^    "[a-z_0-9]+":' | tr -d ' ":' > keys
    check "config --model $name has all keys of --json" \
        test "$(sed -nE 's/^[a-z]+\.([a-z_0-9]+) = .*/\1/p' out)" = "$(cat keys)"
done
key() { "$cinch" config --json "${@:2}" > out 2> err && grep -oE "\"$1\": [^,]*" out | head -n 1; }
check 'cinch_config is first' test "$("$cinch" config --json | sed -n 2p)" = '  "cinch_config": 1,'
check 'default' test "$(key lr)" = '"lr": 0.001'
check 'none is a choice of the reduction' test "$(key reduction --set loss.reduction=none)" = '"reduction": "none"'
printf '{"cinch_config": 1, "optimizer": {"lr": 0.5, "name": "sgd"}, "train": {"epochs": 7}}' > a.json
printf '{"optimizer": {"lr": 0.25}}' > b.json
check '--config over defaults' test "$(key lr --config a.json)" = '"lr": 0.5'
check 'the later --config wins' test "$(key lr --config a.json --config b.json)" = '"lr": 0.25'
check 'what only the first says stays' test "$(key epochs --config a.json --config b.json)" = '"epochs": 7'
check 'flags over --config, wherever it stands' test "$(key lr --lr 0.125 --config a.json)" = '"lr": 0.125'
check '--set over an earlier flag' test "$(key lr --lr 0.125 --set optimizer.lr=2)" = '"lr": 2.0'
check 'a flag over an earlier --set' test "$(key lr --set optimizer.lr=2 --lr=0.125)" = '"lr": 0.125'
check 'the last of a flag' test "$(key lr --lr 3 --lr .25)" = '"lr": 0.25'
check 'null is the default again' test "$(key lr --config a.json --set optimizer.lr=null)" = '"lr": 0.001'
check 'a string that is not JSON' test "$(key spec --set data.spec=some/path.npy)" = '"spec": "some/path.npy"'
check '--no-shuffle' test "$(key shuffle --no-shuffle)" = '"shuffle": false'
"$cinch" config --json --hidden-sizes 32,16 | tr -d ' \n' > out 2> err
check 'a list' grep -q '"hidden_sizes":\[32,16\]' out
check 'a preset becomes its family' test "$(key latent_dim --model stacked)" = '"latent_dim": 9'
"$cinch" config --json --model stacked --lr 0.125 > whole.json 2> err
"$cinch" config --json --config whole.json > again.json 2> err
check 'what config prints is what --config takes' same whole.json again.json
"$cinch" config --json --config /dev/stdin < whole.json > again.json 2> err
check '--config from a pipe' same whole.json again.json

# --- config: a model that is named wins over the model of a file
"$cinch" config --json --activation elu > dense.json 2> err
sizes() { "$cinch" config --json "$@" | tr -d ' \n' | grep -oE '"hidden_sizes":[^]]*].*"latent_dim":[^,]*' ; }
stacked='"hidden_sizes":[128,64,36,18],"latent_dim":9'
check 'a preset over --config' test "$(sizes --config dense.json --model stacked)" = "$stacked"
check 'by --set as well' test "$(sizes --config dense.json --set model.name=stacked)" = "$stacked"
check 'wherever --config stands' test "$(sizes --model stacked --config dense.json)" = "$stacked"
check 'what the preset does not say stays' \
    test "$(key activation --config dense.json --model stacked)" = '"activation": "elu"'
check 'a flag over the preset' test "$(key latent_dim --config dense.json --latent-dim 5 --model stacked)" = \
    '"latent_dim": 5'
check 'another family takes over what both have' \
    test "$(key activation --config dense.json --model vae)" = '"activation": "elu"'
expect 0 'encoder.0 .*784 -> 128' train --config dense.json --model stacked --dry-run
expect 0 '^vae on' train --config dense.json --model vae --dry-run
expect 2 '^cinch: model.code_activation: unknown' \
    train --config dense.json --model vae --set model.code_activation=relu \
    --dry-run
printf '{"model": {"code_activatoin": "relu"}}' > bad.json
expect 2 '^cinch: bad.json: model.code_activatoin: .*did you mean model.code_activation' \
    train --config bad.json --model vae --dry-run

finish
