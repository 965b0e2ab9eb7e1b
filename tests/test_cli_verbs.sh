#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# eval, encode, decode, reconstruct, inspect and bench on a small run.
. "$(dirname "$0")/cli/common.sh"

small_run run

# --- eval
eval_keys='part n mse rmse mae rel_l2 loss loss_recon pca_mse pca_note parameters '
expect 0 '' eval run --json
check 'keys of eval --json' test "$(json_keys)" = "$eval_keys"
check 'one line' test "$(wc -l < out)" = 1
check 'the test part' test "$(json part)" = test
check 'a tenth of 240' test "$(json n)" = 24
check 'a loss of mse is the mse' \
    awk -v a="$(json mse)" -v b="$(json loss)" 'BEGIN { exit !(a > 0 && (a - b)^2 < 1e-12 * a * a) }'
check 'rmse is its root' awk -v a="$(json mse)" -v b="$(json rmse)" 'BEGIN { exit !((b * b - a)^2 < 1e-12 * a * a) }'
check 'PCA is exact here' test "$(json pca_note)" = exact
check 'PCA has a figure' above "$(json pca_mse)" 0
cp out whole
expect 0 '' eval run --json --threads 1 --batch-size 7
check 'threads and batch size change nothing but digits' awk -v a="$(json mse)" -v b="$(json mse whole)" \
    'BEGIN { exit !((a - b)^2 < 1e-12 * a * a) }'
expect 0 '' eval run --json --limit 5
check '--limit of the test part' test "$(json part) $(json n)" = 'test 5'
expect 0 '' eval run --json --data shapes:100
check '--data is all of it' test "$(json part) $(json n)" = 'all 100'
expect 0 '' eval run --json --data shapes:100 --limit 30
check '--data with --limit' test "$(json part) $(json n)" = 'all 30'
expect 0 '^part +test, 24 samples' eval run
check 'the table has PCA' grep -qE '^pca_mse +[0-9.]+ \(exact\)' out
check 'why this device' grep -q '^device auto: ' err
expect 0 '' eval run --quiet --device cpu
check 'eval --quiet' test ! -s err
expect 3 'no config.json|not a run|no such file' eval .
expect 3 '^cinch: nowhere' eval nowhere
mv run/model.safetensors hidden
expect 3 '^cinch: run/model.safetensors: .*cinch train --resume run' eval run
mv hidden run/model.safetensors

# --- encode, decode, reconstruct
expect 0 '' encode run --data shapes:50 --out z.npy --json
check 'encode --json' test "$(cat out)" = '{"out": "z.npy", "rows": 50, "shape": [50, 4]}'
check 'codes as .npy' grep -aq "'descr': '<f4', 'fortran_order': False, 'shape': (50, 4)" <(npy_header z.npy)
check 'size of the codes' test "$(stat -c %s z.npy)" = $((128 + 50 * 4 * 4))
expect 0 '' reconstruct run --data shapes:50 --out x.npy --quiet
check 'reconstructions have the shape of the data' grep -aq "'shape': (50, 28, 28, 1)" <(npy_header x.npy)
expect 0 '' decode run --data z.npy --out y.npy --quiet
check 'decoded codes are reconstructions' same x.npy y.npy
expect 0 '' inspect x.npy --json
check 'pictures are scaled back to 0..255' awk -v low="$(json min)" -v high="$(json max)" \
    'BEGIN { exit !(low >= 0 && high > 100 && high <= 255) }'
expect 0 '' encode run --data shapes:50 --limit 20 --out few.npy --quiet
check '--limit takes the first rows' same <(tail -c +129 few.npy) <(tail -c +129 z.npy | head -c $((20 * 4 * 4)))
"$cinch" encode run --data shapes:50 --out - --quiet > piped.npy 2> err
check '--out -' same piped.npy z.npy
"$cinch" encode run --data shapes:50 --out - --quiet 2> err |
    "$cinch" decode run --data npy+- --out - --quiet > piped.npy 2> err
