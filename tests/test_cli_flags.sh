#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every flag of every verb shows: with it the command leaves or says something else. What it is, the other drivers say;
# this one finds a flag that nobody reads. Flags of the configuration do so in test_train_options.c.
. "$(dirname "$0")/cli/common.sh"

# Small pictures, so that PCA takes no time.
npy() { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"; }
letters() { awk -v n="$1" 'BEGIN { srand(n); for (i = 0; i < n; i++) printf "%c", 33 + int(rand() * 94) }'; }
{ npy '|u1' '(100, 10, 10)'; letters 10000; } > x.npy
{ npy '|u1' '(9, 2, 6, 3)'; letters 324; } > either.npy
{ npy '<f4' '(8, 784)'; seq 6272 | awk '{ printf "%c%c%c%c", 1, 1, $1 % 50 + 1, 62 }'; } > rows.npy

new=(--data x.npy --hidden-sizes 16 --latent-dim 4 --batch-size 32)
train_run() { "$cinch" train "${new[@]}" --quiet --out "$@" > out 2> err || fail "train $1"; }
train_run vae --model vae --epochs 2
train_run long --epochs 1
train_run told --data shapes:100 --model vae --condition label --epochs 1
train_run wide --data shapes:40 --hidden-sizes 512,256 --latent-dim 64 --epochs 1
"$cinch" encode vae --data x.npy --out z.npy --quiet || fail 'no codes'
"$cinch" encode vae --data x.npy --limit 40 --out y.npy --quiet || fail 'no codes'
"$cinch" config --json "${new[@]}" --epochs 1 > small.json

# act ARGUMENT...: what the command does, in the folder `made`, as text: its status, what it prints and what it writes.
act()
{
    rm -rf made && mkdir made && cp -r long made/run
    "$cinch" "$@" > made/out 2> made/err < /dev/null
    echo "status $?"
    sed -E 's/("[a-z0-9_]*(_s|_us|_ms|_ms_min|_ms_max|share_of_peak|peak_bytes)": )[^,}]*/\1/g' made/out
    find made -type f ! -name out ! -name err ! -name '*.png' ! -name '*.html' ! -name environment.json \
        ! -path '*checkpoint*' | LC_ALL=C sort |
        while read -r file; do echo "$file"; sed -E 's/"[a-z_]*_s": [^,}]*//g' "$file" | cksum; done
}

tried= base=
# shows 'FLAG VALUE' VERB ARGUMENT...: with the flag and without, which is also tried twice.
shows()
{
    local flag=${1%% *}
    has_flag "$2" "$flag" || return
    tried="$tried $2:$flag"
    if [ "$base" != "${*:2}" ]; then
        base=${*:2}
        act "${@:2}" > without
        act "${@:2}" > again
        check "$base does the same twice" same without again
    fi
    # shellcheck disable=SC2086
    act "${@:2}" $1 > with
    check "$base: $1 shows" test "$(cmp -s without with; echo $?)" = 1
}

# The flags of a verb that are not the configuration's: they come first.
own_flags()
{
    "$cinch" "$1" --help | awk '/^(model|data|loss|optimizer|schedule|train):$/ { done = 1 }
        !done && /^  --/ { print $1 }'
}
has_flag() { case " $(own_flags "$1" 2> err | tr '\n' ' ')" in *" $2 "*) ;; *) return 1 ;; esac; }

