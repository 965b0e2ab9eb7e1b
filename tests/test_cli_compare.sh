#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compare: runs that are opened, configurations that are trained, and both.
. "$(dirname "$0")/cli/common.sh"

train_run() { "$cinch" train "${small[@]}" --out "$@" > out 2> err || fail "train $*"; }
configure() { "$cinch" config --json "${small[@]}" "${@:2}" > "$1" 2> err || fail "config $*"; }
no_folder() { [ ! -e "$1" ]; }

# object I [FILE]: one of the objects of a line of JSON that is an array of flat objects, into `object`.
object() { tr -d '[]' < "${2:-out}" | sed 's/}, {/}\n{/g' | sed -n "$(($1 + 1))p" > object; }
# field KEY: of it
field() { json "$1" object; }
# column NAME: what stands in the table's column for each run
column()
{
    awk -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR > 1 { print $at }' out | tr '\n' ' '
}
# png_size FILE: width and height
png_size()
{
    od -An -tu1 -j16 -N8 "$1" |
        awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4, (($5 * 256 + $6) * 256 + $7) * 256 + $8 }'
}
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && (a - b) ^ 2 <= 1e-18 * b * b) }'; }
digits() { printf %.6g "$1"; }

# Small pictures, so that PCA takes no time: p100.npy has 100 of them.
npy() { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"; }
letters() { awk -v n="$1" 'BEGIN { srand(n); for (i = 0; i < n; i++) printf "%c", 33 + int(rand() * 94) }'; }
for n in 20 100 120 240 480; do { npy '|u1' "($n, 10, 10)"; letters $((n * 100)); } > p$n.npy; done
small=(--data p240.npy --hidden-sizes 16 --latent-dim 4 --batch-size 32 --quiet)

mkdir runs
train_run runs/first --epochs 2
train_run runs/second --epochs 3 --latent-dim 8
train_run runs/wide --epochs 1 --set data.range=-1:1
train_run runs/more --data p480.npy --epochs 1

# --- runs: what --json says is what eval says
expect 0 '' compare runs/first runs/second/ --json
check 'one line' test "$(wc -l < out)" = 1
keys='name run model latent_dim parameters data part n mse pca_mse pca_note pca_share epochs steps elapsed_s '
keys+='reconstruct_samples_per_s '
check 'keys of compare --json' test "$(json_keys)" = "$keys$keys"
cp out compared
for i in 0 1; do
    name=$(echo first second | cut -d ' ' -f $((i + 1)))
    object $i compared
    check "name of $name" test "$(field name) $(field model) $(field data)" = "$name dense p240.npy"
    check "latent size of $name" test "$(field latent_dim)" = $((4 + 4 * i))
    check "epochs and steps of $name" test "$(field epochs) $(field steps)" = "$((2 + i)) $((12 + 6 * i))"
    check "speed of $name" above "$(field reconstruct_samples_per_s)" 100
    check "share of $name" near "$(field pca_share)" "$(awk -v a="$(field mse)" -v b="$(field pca_mse)" \
        'BEGIN { printf "%.17g", a / b }')"
    check "time of $name" near "$(field elapsed_s)" "$(json elapsed_s <(tail -n 1 "runs/$name/metrics.jsonl"))"
    expect 0 '' eval "runs/$name" --json
    for key in part n parameters pca_note; do
        check "$key of $name is that of eval" test "$(field $key)" = "$(json $key)"
    done
    for key in mse pca_mse; do check "$key of $name is that of eval" near "$(field $key)" "$(json $key)"; done
done
object 0 compared
check 'which run it is' test "$(field run)" = runs/first
object 1 compared
check 'as it was given' test "$(field run)" = runs/second/

# --- the table has the same
expect 0 '^name +model +latent_dim +parameters +part +n +mse +pca_mse +mse/pca +epochs +steps +elapsed_s +samples/s$' \
    compare runs/first runs/second
check 'the table has names' test "$(column name)" = 'first second '
check 'the table has models' test "$(column model)" = 'dense dense '
check 'the table has sizes' test "$(column latent_dim) $(column parameters)" = '4 8  3464 3596 '
check 'the table has the part' test "$(column part) $(column n)" = 'test test  24 24 '
check 'the table has epochs and steps' test "$(column epochs) $(column steps)" = '2 3  12 18 '
for key in mse pca_mse; do
    object 0 compared
    first=$(field $key)
    object 1 compared
    check "the table has $key" test "$(column $key)" = "$(digits "$first") $(digits "$(field $key)") "
done
check 'one line a run' test "$(wc -l < out)" = 3
check 'why this device' grep -q '^device auto: ' err
expect 0 '' compare runs/first runs/first
check 'the same run twice has two names' test "$(column name)" = 'first first-2 '
(cd runs/first && "$cinch" compare . --data ../../p100.npy --quiet) > out 2> err || fail 'compare .'
check 'the name of the folder one is in' test "$(column name)" = 'first '
check '--quiet says nothing else' test ! -s err
mv runs/first/metrics.jsonl hidden
expect 0 '' compare runs/first runs/second
check 'a run without its log says nothing of training' test "$(column epochs) $(column elapsed_s)" = \
    "- 3  - $(column elapsed_s | cut -d ' ' -f 2) "
expect 0 '"epochs": null, "steps": null, "elapsed_s": null' compare runs/first --json
mv hidden runs/first/metrics.jsonl

# --- --out: pictures and the figures
expect 0 '^pair/compare.json, pair/compare.png$' compare runs/first runs/second --device cpu --out pair
check 'compare.png' is_png pair/compare.png
expect 0 '' compare runs/first --quiet --out new/folders/one
check 'ten pictures side by side' above "$(png_size pair/compare.png | cut -d ' ' -f 1)" $((10 * 90))
read -r _ two < <(png_size pair/compare.png)
read -r _ one < <(png_size new/folders/one/compare.png)
check 'a row for the second run: its pictures and its errors' test $((two - one)) = 110
check 'nothing else is in there' test "$(ls -A pair | tr '\n' ' ')" = 'compare.json compare.png '
object 1 pair/compare.json
check 'compare.json has the figures' test "$(field name) $(field n) $(field epochs)" = 'second 24 3'
expect 0 '' compare runs/first runs/second --json --out pair
sed -E 's/("reconstruct_samples_per_s": )[^},]*/\1/g' out > printed
sed -E 's/("reconstruct_samples_per_s": )[^},]*/\1/g' pair/compare.json > written
check 'compare.json is what --json prints' test "$(sed -E 's/_s": .*//' printed)" = "$(sed -E 's/_s": .*//' written)"
cp pair/compare.png twice.png
expect 0 '' compare runs/first runs/second --threads 1 --out pair
check 'the same picture again, for any number of threads' same twice.png pair/compare.png
expect 0 '' compare runs/second runs/first --out pair
check 'another order, another picture' test "$(cmp -s twice.png pair/compare.png; echo $?)" = 1

# --- other data, other samples
expect 0 '' compare runs/first runs/second --data p100.npy
check '--data is all of it' test "$(column part) $(column n)" = 'all all  100 100 '
expect 0 '' compare runs/first runs/second --data p100.npy --limit 30 --json
object 1
check '--data with --limit' test "$(field part) $(field n) $(field data)" = 'all 30 p100.npy'
mse=$(field mse)
expect 0 '' eval runs/second --data p100.npy --limit 30 --json
check 'as eval says' near "$mse" "$(json mse)"
"$cinch" compare runs/first --data npy+- --quiet < p100.npy > out 2> err || fail 'compare and standard input'
check 'standard input, for one run' test "$(column n)" = '100 '
expect 0 '' compare runs/first --limit 7
check '--limit of the test part' test "$(column part) $(column n)" = 'test  7 '
expect 0 'samples/s  data$' compare runs/first runs/more --out differ
check 'each has its data' test "$(column data) $(column n)" = 'p240.npy p480.npy  24 48 '
check 'pictures of the first one’s' is_png differ/compare.png
expect 0 '^differ/compare.json; no picture, for first and wide have samples of different shapes or ranges$' \
    compare runs/first runs/wide --device cpu --out differ
check 'the table is there' test "$(column name)" = 'first wide '
check 'an old picture is not taken for one of these' no_file differ/compare.png
object 1 differ/compare.json
check 'the figures are there' test "$(field name)" = wide
expect 0 '' eval runs/wide --json --batch-size 7
wide=$(json mse)
expect 0 '' compare runs/wide --json --batch-size 7
object 0
check '--batch-size is that of eval' near "$(field mse)" "$wide"
expect 0 '' compare runs/wide --json --precision bf16
object 0
check '--precision counts' test "$(near "$(field mse)" "$wide"; echo $?)" = 1

# --- configurations are trained
configure a.json --epochs 2
configure b.json --epochs 1 --model vae
mkdir -p c && cp a.json c/config.json
expect 0 '' compare a.json b.json c/config.json --quiet --out trained
check 'their names' test "$(column name) $(column model)" = 'a b c  dense vae dense '
check 'their epochs' test "$(column epochs)" = '2 1 2 '
for name in a b c; do
    for file in config.json model.safetensors metrics.jsonl reconstructions.png; do
        check "trained/$name has $file" test -s "trained/$name/$file"
    done
done
check 'what train makes of it' same trained/a/model.safetensors runs/first/model.safetensors
check 'and its configuration' same trained/a/config.json a.json
check 'a picture of all' is_png trained/compare.png
expect 0 '^trained/a: is trained already$' compare a.json --out trained
check 'and not again' test -z "$(find trained/a -newer trained/compare.json)"
expect 0 '^mixed/b: training$' compare runs/second b.json --out mixed
check 'a run and a configuration' test "$(column name) $(column part)" = 'second b  test test '
check 'progress' grep -q '^epoch 1/1  loss' err
expect 0 '' compare runs/second b.json --quiet --json --out mixed
object 1
check 'where it is' test "$(field run)" = mixed/b
expect 0 '' eval mixed/b --json
check 'of a configuration, too, what eval says' test "$(field part) $(field n) $(field parameters)" = \
    "$(json part) $(json n) $(json parameters)"

# --- flags of train are for the configurations
expect 0 '' compare runs/first a.json --epochs 1 --lr 0.01 --seed 3 --quiet --out flags
check '--epochs' test "$(column epochs)" = '2 1 '
check '--lr' grep -q '"lr": 0.01' flags/a/config.json
check '--seed' grep -q '"seed": 3' flags/a/config.json
expect 0 '' compare a.json --model stacked --epochs 1 --quiet --out preset
check '--model' grep -q '"latent_dim": 9' preset/a/config.json
expect 0 '' compare a.json --set train.max_steps=3 --data p120.npy --limit 80 --quiet --out flags --overwrite
check '--set and --data' test "$(column steps) $(column n)" = '3  8 '
expect 0 '^flags/a: training goes on$' compare a.json --set train.max_steps=4 --data p120.npy --limit 80 --out flags
check 'a longer training goes on' test "$(column steps)" = '4 '
expect 2 '^cinch: flags/a: has a run of another configuration: .*--overwrite removes it' \
    compare a.json --lr 0.5 --out flags
expect 0 '' compare a.json --lr 0.5 --quiet --out flags --overwrite
check '--overwrite' grep -q '"lr": 0.5' flags/a/config.json

# --- a signal while it measures: what is trained stays
configure short.json --max-steps 2 --set data.spec=shapes:24000 --set train.report=false
"$cinch" compare short.json --quiet --out measured > out 2> err < /dev/null &
pid=$!
while kill -0 $pid 2> nothing && [ ! -e measured/short/model.safetensors ]; do sleep 0.01; done
kill -TERM $pid
wait $pid
judge 143 '^cinch: compare: stopped while measuring; the runs are whole' $? 'compare and SIGTERM'
check 'no table' test ! -s out

# --- a training that is stopped goes on
configure long.json --max-steps 100000000 --log-every 1
"$cinch" compare long.json --quiet --out stopped > out 2> err < /dev/null &
pid=$!
for _ in $(seq 200); do [ -s stopped/long/metrics.jsonl ] && break; sleep 0.05; done
kill -INT $pid
wait $pid
judge 130 'stopped after step [0-9]+ of 100000000 and saved; --resume stopped/long goes on' $? 'compare and SIGINT'
check 'no table' test ! -s out
steps=$(json step <(tail -n 1 stopped/long/metrics.jsonl))
expect 0 "^goes on after step $steps\$" compare long.json --time-limit 1s --out stopped
check 'until its end' above "$(column steps)" "$steps"
expect 0 '^stopped/long: is trained already$' compare long.json --time-limit 1s --out stopped

# --- what is refused, and that nothing is made of it
expect 2 '^cinch: compare: RUN.CONFIG.json is missing; usage: cinch compare RUN' compare
expect 2 '^cinch: compare: an empty RUN' compare runs/first ''
expect 3 '^cinch: nowhere: no such run folder or configuration$' compare runs/first nowhere --out none
expect 3 '^cinch: p20.npy: neither a run folder nor a configuration' compare runs/first p20.npy
expect 3 '^cinch: runs/config.json: no such file; is this a run folder' compare runs/first runs --out none
cp -r runs/second cut && truncate -s 1000 cut/model.safetensors
expect 3 '^cinch: cut/model.safetensors: truncated' compare runs/first cut --out none
rm cut/model.safetensors
expect 3 '^cinch: cut/model.safetensors: no such file: the run has not come to an end; cinch train --resume cut' \
    compare runs/first cut a.json --out none
expect 2 '^cinch: compare: --out FOLDER is missing, for the runs of the configurations' compare runs/first a.json
expect 2 '^cinch: --lr: is for training, and the runs are trained' compare runs/first --lr 3 --out none
expect 2 '^cinch: model.latent_dim: is for training' compare runs/first --set model.latent_dim=3 --out none
expect 2 '^cinch: --val-data: is for training' compare runs/first --val-data p20.npy --out none
expect 2 '^cinch: --overwrite: ' compare runs/first --overwrite --out none
expect 2 '^cinch: --data: .*compare runs, or configurations, alone' compare runs/first a.json --data p20.npy --out none
expect 2 '^cinch: --limit: .*alone' compare runs/first a.json --limit 9 --out none
expect 2 '^cinch: data.layuot: unknown key' compare runs/first --set data.layuot=x --out none
expect 2 '^cinch: --latent: unknown flag of compare' compare runs/first --latent 3 --out none
for flag in --data --target; do
    expect 2 "^cinch: $flag npy\\+-: standard input can be read once" \
        compare runs/first runs/second --data p100.npy $flag npy+- --out none
done
expect 2 '^cinch: --data npy\+-: standard input can be read once' compare a.json --data npy+- --out none
expect 3 '^cinch: gone.npy: ' compare runs/first --data gone.npy --out none
printf '{"train": {"epoch": 3}}' > bad.json
expect 2 '^cinch: bad.json: train.epoch: unknown key; did you mean train.epochs' compare a.json bad.json --out none
configure far.json --set data.spec=gone.npy
expect 3 '^cinch: far.json: gone.npy: ' compare a.json far.json --out none
configure odd.json --model vae --condition label --epochs 1
sed -i 's/p240.npy/plain.npy/' odd.json
{ npy '|u1' '(40, 784)'; letters $((40 * 784)); } > plain.npy
expect 2 '^cinch: odd.json: .*labels' compare a.json odd.json --out none
expect 3 '^cinch: plain.npy: a sample is \[784\], the run wants \[10, 10, 1\]' \
    compare runs/first --data plain.npy --out none
train_run whole --epochs 1 --set data.split=9,1,0
expect 2 '^cinch: whole: the run has no test part; give --data' compare runs/first whole --out none
expect 4 '^cinch: device cuda' compare runs/first --device cuda --out none
check 'nothing was made' no_folder none
mkdir -p full/a && echo precious > full/a/notes.txt
expect 2 '^cinch: full/a: not empty' compare a.json --out full
expect 2 '^cinch: full/a: not empty and no run folder' compare b.json a.json --out full --overwrite
check 'what was there is there' grep -q precious full/a/notes.txt
check 'before anything is trained' no_folder full/b
echo text > file
expect 6 '^cinch: --out file: not a folder' compare runs/first --out file
expect 6 '^cinch: file/x: cannot make the folder: ' compare runs/first --out file/x
check 'no result of a failure' test ! -s out
check 'no leftovers' test -z "$(leftovers .)"

# Vectors are drawn as curves.
{ npy '|u1' '(50, 6)'; letters 300; } > vectors.npy
train_run v1 --data vectors.npy --epochs 1
train_run v2 --data vectors.npy --epochs 1 --latent-dim 2
expect 0 '' compare v1 v2 --quiet --out vectors
check 'curves' is_png vectors/compare.png

finish
