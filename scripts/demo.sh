#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job from a fresh machine: install what is missing, build, train an autoencoder, show what came out.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

usage()
{
    cat <<'END'
Usage: scripts/demo.sh [-y] [--no-install]

Builds cinch into build/ and trains a dense autoencoder on Fashion-MNIST for 10 epochs into runs/demo/.
  -y, --yes      install missing packages without asking; so does CI=1 or CI=true
  --no-install   the libraries are elsewhere: install nothing, let CMake find them
END
}

# json_value KEY < JSON: the value of a key on the top level, without quotes; nothing when it is not there.
json_value()
{
    tr '\n' ' ' | sed -nE "s/.*[{,][[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"?([^\",}[:space:]]+).*/\1/p"
}

setup_options=()
for argument in "$@"; do
    case $argument in
    -y|--yes|--no-install) setup_options+=("$argument") ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done

scripts/setup.sh "${setup_options[@]}"
# For the GPUs of this machine alone: all that cinch knows would take minutes.
gpus=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | tr -d . | sort -u |
    paste -sd ';' -) || gpus=
if [ -n "$gpus" ]; then cuda=(-DCINCH_CUDA=AUTO "-DCINCH_CUDA_ARCHITECTURES=$gpus"); else cuda=(-DCINCH_CUDA=OFF); fi
build build -DCMAKE_BUILD_TYPE=Release "${cuda[@]}"

run=runs/demo
if data_is_here; then data=$fashion_mnist; else data=shapes; fi
say "Training: build/cinch train --model dense --data $data --epochs 10 --out $run --overwrite"
build/cinch train --model dense --data "$data" --epochs 10 --out "$run" --overwrite

result=$(build/cinch eval "$run" --json)
field() { printf '%s' "$result" | json_value "$1"; }
mse=$(field mse) pca=$(field pca_mse) part=$(field part) n=$(field n)
# Five digits of a number; other words as they are.
short() { awk -v x="$1" 'BEGIN { if (x + 0 > 0) printf "%.5f\n", x; else print x }'; }
[ -n "$mse" ] || fail "cinch eval printed no mse: $result"

say
say "Mean squared error per pixel on the $part part, $n images:"
say "  autoencoder  $(short "$mse")"
say "  PCA          $(short "${pca:-null}")   (same latent size; what a linear code can do)"
say "To look at:"
say "  $run/report.html           all of it on one page, for a browser"
say "  $run/reconstructions.png   originals above reconstructions, the worst and typical ones"
say "  $run/history.png           the loss over the epochs"
say "What to try next:"
say "  build/cinch inspect $run                                  the layers and their sizes"
say "  build/cinch train --resume $run --epochs 20               train on"
say "  build/cinch encode $run --data $data --out codes.npy"
say "  build/cinch train --model simple --data $data --out runs/simple"
say "  build/cinch models                                             what else there is"