check 'from pipe to pipe' same piped.npy x.npy
"$cinch" eval run --data npy+- --json --quiet < x.npy > out 2> err
check 'eval of what stands on standard input, as floats beyond [0, 1]' test "$(json n)" = 50
expect 0 '^x.png: 12 rows' reconstruct run --data shapes:50 --limit 12 --out x.png --device cpu
check 'a picture of reconstructions' is_png x.png
expect 0 '^the first 64 of 240 rows' reconstruct run --data shapes:240 --out x.png
expect 0 '' decode run --data z.npy --out z.png --quiet
check 'a picture of decoded codes' is_png z.png
expect 3 '^cinch: x.npy: a row is \[28, 28, 1\], a code of this run \[4\]' decode run --data x.npy --out w.npy
expect 3 '^cinch: z.npy: a sample is \[4\], the run wants \[28, 28, 1\]' encode run --data z.npy --out w.npy
expect 3 '^cinch: z.npy: a sample' eval run --data z.npy
expect 2 '^cinch: w.png: a picture of .*draw fewer' reconstruct run --data shapes:12000 --limit 12000 --out w.png
expect 6 '^cinch: missing/w.npy: ' encode run --data shapes:5 --out missing/w.npy
expect 6 '^cinch: missing/w.png: ' reconstruct run --data shapes:5 --out missing/w.png
check 'nothing was written' no_file w.npy
check 'no leftovers' test -z "$(leftovers .)"
# The run's data may be gone by then.
sed -i 's/shapes:240/gone.npy/' run/config.json
expect 0 '' decode run --data z.npy --out y.npy --quiet
check 'decode needs no data of the run' same x.npy y.npy
expect 3 '^cinch: gone.npy' eval run
sed -i 's/gone.npy/shapes:240/' run/config.json

# --- channels first: [N, C, H, W] in the file and in what is written
npy()  # npy SHAPE TYPE BYTES > FILE: bytes are those of urandom
{
    local dictionary="{'descr': '$2', 'fortran_order': False, 'shape': $1, }"
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$dictionary"
    head -c "$3" /dev/urandom
}
npy '(40, 3, 6, 5)' '|u1' $((40 * 90)) > first.npy
npy '(40, 2, 6, 3)' '|u1' $((40 * 36)) > either.npy
expect 2 '^cinch: either.npy: which axis .*data.layout=channels_last' inspect either.npy
expect 0 '\[3, 6, 5\]' inspect first.npy
expect 0 'first' inspect either.npy --set data.layout=channels_first
expect 0 '' train --data first.npy --latent-dim 3 --epochs 1 --quiet --out colour
expect 0 '' reconstruct colour --data first.npy --out colour.npy --quiet
check 'axes of the file' grep -aq "'shape': (40, 3, 6, 5)" <(npy_header colour.npy)
expect 0 '' encode colour --data first.npy --out c.npy --quiet
expect 0 '' decode colour --data c.npy --out again.npy --quiet
check 'decode has them too' same colour.npy again.npy
expect 0 '' reconstruct colour --data first.npy --out colour.png --quiet
check 'a picture in colour' is_png colour.png
expect 0 '"classes": 0' inspect first.npy --json
check 'data with no labels' grep -q '"labels": false' out
check 'type and shape of data' grep -q '"shape": \[3, 6, 5\], "sample": \[6, 5, 3\], "type": "U8"' out

# --- inspect
expect 0 '^run: dense on shapes:240' inspect run
check 'layers' grep -qE '^  encoder\.0 +Linear 784 -> 16 +12560$' out
check 'sum of parameters' grep -qE '^  26036 parameters' out
check 'tensors' grep -qE '^  F32 +\[16, 784\] +50176 bytes +encoder\.0\.weight$' out
expect 0 '' inspect run --json
for part in '"kind": "run"' '"parameters": 26036' \
    '"name": "encoder.0", "kind": "Linear 784 -> 16", "parameters": 12560' \
    '"name": "decoder.2.bias", "type": "F32", "shape": \[784\], "bytes": 3136' \
    '"cinch.format": "1"' '"epochs": 2' '"code": \[4\]'; do
    check "inspect run --json has $part" grep -q "$part" out
