#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Variational, conditional, denoising and sparse runs, and the verbs that are about codes: encode, sample, interpolate.
. "$(dirname "$0")/cli/common.sh"

vae=(--model vae --data shapes:240 --hidden-sizes 16 --latent-dim 4 --batch-size 32 --device cpu --quiet)
train_run()
{
    local out=$1
    shift
    "$cinch" train "${vae[@]}" --epochs 2 --out "$out" "$@" > out 2> err || fail "train $out $*"
}
size() { stat -c %s "$1"; }

train_run vae
train_run told --condition label
small_run dense

# --- what a run says of the KL
check 'the log has the KL and its share' grep -q '"loss_kl": .*"kl_share": 0\.' vae/metrics.jsonl
expect 0 '' eval vae --json
eval_keys='part n mse rmse mae rel_l2 loss loss_recon loss_kl kl_share loss_floor elbo kl_active '
eval_keys+='pca_mse pca_note parameters '
check 'keys of eval --json' test "$(json_keys)" = "$eval_keys"
check 'the evidence bound is of both terms' awk -v e="$(json elbo)" -v r="$(json loss_recon)" -v k="$(json loss_kl)" \
    'BEGIN { exit !((e + r + k)^2 < 1e-12 * e * e) }'
check 'the share is of both terms' awk -v s="$(json kl_share)" -v r="$(json loss_recon)" -v k="$(json loss_kl)" \
    'BEGIN { exit !((s - k / (r + k))^2 < 1e-12) }'
check 'no reconstruction is better than the floor' above "$(json loss_recon)" "$(json loss_floor)"
"$cinch" train "${vae[@]:0:12}" --epochs 2 --beta 300 --out collapsed > out 2> err || fail 'train collapsed'
check 'progress shows both terms' grep -qE '^epoch 1/2 +loss [0-9.]+ +recon [0-9.]+ +kl [0-9.]+' err
check 'a collapse is named, once' test "$(grep -c 'posterior collapse: .*--beta' err)" = 1

# --- encode
expect 0 '' encode vae --data shapes:50 --out z.npy --json --device cpu
check 'codes are the means' test "$(cat out)" = '{"out": "z.npy", "rows": 50, "shape": [50, 4]}'
expect 0 '' encode vae --data shapes:50 --out z.npz --json --device cpu
check 'an archive of both' grep -aq mu.npy z.npz
check 'with the log-variance' grep -aq logvar.npy z.npz
if command -v unzip > /dev/null; then check 'a whole zip file' unzip -tq z.npz; fi
check 'mu in the archive is z.npy' cmp -s <(tail -c +129 z.npy) <(tail -c +185 z.npz | head -c 800)
for seed in 1 2; do
    expect 0 '' encode vae --data shapes:50 --posterior sample --seed $seed --out "s$seed.npy" --quiet --device cpu
done
expect 0 '' encode vae --data shapes:50 --posterior sample --seed 1 --out again.npy --quiet --device cpu \
    --threads 1 --batch-size 7
expect 0 '' encode vae --data shapes:50 --posterior mean --out mean.npy --quiet --device cpu
check 'the mean is the default' same mean.npy z.npy
check 'a sample is another code' test "$(cmp -s z.npy s1.npy; echo $?)" = 1
check 'of its seed' test "$(cmp -s s2.npy s1.npy; echo $?)" = 1
check 'the same seed gives a code of the same size' test "$(size again.npy)" = "$(size s1.npy)"
expect 0 '' decode vae --data z.npy --out y.npy --quiet --device cpu
expect 0 '' reconstruct vae --data shapes:50 --out x.npy --quiet --device cpu
check 'reconstructions are those of the means' same x.npy y.npy
expect 2 '^cinch: --posterior mode: unknown; one of: mean sample' \
    encode vae --data shapes:50 --posterior mode --out w.npy
expect 2 '^cinch: --posterior: model dense is not variational' \
    encode dense --data shapes:50 --posterior sample --out w.npy
expect 2 '^cinch: --out w.npz: model dense has no mu' encode dense --data shapes:50 --out w.npz
expect 6 '^cinch: missing/w.npz: ' encode vae --data shapes:5 --out missing/w.npz
check 'nothing is left' test -z "$(leftovers .)"

