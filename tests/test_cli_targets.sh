#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What data holds and what is to come out of it: values that are not finite, targets, the losses that suit them.
. "$(dirname "$0")/cli/common.sh"

# floats NAME NUMBER...: an array of 100 rows of 4, the numbers again and again.
declare -A word=([0]='\x00\x00\x00\x00' [.5]='\x00\x00\x00\x3f' [1]='\x00\x00\x80\x3f' [-1]='\x00\x00\x80\xbf'
    [2]='\x00\x00\x00\x40' [.93]='\x7b\x14\x6e\x3f' [nan]='\x00\x00\xc0\x7f' [inf]='\x00\x00\x80\x7f')
npy() { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"; }
floats()
{
    local name=$1 bytes=
    shift
    for number; do bytes+=${word[$number]}; done
    # shellcheck disable=SC2059
    { npy '<f4' '(100, 4)'; for ((i = 0; i < 400 / $#; i++)); do printf "$bytes"; done; } > "$name"
}
floats x.npy 0 .5 1 .5 1 0 .5 0
floats clean.npy 1 .5 0 .5 0 1 .5 1
floats signed.npy -1 0 1 0 1 -1 0 -1
floats short.npy 0 .5 .93 .5 .93 0 .5 0
{ head -c 240 x.npy; printf '%b' "${word[nan]}"; tail -c +245 x.npy | head -c 396; printf '%b' "${word[inf]}"
    tail -c +645 x.npy; } > nan.npy
{ npy '<f4' '(50, 8)'; tail -c +129 x.npy; } > wide.npy
{ npy '<f4' '(50, 4)'; tail -c +129 x.npy | head -c 800; } > few.npy
{ npy '|u1' '(100, 4)'; for _ in {1..100}; do printf '\x00\x7f\xff\x40'; done; } > bytes.npy
small=(--hidden-sizes 8 --latent-dim 2 --batch-size 32 --epochs 1 --quiet --set train.report=false)
expect 0 '' train --data x.npy "${small[@]}" --out run

# --- values that are not finite
two='^cinch: nan.npy: 2 values are not finite, the first in row 7; .*data.nan=keep'
expect 3 "$two" train --data nan.npy "${small[@]}" --out w
expect 3 "$two" train --data x.npy --target nan.npy "${small[@]}" --out w
expect 3 "$two" train --data x.npy --val-data nan.npy "${small[@]}" --out w
expect 3 "$two" train --data nan.npy "${small[@]}" --dry-run
expect 3 "$two" eval run --data nan.npy
expect 3 "$two" encode run --data nan.npy --out w.npy
expect 3 "$two" reconstruct run --data nan.npy --out w.npy
expect 3 "$two" interpolate run --data nan.npy --out w.npy
expect 3 "$two" compare run --data nan.npy --out w
check 'nothing was written' no_file w
check 'no file either' no_file w.npy
expect 0 '' encode run --data nan.npy --limit 7 --out first.npy --quiet
expect 0 '' encode run --data nan.npy --set data.nan=keep --out codes.npy --quiet
bare='not finite, the first in row 7; repair the data$'
expect 3 "^cinch: codes.npy: .* $bare" decode run --data codes.npy --out w.npy
expect 3 "^cinch: nan.npy: .* $bare" bench infer run --data nan.npy
expect 3 "^cinch: nan.npy: .* $bare" bench train dense --data nan.npy
expect 0 '"mse": null, .*"pca_mse": null, "pca_note": "not finite: ' eval run --data nan.npy --set data.nan=keep --json
expect 0 '^mse +nan$' eval run --data nan.npy --set data.nan=keep
expect 5 "'data' holds nan" train --data nan.npy --set data.nan=keep "${small[@]}" --out kept
expect 0 'missing +1 NaN, 1 infinite' inspect nan.npy
skip=(--set data.nan=keep --set train.on_nonfinite=skip --batch-size 16)
expect 0 '' train --data nan.npy "${small[@]}" "${skip[@]}" --set train.report=true --out skipped
expect 3 '^cinch: skipped: the codes of the training part are not finite' sample skipped --out w.npy
check 'no samples of nothing' no_file w.npy
check 'the page says so' grep -q 'There are none: .*the codes of the training part are not finite' skipped/report.html
expect 0 '' train --model vae --data x.npy "${small[@]}" --out bound
nothing='"loss": null, "loss_recon": null, "loss_kl": null, "kl_share": null, "elbo": null, "kl_active": null,'
expect 0 "$nothing" eval bound --data nan.npy --set data.nan=keep --json

# --- what a run is measured against
expect 0 '' train --data x.npy --target clean.npy "${small[@]}" --out told
expect 2 '^cinch: --data: told was trained to give clean.npy; .*--target SPEC, or --set data.target= ' \
    eval told --data x.npy
expect 2 '^cinch: --data: told was trained to give clean.npy' compare run told --data x.npy
mse() { expect 0 '' "$1" "${@:2}" --json --quiet; json mse; }
clean=$(mse eval told --data x.npy --target clean.npy) input=$(mse eval told --data x.npy --set data.target=)
check 'a target counts' test "$clean" != "$input"
check 'by its key too' test "$(mse eval told --data x.npy --set data.target=clean.npy)" = "$clean"
check 'null is none too' test "$(mse eval told --data x.npy --set data.target=null)" = "$input"
check 'so does an empty one of the test part' test "$(mse eval told)" != "$(mse eval told --set data.target=)"
check 'its own is what it has' test "$(mse eval told)" = "$(mse eval told --target clean.npy)"
check 'a run without one takes one' \
    test "$(mse eval run --data x.npy)" != "$(mse eval run --data x.npy --target clean.npy)"
expect 0 "\"mse\": ${clean:0:10}" compare told run --data x.npy --target clean.npy --json
expect 3 '^cinch: few.npy: 50 rows, but the data has 100' eval told --data x.npy --target few.npy
expect 3 '^cinch: wide.npy: a sample is \[8\], the run wants \[4\]' eval told --data x.npy --target wide.npy
expect 2 '^cinch: --target: encode does not take it, train does' encode told --data x.npy --target clean.npy --out w.npy
expect 0 '' train --data x.npy --val-data clean.npy "${small[@]}" --out apart
expect 0 '' eval apart --data x.npy --target clean.npy

# --- PCA is of the data
other='PCA is of the data, and the target is another'
expect 0 "\"pca_mse\": null, \"pca_note\": \"$other\"" eval told --json
expect 0 "^pca_mse +- \($other\)" eval run --data x.npy --target clean.npy
expect 0 "\"pca_mse\": null, \"pca_note\": \"$other\", \"pca_share\": null" compare told --json
expect 0 '^pca_mse +[0-9.e-]+ \(exact\)' eval told --set data.target=
expect 0 '' report told
check 'no sentence about PCA' test "$(grep -c 'PCA of the same size' told/report.html)" = 0
expect 0 '' report run
check "a model that is worse" grep -qE "the model&#39;s error is [0-9.e+]+ times PCA&#39;s" run/report.html

# --- a target is opened where it is needed
mv clean.npy away.npy
expect 0 '' sample told --out drawn.npy
expect 0 '' interpolate told --out drawn.npy
expect 0 '' eval told --target away.npy
expect 0 '' eval told --set data.target=
expect 0 '' compare told --target away.npy
for verb in eval compare report; do expect 3 '^cinch: clean.npy: No such file or directory; ' "$verb" told; done
expect 3 '^cinch: clean.npy: No such file' train --resume told --epochs 2
mv away.npy clean.npy

# --- what comes out is drawn in its target's range
images() { { npy '<f4' '(100, 2, 2, 1)'; tail -c +129 "$1"; } > "$2"; }
floats tall.npy 2 .5 2 0
images x.npy in.npy
images tall.npy out.npy
images signed.npy swing.npy
lines() { expect 0 '' train --data in.npy --set data.layout=channels_last "${small[@]}" --set train.report=true "$@"; }
lines --target out.npy --out far
scales='the input, from 0 (black) to 1 (white), what was to come out and its reconstruction, both from'
check 'each on its scale' grep -qF "$scales" far/report.html
check 'not the one of the data' test "$(grep -cF "$scales 0 (black) to 1 (white)" far/report.html)" = 0
lines --target swing.npy --out near
check 'the known range of a target' grep -qF "$scales -1 (black) to 1 (white)" near/report.html
expect 0 '"low": 0.0, "high": 1.0, .*"output_low": -1.0, "output_high": 1.0' inspect near/model.safetensors
expect 0 '' reconstruct near --data in.npy --out far.png
check 'a picture of both' is_png far.png
# A file of an earlier cinch does not say it.
LC_ALL=C sed -i 's/output_low/outpu__low/' near/model.safetensors
expect 0 '' reconstruct near --data in.npy --out far.npy
expect 0 '' report near
check 'then the range of the data is taken' grep -qF "$scales 0 (black) to 1 (white)" near/report.html
lines --set data.split=1,0,0 --target out.npy --out seen
check 'without a test part too' grep -qF "$scales" seen/report.html
for name in bytes turned; do
    { npy '|u1' '(100, 4)'; for _ in {1..100}; do printf '\x00\x7f\xff\x40'; done; } > "$name.npy"
done
expect 0 '' train --data bytes.npy --target turned.npy "${small[@]}" --lr .05 --epochs 40 --out whole
expect 0 '' reconstruct whole --data bytes.npy --limit 1 --out whole.npy
largest() { tail -c 16 "$1" | od -An -tf4 | tr -s ' ' '\n' | sort -g | tail -n 1; }
check 'in the units of the target' above "$(largest whole.npy)" 200

# --- keys that say how --data is read, without it
for key in split=0.2,0.2,0.6 range=none layout=channels_last nan=keep resident=never; do
    expect 2 "^cinch: data.${key%=*}: means nothing without --data" eval run --set "data.$key"
    expect 2 "^cinch: data.${key%=*}: means nothing without --data" interpolate run --set "data.$key" --out w.npy
    expect 2 "^cinch: data.${key%=*}: means nothing without --data" compare run told --set "data.$key"
done
expect 0 '"n": 5,' eval run --set data.limit=5 --json

# --- the output and the loss go by what is to come out
floats large.npy 0 1 -1 .93 1 1 .5 -1
made=0
# becomes OUTPUT ARGUMENT...: what the output of such a run is.
becomes()
{
    made=$((made + 1))
    expect 0 '' train "${small[@]}" "${@:2}" --out "made$made"
    expect 0 "\"model\": \{[^}]*\"output_activation\": \"$1\"" inspect "made$made" --json
}
becomes sigmoid --data x.npy
becomes tanh --data x.npy --target signed.npy
becomes sigmoid --data signed.npy --target x.npy
becomes linear --data x.npy --target short.npy
becomes sigmoid --data short.npy --loss bce
becomes sigmoid --data signed.npy --target short.npy --loss bce
becomes sigmoid --model vae --data signed.npy --target clean.npy
expect 0 '^loss_floor' eval "made$made" --quiet
becomes tanh --model vae --data x.npy --target signed.npy
expect 0 '' eval "made$made" --json
check 'which is no target for bce' test -z "$(json loss_floor)"

refuse() { expect 2 "^cinch: $1" train "${small[@]}" "${@:2}" --out w; }
range='wants targets in \[0,1\], and those of the training part range from'
refuse "loss.name bce: $range 0 to 255; .*data.range=0:1.*--loss mse" --data bytes.npy --set data.range=none \
    --loss bce --output-activation sigmoid
refuse "loss.name bce: $range -1 to 1" --data bytes.npy --set data.range=-1:1 --loss bce
refuse "loss.name bce: $range -1 to 1" --data x.npy --target signed.npy --loss bce
refuse "loss.name bce_logits: $range -1 to 1" --data large.npy --loss bce_logits
refuse "loss.name bce_logits: $range -1 to 1" --data large.npy --model vae --output-activation sigmoid
range=${range/training/validation}
refuse "loss.name bce: $range -1 to 1" --data x.npy --val-data signed.npy --loss bce
refuse "loss.name bce_logits: $range -1 to 1" --model vae --data x.npy --val-data signed.npy
check 'nothing was trained' no_file w
expect 0 '"loss": null, .*"elbo": null, .*"loss_note": "bce wants ' eval bound --data x.npy --target signed.npy --json
check 'the error is a figure all the same' above "$(json mse)" 0
check 'the KL too' above "$(json loss_kl)" 0

# A run that was trained by an older rule goes on with the output that it has.
expect 0 '' train "${small[@]}" --data large.npy --target x.npy --output-activation linear --out older
sed -i 's/"output_activation": "linear"/"output_activation": "auto"/' older/config.json
rm older/checkpoint/* # they are of the other configuration
expect 0 '' train --resume older --epochs 2 --quiet
expect 0 '"model": \{[^}]*"output_activation": "linear"' inspect older --json
finish