done
expect 0 '^run/model.safetensors: safetensors' inspect run/model.safetensors
check 'metadata' grep -q '^  cinch.format: 1$' out
expect 0 '"kind": "safetensors", "path": "run/model.safetensors"' inspect run/model.safetensors --json
cp run/model.safetensors unnamed
expect 0 '^unnamed: safetensors' inspect unnamed
expect 0 'labels +4 classes' inspect shapes:100
expect 0 '"parts": {"train": 80, "val": 10, "test": 10}' inspect shapes:100 --json
npy '(3, 4)' '<f4' 0 > nan.npy
printf '\x00\x00\xc0\x7f\x00\x00\x80\x7f\x00\x00\x80\x3f\x00\x00\x00\x40%.0s' 1 2 3 >> nan.npy
expect 0 'missing +3 NaN, 3 infinite' inspect nan.npy
expect 0 '"min": 1.0, "max": 2.0, .*"missing": 3, "infinite": 3' inspect nan.npy --json
expect 3 '^cinch: nowhere: ' inspect nowhere

# --- bench
bench_keys='workload device precision threads batch_size step_ms step_ms_min step_ms_max samples_per_s '
bench_keys+='first_step_ms peak_bytes activation_bytes weight_bytes flops_per_step share_of_peak loss_first loss_last '
expect 0 '' bench train dense --batch-size 8 --steps 5 --threads 1 --device cpu --losses --json
check 'keys of bench train --json' test "$(json_keys)" = "${bench_keys}losses "
check 'what ran' \
    test "$(json workload) $(json device) $(json precision) $(json threads) $(json batch_size)" = 'dense cpu f32 1 8'
check 'operations' test "$(json flops_per_step)" = $((5783552 * 8))
check 'median between extremes' awk -v a="$(json step_ms_min)" -v b="$(json step_ms)" -v c="$(json step_ms_max)" \
    'BEGIN { exit !(0 < a && a <= b && b <= c) }'
check '20 losses' test "$(grep -oE '"losses": \[.*\]' out | tr ',' '\n' | wc -l)" = 20
expect 0 'dense, batch size 8' bench train dense --batch-size 8 --steps 5
expect 0 '' bench peak --json
check 'keys of bench peak --json' test "$(json_keys)" = 'device threads fma_gflops sgemm_gflops triad_gbytes '
check 'a peak' above "$(json fma_gflops)" 0
if [ -x "$(dirname "$cinch")/bench/cinch-bench-ops" ]; then
    expect 0 'matmul' bench ops matmul --threads 1
    expect 2 '^cinch: bench ops: no op matmull is timed; did you mean matmul\?$' bench ops matmull
    expect 2 '^cinch: bench ops: no op qqqqqqq is timed; there are: .*matmul ' bench ops qqqqqqq
fi
expect 3 '^cinch: nowhere.npy' bench train dense --data nowhere.npy
expect 3 '^cinch: nowhere.st' bench train dense --weights nowhere.st

# --- bench infer
infer_keys='what device precision threads batch_size calls min_us p50_us p90_us p99_us max_us samples_per_s '
infer_keys+='open_ms error '
quick=(--calls 20 --device cpu --threads 1)
ran() { printf '%s' "$(json what) $(json device) $(json precision) $(json threads) $(json batch_size) $(json calls)"; }
expect 0 '' bench infer dense "${quick[@]}" --json
check 'keys of bench infer --json' test "$(json_keys)" = "$infer_keys"
check 'what ran: one sample a call' test "$(ran)" = 'dense cpu f32 1 1 20'
check 'percentiles ascend' awk -v a="$(json min_us)" -v b="$(json p50_us)" -v c="$(json p90_us)" -v d="$(json p99_us)" \
    -v e="$(json max_us)" 'BEGIN { exit !(0 < a && a <= b && b <= c && c <= d && d <= e) }'
check 'time to open' above "$(json open_ms)" 0
expect 0 '' bench infer run --calls 21 --device cpu --threads 2 --batch-size 8 --precision bf16 --json
check 'each option' test "$(ran)" = 'run cpu bf16 2 8 21'
expect 0 '' bench infer run "${quick[@]}" --json
fresh=$(json error)
{ npy '(6, 784)' '<f4' 0; head -c $((6 * 784 * 4)) /dev/zero; } > zeros.npy
expect 0 '' bench infer run "${quick[@]}" --data zeros.npy --json
dark=$(json error)
check '--data is what it reconstructs' above "$dark" "$fresh"
expect 0 '' bench infer run/model.safetensors "${quick[@]}" --data zeros.npy --batch-size 3 --json
check 'a file, in other batches: the same error' test "$(json error)" = "$dark"
expect 0 'run, batch size 1, cpu, f32, 1 threads' bench infer run "${quick[@]}"
check 'the table has percentiles' grep -qE 'latency +[0-9.]+ us .*99% within [0-9.]+; 20 calls' out
check 'no word on standard error' test ! -s err
expect 0 '' train --model dense --hidden-sizes 512,256 --latent-dim 64 --data shapes:60 --max-steps 1 \
    --quiet --out large