shows '--out made/other' train "${new[@]}" --epochs 1 --quiet
shows '--resume made/run' train --epochs 2 --quiet
shows --overwrite train "${new[@]}" --epochs 1 --quiet --out made/run
shows --dry-run train "${new[@]}" --epochs 1 --quiet --out made/new
shows '--config small.json' train --data x.npy --epochs 1 --quiet --out made/new
shows '--set train.max_steps=2' train "${new[@]}" --epochs 1 --quiet --out made/new
shows '--set data.range=none' eval vae --data x.npy
shows '--set data.range=none' encode vae --data x.npy --out made/z.npy
shows '--set data.range=none' reconstruct vae --data x.npy --out made/x.npy
shows '--set data.range=none' interpolate vae --data x.npy --out made/x.npy
shows '--out made/z.npy' encode vae --data x.npy
shows '--posterior sample' encode vae --data x.npy --out made/z.npy
shows '--out made/x.npy' decode vae --data z.npy
shows '--data y.npy' decode vae --data z.npy --out made/x.npy
shows '--label 2' decode told --data z.npy --label 1 --out made/x.npy
shows '--out made/x.npy' reconstruct vae --data x.npy
shows '--out made/x.npy' sample vae
shows '--num-samples 5' sample vae --out made/x.npy
shows '--sampler gaussian' sample vae --out made/x.npy
shows '--label 2' sample told --out made/x.npy
shows '--out made/x.npy' interpolate vae
shows '--from 5' interpolate vae --out made/x.npy
shows '--to 5' interpolate vae --out made/x.npy
shows '--num-points 5' interpolate vae --out made/x.npy
shows '--path slerp' interpolate vae --out made/x.npy
shows '--out made/pair' compare vae long --json
cp small.json run.json
shows --overwrite compare run.json --lr 0.5 --out made --json
shows '--set train.max_steps=2' compare small.json --out made --json
shows '--set data.layout=channels_last' inspect either.npy
shows '--config small.json' config
shows '--set train.max_steps=2' config
shows '--weights wide/model.safetensors' bench train dense --batch-size 4 --steps 2 --json
shows '--data rows.npy' bench train dense --batch-size 4 --steps 2 --json
shows '--steps 4' bench train dense --batch-size 4 --steps 2 --json
shows --losses bench train dense --batch-size 4 --steps 2 --json
shows '--calls 7' bench infer vae --calls 6 --json

# --- those that all verbs have. A verb that cannot make use of one takes it all the same, for scripts; and codes and
# pictures are the same bytes for any number of threads and any batch.
models='train eval encode decode reconstruct sample interpolate compare bench'
declare -A where=(['--device cuda:63']="$models inspect report" ['--precision bf16']="$models config"
    ['--batch-size 7']='train config bench' ['--seed 5']='train eval encode sample config'
    ['--limit 5']='train eval encode decode reconstruct compare sample config' ['--threads 1']='devices config')
declare -A words_of=([train]='train --data x.npy --hidden-sizes 8 --latent-dim 2 --epochs 1 --out made/new'
    [eval]='eval vae' [encode]='encode vae --data x.npy --out made/z.npz --posterior sample'
    [decode]='decode vae --data z.npy --out made/x.npy' [reconstruct]='reconstruct vae --data x.npy --out made/x.npy'
    [sample]='sample vae --out made/x.npy' [interpolate]='interpolate vae --out made/x.npy'
    [compare]='compare vae long --out made/pair' [report]='report made/run' [inspect]='inspect vae'
    [models]=models [config]=config [devices]=devices [bench]='bench train dense --batch-size 4 --steps 2')
verbs=$("$cinch" --help | awk '/^  [a-z]/ { print $1 }')
for verb in $verbs; do
    check "$verb has a row here" test -n "${words_of[$verb]:-}"
    read -r -a words <<< "${words_of[$verb]:-$verb}"
    # A comparison without --json and a benchmark tell of time.
    case $verb in compare | bench) steady=--json ;; *) steady= ;; esac
    tried="$tried $verb:--json $verb:--help $verb:--quiet"
    act "${words[@]}" --quiet > plain
    act "${words[@]}" --quiet --json > with
    cp with without
    [ -n "$steady" ] || cp plain without
    check "$verb --json shows" test "$(cmp -s plain with; echo $?)" = 1
    check "$verb --json is JSON" grep -qE '^[[{]' made/out
    check "$verb --quiet says nothing" test ! -s made/err
    act "${words[@]}" --help > with
    check "$verb --help shows" test "$(cmp -s without with; echo $?)" = 1
    for flag in "${!where[@]}"; do
        grep -qw "$verb" <<< "${where[$flag]}" || continue
        # shellcheck disable=SC2086
        act "${words[@]}" --quiet $steady $flag > with
        check "$verb $flag shows" test "$(cmp -s without with; echo $?)" = 1
    done
done
expect 0 '"limit": 5' config --json --limit 5
expect 0 '' inspect shapes:50 --json --limit 20
check 'inspect DATA --limit' grep -q '"train": 16' out
expect 0 '' train "${new[@]}" --epochs 1 --out one --threads 1
check 'train --threads' grep -q ' 1 thread' err

# --- none is left out
for verb in $verbs; do
    check "$verb has flags" has_flag "$verb" --help
    for flag in $(own_flags "$verb"); do
        check "$verb $flag has a row here" grep -qw -e "$verb:$flag" <<< "$tried "
    done
done
finish