# --- sample
for seed in 1 2; do expect 0 '' sample vae --num-samples 20 --seed $seed --out "n$seed.npy" --quiet --device cpu; done
expect 0 '' sample vae --num-samples 20 --seed 1 --out again.npy --quiet --device cpu --threads 1
check 'samples of a seed' same n1.npy again.npy
check 'of another seed' test "$(cmp -s n1.npy n2.npy; echo $?)" = 1
check 'their shape' grep -aq "'shape': (20, 28, 28, 1)" <(npy_header n1.npy)
expect 0 '' sample vae --sampler gaussian --num-samples 20 --seed 1 --out g.npy --quiet --device cpu
check 'the fitted Gaussian is not the prior' test "$(cmp -s n1.npy g.npy; echo $?)" = 1
expect 0 '' sample dense --num-samples 20 --out d.png --quiet --device cpu
check 'a plain autoencoder samples too' is_png d.png
expect 2 '^cinch: dense: model dense has no prior' sample dense --sampler prior --out w.npy
expect 2 '^cinch: --sampler gausian: unknown; did you mean gaussian' sample vae --sampler gausian --out w.npy
expect 2 '^cinch: --label 1: the model of vae is not conditional' sample vae --label 1 --out w.npy
expect 0 '' sample told --num-samples 8 --seed 1 --out all.npy --quiet --device cpu
expect 0 '' sample told --num-samples 8 --seed 1 --label 2 --out two.npy --quiet --device cpu
picture() { tail -c +129 "$1" | tail -c +$(($2 * 3136 + 1)) | head -c 3136; }
check 'without a label, all in turn' cmp -s <(picture all.npy 2) <(picture two.npy 2)
check 'and the label counts' test "$(cmp -s <(picture all.npy 1) <(picture two.npy 1); echo $?)" = 1
expect 2 '^cinch: --label 4: the model of told knows 0 to 3' sample told --label 4 --out w.npy
expect 2 '^cinch: decode: --label is missing, .* told wants: 0 to 3' decode told --data z.npy --out w.npy
expect 2 '^cinch: --label 4: the model of told knows 0 to 3' decode told --data z.npy --label 4 --out w.npy
expect 2 '^cinch: --label 1: the model of vae is not conditional' decode vae --data z.npy --label 1 --out w.npy
expect 0 '' decode told --data z.npy --label 3 --out w3.npy --quiet --device cpu
for count in 9223372036854775807 1152921504606846976; do # the second times 16 is 2^64
    expect 4 "^cinch: --num-samples $count: wants [0-9]+.[0-9] GiB of memory" \
        sample vae --num-samples $count --out w.npy
    expect 4 "^cinch: --num-points $count: wants [0-9]+.[0-9] GiB of memory" \
        interpolate vae --num-points $count --out w.npy
done

# --- labels come with the data
mkdir idx
{ printf '\0\0\10\3\0\0\0\4\0\0\0\34\0\0\0\34'; head -c 3136 /dev/zero; } > idx/train-images-idx3-ubyte
{ printf '\0\0\10\1\0\0\0\4\0\1\2\11'; } > idx/train-labels-idx1-ubyte
for verb in encode reconstruct interpolate; do
    expect 3 '^cinch: two.npy: has no labels, which the conditional model of told wants' \
        $verb told --data two.npy --out w.npy
    expect 3 '^cinch: idx: row 3 has the label 9, the model of told knows 0 to 3' $verb told --data idx --out w.npy
    expect 0 '' $verb told --data idx --limit 3 --out w.npy --quiet --device cpu
done
expect 3 '^cinch: two.npy: has no labels' eval told --data two.npy
expect 3 '^cinch: idx: row 3 has the label 9' eval told --data idx

# --- interpolate
expect 0 '' interpolate vae --data shapes:50 --from 3 --to 9 --num-points 5 --out path.npy --quiet --device cpu
expect 0 '' interpolate vae --data shapes:50 --from 3 --to 9 --num-points 5 --path slerp --out arc.npy \
    --quiet --device cpu
near() { # same picture but for the last digits, which depend on the batch
    python3 -c 'import sys, struct
a, b = (struct.unpack("784f", open(f, "rb").read()) for f in sys.argv[1:])
sys.exit(max(abs(x - y) for x, y in zip(a, b)) > 1e-2)' <(cat "$1") <(cat "$2")
}
if command -v python3 > /dev/null; then
    for file in path arc; do
        picture $file.npy 0 > first; picture $file.npy 4 > last; picture x.npy 3 > three; picture x.npy 9 > nine
        check "$file begins at one" near first three
        check "$file ends at the other" near last nine
    done
fi
check 'the ways differ' test "$(cmp -s path.npy arc.npy; echo $?)" = 1
expect 0 '' interpolate told --from 0 --to 1 --out path.png --quiet --device cpu
check 'a picture' is_png path.png
expect 2 '^cinch: --to 50: there are rows 0 to 49' interpolate vae --data shapes:50 --to 50 --out w.npy
expect 2 '^cinch: --to 7: there are rows 0 to 4' interpolate vae --data shapes:50 --to 7 --limit 5 --out w.npy
expect 2 '^cinch: --path arc: unknown' interpolate vae --path arc --out w.npy

# --- options that make no sense
refuse() { local pattern=$1; shift; expect 2 "^cinch: $pattern" train --data shapes:100 --dry-run --device cpu "$@"; }
refuse 'loss.beta: model dense is not variational' --beta 2
refuse 'loss.anneal: model dense is not variational' --set loss.anneal=linear
refuse 'loss.free_bits: model dense is not variational' --set loss.free_bits=1
refuse 'loss.anneal_steps: goes with loss.anneal' --model vae --set loss.anneal_steps=5
refuse 'loss.sparsity_target: goes with --sparsity kl' --sparsity l1:1 --set loss.sparsity_target=0.2
refuse 'model.classes: goes with model.condition' --set model.classes=4
refuse 'model.classes 2: the data has labels up to 3' --condition label --set model.classes=2
refuse 'model.logvar_clamp: model dense is not variational' --set model.logvar_clamp=-1,1
refuse 'model.logvar_clamp: the first number must be below' --model vae --set model.logvar_clamp=1,-1
refuse 'model.noise salt: must be KIND:AMOUNT' --noise salt
refuse 'model.noise masking:1.5' --noise masking:1.5
refuse '--sparsity l3:1' --sparsity l3:1
refuse 'loss.name bce: wants model.output_activation sigmoid' --model vae --loss bce --output-activation tanh
expect 2 'the data has no labels' train --model vae --condition label --data z.npy --dry-run --device cpu
expect 3 '^cinch: shapes:90: 90 rows, but the data has 100' \
    train --data shapes:100 --target shapes:90 --dry-run --device cpu
expect 3 '^cinch: z.npy: ' train --data shapes:50 --target z.npy --dry-run --device cpu
finish