expect 0 '' bench infer large "${quick[@]}" --data zeros.npy --json
trained=$(json error)
expect 0 '' bench infer dense --weights large/model.safetensors "${quick[@]}" --data zeros.npy --json
check '--weights of the workload' test "$(json error)" = "$trained"
expect 2 'run is a run.*--weights' bench infer run --weights large/model.safetensors
expect 3 '^cinch: nowhere.npy' bench infer dense --data nowhere.npy
expect 3 '^cinch: nowhere.st' bench infer dense --weights nowhere.st
expect 3 '^cinch: zeros.npy: fewer than 7 rows' bench infer dense --data zeros.npy --batch-size 7
expect 3 '^cinch: ./nowhere: No such file' bench infer ./nowhere
expect 4 'cuda' bench infer dense --device cuda

# --- data that is not there from here, or not any more
"$cinch" reconstruct run --data shapes:120 --out own.npy --quiet || fail 'no data'
cp own.npy val.npy && mkdir elsewhere
"$cinch" train "${small[@]:2}" --data own.npy --val-data val.npy --epochs 1 --device cpu --out named > out 2> err ||
    fail 'no run'
home=$PWD
cd elsewhere || exit 1
advice='own.npy: No such file or directory; the run.s data is looked for from this folder: be in the one where'
expect 3 "^cinch: $advice .*; --data SPEC names other data" eval ../named
expect 3 "^cinch: $advice" interpolate ../named --out x.npy
expect 3 "^cinch: $advice training was started\$" report ../named
expect 3 "^cinch: $advice training was started\$" train --resume ../named --epochs 2
expect 0 '' eval ../named --data ../own.npy
cd "$home" || exit 1
rm val.npy
expect 0 '' eval named
expect 0 '' sample named --sampler gaussian --num-samples 3 --out s.npy
expect 0 '' report named
expect 3 '^cinch: val.npy: No such file or directory; the run.s data is looked for' train --resume named --epochs 2

# --- data is not replaced by what is made of it
cp own.npy kept.npy && ln own.npy hard.npy && ln -s own.npy soft.npy
expect 0 '' encode named --data own.npy --out codes.npy && cp codes.npy codes-kept.npy
for name in own.npy ./own.npy hard.npy soft.npy; do
    for verb in encode reconstruct interpolate; do
        expect 2 "^cinch: --out $name: is the data itself" $verb named --data own.npy --out $name
    done
    expect 2 "^cinch: --out $name: is the data itself" interpolate named --out $name
done
expect 2 '^cinch: --out codes.npy: is the data itself' decode named --data npy+codes.npy --out codes.npy
check 'data is as it was' same own.npy kept.npy
check 'codes too' same codes.npy codes-kept.npy
expect 0 '' encode named --data own.npy --out codes.npy

# --- what is replaced keeps its mode, and a link leads to it still
for kind in npy png; do
    expect 0 '' reconstruct named --data own.npy --out right.$kind
    echo old > private.$kind && chmod 600 private.$kind
    ln -s private.$kind link.$kind && ln -s new.$kind to-new.$kind
    expect 0 '' reconstruct named --data own.npy --out link.$kind
    check "$kind through a link" same right.$kind private.$kind
    check "$kind is private" test "$(stat -c %a private.$kind)" = 600
    expect 0 '' reconstruct named --data own.npy --out to-new.$kind
    check "$kind through a link to nothing" same right.$kind new.$kind
    check "$kind: links stay links" test -L link.$kind -a -L to-new.$kind
done
long=$(printf '%0251d' 0).npy
expect 0 '' encode named --data own.npy --out "$long"
expect 0 '' encode named --data own.npy --out "$long"
check 'the longest name twice' same codes.npy "$long"

finish
