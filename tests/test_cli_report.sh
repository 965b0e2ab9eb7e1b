#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The verb `report`, and the report that train leaves.
. "$(dirname "$0")/cli/common.sh"

small_run run
check 'train leaves a report' grep -q '^<!DOCTYPE html>' run/report.html
check 'that names the command line' grep -q 'train --data shapes:240 --hidden-sizes 16 .* --out run' run/report.html
cp run/report.html first.html
cp run/reconstructions.png first.png
rm run/*.png
expect 0 '^run/report.html$' report run --device cpu
check 'made anew, the same' same first.html run/report.html
check 'pictures too' same first.png run/reconstructions.png
check 'history.png' is_png run/history.png
check 'a plain autoencoder has no samples.png' no_file run/samples.png
expect 0 '^{"run": "run", "report": "report.html"}$' report run --json --device cpu
expect 0 '' report run --limit 9 --device cpu
check '--limit: so many samples' grep -q 'test part, 9 samples' run/report.html
check 'the whole part without it' grep -q 'test part, 24 samples' first.html
expect 0 '' report run --threads 1 --device cpu
check 'any number of threads' same first.html run/report.html

# Of a short run there are the epochs, or its end; nothing is drawn of what was not logged.
charts() { grep -oE "<figcaption>[^<]*" "$1" | sed 's/.*>//' | head -n "$2" | paste -sd, ; }
check 'a learning rate without steps' test "$(charts run/report.html 2)" = 'Loss,Learning rate'
check 'no norm of the gradient' test "$(grep -c 'Norm of the gradient' run/report.html)" = 0
expect 0 '' train "${small[@]}" --max-steps 2 --device cpu --out steps
check 'a run within its first epoch' test "$(charts steps/report.html 2)" = 'Loss,Learning rate'
check 'its points are marked' test "$(grep -o "<path class='lone s" steps/report.html | wc -l)" = 5
expect 0 '' train "${small[@]}" --epochs 2 --log-every 2 --device cpu --out often
check 'steps where there are more' grep -q 'Norm of the gradient' often/report.html
sed -i 's/"\(loss[a-z_]*\|val_loss\|lr\)": [0-9.e-]*/"\1": null/g' steps/metrics.jsonl
expect 0 '' report steps --device cpu
check 'no chart of nothing' test "$(grep -c 'Nothing was logged' steps/report.html)" = 1

# Steps of a run within its first epoch are logged with the parts of the loss; lone points are left of the epoch's end.
expect 0 '' train "${small[@]}" --model vae --max-steps 3 --log-every 1 --device cpu --out parts
check 'parts of the loss by step' grep -q 'Part of the loss: KL divergence' parts/report.html
check 'as lines' test "$(grep -o "<path class='lone s" parts/report.html | wc -l)" = 4

# A limit in training is of the data; the report then is of the test part that this leaves.
expect 0 '' train "${small[@]}" --limit 200 --epochs 1 --device cpu --out limited
check 'the limited test part' grep -q 'test part, 20 samples' limited/report.html
expect 0 '' report limited --device cpu
check 'known to report, too' grep -q 'test part, 20 samples' limited/report.html

expect 0 '' report run --batch-size 7 --device cpu
check 'any batch size' same first.html run/report.html
expect 0 '' report run --precision bf16 --device cpu
check '--precision: other bytes' test "$(cmp -s first.html run/report.html; echo $?)" = 1

expect 0 '' train --model vae "${small[@]}" --epochs 1 --device cpu --out vae
check 'samples.png of a variational model' is_png vae/samples.png
cp vae/samples.png first.png
expect 0 '' report vae --device cpu
check 'the same samples again' same first.png vae/samples.png
expect 0 '' report vae --seed 5 --device cpu
check '--seed: others' test "$(cmp -s first.png vae/samples.png; echo $?)" = 1

# --- not now, later
expect 0 '' train "${small[@]}" --epochs 1 --device cpu --set train.report=false --out plain
check 'no report, no pictures' test -z "$(ls plain | grep -E 'html|png')"
expect 0 '' report plain --device cpu
check 'made later' test -s plain/report.html
expect 0 '' train --resume plain --epochs 2 --set train.report=false --quiet --device cpu
expect 0 '' train --resume plain --epochs 3 --set train.report=true --quiet --device cpu

# --- the command line, as a shell takes it
expect 0 '' train "${small[@]}" --epochs 1 --device cpu --set 'data.split=[8, 1, 1]' --out "it's here"
check 'quotes where they must be' \
    grep -qF -- "--set &#39;data.split=[8, 1, 1]&#39; --out &#39;it&#39;\\&#39;&#39;s here&#39;" "it's here/report.html"
eval "set -- $(sed -nE 's/.*"command": "cinch (.*)",$/\1/p' "it's here/environment.json" | sed 's/\\\\/\\/g')"
check 'it can be read back' test "${*: -1}" = "it's here"

expect 0 '' train "${small[@]}" --epochs 1 --device cpu --set train.report=false --out $'caf\xe9'
check 'what is not UTF-8 is shown as ?' grep -qF -- "--out 'caf?'" $'caf\xe9/environment.json'

# --- a signal while train makes its report: the run is whole, the rest of the report is left out
# stop_report SIGNAL CODE: of a report whose t-SNE takes seconds.
stop_report()
{
    rm -rf "late$2"
    "$cinch" train "${small[@]:2}" --data shapes:24000 --max-steps 2 --device cpu --out "late$2" \
        > out 2> err < /dev/null &
    local pid=$!
    while kill -0 $pid 2> nothing && [ ! -e "late$2/model.safetensors" ]; do sleep 0.01; done
    kill "-$1" $pid
    wait $pid
    judge "$2" "^cinch: late$2: .* the run is whole; cinch report late$2 makes its page\$" $? "$1 in a report"
    check 'no page' no_file "late$2/report.html"
    check 'nothing half-written' test -z "$(leftovers "late$2")"
}
stop_report INT 130
stop_report TERM 143
expect 0 '' report late143 --limit 100 --device cpu
check 'made later' test -s late143/report.html

# --- errors
expect 2 '^cinch: report: RUN is missing' report
expect 3 '^cinch: .*nowhere' report nowhere --device cpu
expect 2 '^cinch: --data: report does not take it, train does' report run --data shapes
expect 2 '^cinch: --limit' report run --limit -1
cp -r run old && rm old/metrics.jsonl old/report.html
expect 3 '^cinch: .*metrics.jsonl' report old --device cpu
check 'nothing half-written' no_file old/report.html
if [ "$(id -u)" != 0 ]; then
    chmod a-w run
    expect 6 '^cinch: run/.*' report run --device cpu
    chmod u+w run
fi
mkdir blocked && cp -r run/. blocked/ && rm blocked/report.html && mkdir blocked/report.html
expect 6 '^cinch: blocked/report.html: ' report blocked --device cpu
check 'nothing is left' test -z "$(leftovers blocked)"

finish
