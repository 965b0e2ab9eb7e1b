# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The steps of gpu_check.sh, which sources this and names step build cinch python work results device carried small.
# A step fails by ending with another status than 0. What it measured it writes with `note`, what it ran with `run`.

# The most telling first; `first` is what fits into one call of nine minutes.
steps()   # name, groups, what it shows
{
    cat <<'END'
build|first|the command, the tests and the module for this GPU's architecture
parity|first|every case on the CPU and on the GPU, and the tests of plans and trainings on the GPU
replay|first|a step run as it is, recorded and replayed: the same bytes
train|first|dense trained on both devices, loss curves compared, in f32, tf32 and bf16
resume|first|trained in one go, and stopped and resumed: the same bytes
dense-f32-256|first,dense|training steps of 256 samples beside PyTorch's, strict f32
dense-bf16-16384|first,dense|of 16384 samples, in bf16
ops|first|the speed of every kernel beside the machine's copies and products
dense-f32-16384|dense|of 16384 samples, strict f32
dense-tf32-256|dense|of 256 samples, products in tf32
dense-tf32-16384|dense|of 16384 samples, products in tf32
dense-bf16-256|dense|of 256 samples, in bf16
memcheck|sanitizer|compute-sanitizer: accesses out of bounds, leaks, failing calls
racecheck|sanitizer|compute-sanitizer: hazards in shared memory
initcheck|sanitizer|compute-sanitizer: reads of memory that was never written
synccheck|sanitizer|compute-sanitizer: wrong barriers
END
}

# Of a training; which rows of `ops`, and ms for each; rounds of the benchmarks.
choose_sizes()
{
    data=shapes:8192 batch=128 train_steps=300 model=() ops=() ops_ms=20
    rounds=5
    [ "$small" = no ] && return
    data=shapes:200 batch=16 train_steps=24 model=(--hidden-sizes 32 --latent-dim 4) ops=(--op fill) ops_ms=0
    rounds=2
}

run_inside()
{
    choose_sizes
    [ "$step" = build ] || [ -x "$build/cinch" ] || fail "$build holds no build; run the step build first"
    device=$(name_device || true)
    case $step in
    dense-*) step_dense "$(cut -d- -f2 <<< "$step")" "$(cut -d- -f3 <<< "$step")" ;;
    *) "step_$step" ;;
    esac
}

note() { printf '%s\n' "$*" | tee "$work/$step.note"; }
report() { python3 scripts/gpu/report.py "$results" "$device" "$@"; }

# run COMMAND...: puts it on record, by paths that mean something elsewhere, and runs it with the packed libraries.
run()
{
    local text="$*"
    text=${text//"$work"\//} text=${text//"$build"\//} text=${text//"$PWD"\//}
    printf '%s\n' "$text" >> "$work/$step.commands"
    with_libraries "$@"
}

# --- build ------------------------------------------------------------------------------------------------------------

# The architecture of the first GPU: 9.0 is 90.
architecture() { nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. '; }

toolkit_has_cublas() { nvcc -E -x cu - <<< '#include <cublasLt.h>' > /dev/null 2>&1; }

# Where the toolkit is little more than nvcc: cuBLASLt as PyTorch brings it along. Adds to the caller's options.
take_cublas_of_python()
{
    local root found
    root=$("$python" -c '
import glob, sys
headers = (header for folder in sys.path for header in glob.glob(folder + "/nvidia/*/include/cublasLt.h"))
print(next(headers, "").rsplit("/", 2)[0])')
    [ -n "$root" ] || fail "cublasLt.h is neither in the toolkit nor in the packages of $python"
    ln -sfn "$root" "$work/cublas"
    found=("$work"/cublas/lib/libcublasLt.so*)
    options+=("-DCINCH_CUDA_CUBLASLT_INCLUDE=$work/cublas/include" "-DCINCH_CUDA_CUBLASLT=${found[0]}")
}

step_build()
{
    if [ "$carried" = yes ]; then
        [ -x "$build/cinch" ] || fail "$build: no cinch is in it"
        note "brought along"
        return
    fi
    local options=(-DCMAKE_BUILD_TYPE=Release -DCINCH_TESTS=ON -DCINCH_CUDA=ON
        "-DCINCH_CUDA_ARCHITECTURES=$(architecture)")
    [ -z "$prefix" ] || options+=("-DCMAKE_PREFIX_PATH=$prefix/usr" "-DOpenBLAS_ROOT=$prefix/openblas")
    have make || options+=(-G Ninja)
    toolkit_has_cublas || take_cublas_of_python
    run cmake -S . -B "$build" "${options[@]}"
    run cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN)"
    note "for architecture $(architecture)"
}

# --- correctness ------------------------------------------------------------------------------------------------------

# Tests that run on any device: those that ctest knows a second time, as cuda_NAME, for the stand-in.
device_tests()
{
    ctest --test-dir "$build" -N -L cuda | sed -nE 's/^ *Test +#[0-9]+: cuda_(.*)/\1/p' | while read -r name; do
        [ "$name" = parity ] || [ ! -x "$build/tests/test_$name" ] || printf '%s\n' "$name"
    done
}

# cuBLASLt writes why it refuses what it is asked for; cinch then takes its own kernels, and nobody would know.
listen_to_cublas() { export CUBLASLT_LOG_LEVEL=1 CUBLASLT_LOG_FILE=$work/$step.cublaslt; rm -f "$work/$step.cublaslt"; }

tell_refusals()
{
    [ -s "$work/$step.cublaslt" ] || return 0
    say "What cuBLASLt refused, and how often:"
    sed -E 's/^(\[[^]]*\])*\[/[/' "$work/$step.cublaslt" | sort | uniq -c | sort -rn | head -n 20
}

# A leg that skipped anything has not shown what it should. What fails does not keep the other tests from running.
step_parity()
{
    local name counts tests failed=''
    export CINCH_REQUIRE_CUDA=1 CINCH_TEST_DEVICE=cuda
    listen_to_cublas
    run "$build/tests/test_parity" -j4 2>&1 | tee "$work/parity.txt" || failed+=' parity'
    counts=$(grep '^parity leg: [1-9][0-9]* cases run in [0-9]* calls, 0 skipped' "$work/parity.txt") ||
        failed+=' parity (it skipped cases, or ran none)'
    mapfile -t tests < <(device_tests)
    [ "${#tests[@]}" -gt 0 ] || fail "no other tests for a GPU were built"
    [ "$small" = no ] || tests=(plan)
    for name in "${tests[@]}"; do run "$build/tests/test_$name" -j4 || failed+=" $name"; done
    tell_refusals
    [ -z "$failed" ] || fail "on the GPU these tests failed:$failed"
    note "$counts; tests on the GPU: ${tests[*]}"
}

# Every small case once, and a training of a few steps.
sanitize()
{
    local tool=$1 failed=''
    shift
    local sanitizer=(compute-sanitizer --tool "$tool" --error-exitcode 9 "$@")
    have compute-sanitizer || fail "compute-sanitizer is not here; it comes with the CUDA toolkit"
    run "${sanitizer[@]}" "$build/bench/cinch-bench-ops" --device cuda --once || failed=' the cases of ops'
    run "${sanitizer[@]}" "$build/cinch" train --model dense --data shapes:256 --hidden-sizes 33,17 --latent-dim 5 \
        --dropout 0.1 --batch-size 32 --max-steps 8 --device cuda --quiet --out "$work/$tool" --overwrite ||
        failed+=' a training'
    [ -z "$failed" ] || fail "$tool found something in:$failed"
    note "clean: $(grep -o '[0-9]* rows ran' "$work/$step.log"), and a training"
}

# cuBLASLt's kernels synchronise in ways that are taken for hazards. Initcheck must see them: of other writes it does
# not know.
own_kernels()
{
    local name
    for name in cublas cutlass gemm xmma nvjet splitK; do printf '%s\n' --kernel-name-exclude "kns=$name"; done
}

step_memcheck() { sanitize memcheck --leak-check full; }
step_initcheck() { sanitize initcheck; }
# shellcheck disable=SC2046
step_racecheck() { sanitize racecheck $(own_kernels); }
# shellcheck disable=SC2046
step_synccheck() { sanitize synccheck $(own_kernels); }

# train_dense OUT OPTION...: logs every step.
train_dense()
{
    local out=$1
    shift
    run "$build/cinch" train --model dense "${model[@]}" --data "$data" --batch-size "$batch" --seed 1 --log-every 1 \
        --quiet --out "$out" --overwrite "$@"
}

# Strict f32 differs by the order of sums, and what Adam makes of it; the others also by where rounding falls.
step_train()
{
    local precision first rest on runs figures=''
    while read -r precision first rest; do
        for on in cpu cuda; do
            train_dense "$work/train-$precision-$on" --device "$on" --precision "$precision" --max-steps "$train_steps"
        done
        runs=("$work/train-$precision-cpu" "$work/train-$precision-cuda")
        figures+="$precision: $(python3 scripts/gpu/curves.py "${runs[@]}" --first "$first" --rest "$rest" \
            --steps "$train_steps"); "
    done <<'END'
f32 1e-4 1e-2
tf32 2e-3 3e-2
bf16 1e-2 5e-2
END
    note "${figures%; }"
}

# The stop falls into an epoch. The first step of the resumed run is not a replay; that of the other run is.
step_resume()
{
    local options=(--device cuda --dropout 0.1) stop=$((train_steps / 2 + 3)) figures
    train_dense "$work/whole" "${options[@]}" --max-steps "$train_steps"
    train_dense "$work/parts" "${options[@]}" --max-steps "$stop"
    run "$build/cinch" train --resume "$work/parts" --max-steps "$train_steps" --quiet
    figures=$(python3 scripts/gpu/curves.py "$work/whole" "$work/parts" --same --steps "$train_steps")
    cmp "$work/whole/model.safetensors" "$work/parts/model.safetensors"
    note "stopped after step $stop: $figures, weights the same"
}

step_replay()
{
    export CINCH_REQUIRE_CUDA=1 CINCH_TEST_DEVICE=cuda
    run "$build/tests/test_replay" -j1
    note "weights, moments and metrics of plain, recorded and replayed steps are the same bytes, in f32, tf32 and bf16"
}

# --- speed ------------------------------------------------------------------------------------------------------------

# bench/... in Python, which keeps its own libraries.
run_python()
{
    printf '%s\n' "python3 $*" >> "$work/$step.commands"
    "$python" "$@"
}

step_ops()
{
    local program=("$build/bench/cinch-bench-ops" --device cuda --json "${ops[@]}") figures
    run_python bench/peer_torch.py peaks --device cuda --json > "$work/peaks.json"
    report machine "$work/peaks.json"
    run "${program[@]}" --ms "$ops_ms" --large > "$work/ops-large.json"
    run "${program[@]}" --ms 2 > "$work/ops-small.json"
    figures=$(report ops "$work/peaks.json" "$work/ops-large.json" "$work/ops-small.json")
    note "$figures"
}

# step_dense PRECISION BATCH: in small batches launches count, in large ones products. Timed for about a second a round.
step_dense()
{
    local size=$2 stretches=$((250000 / $2 + 85)) figures options
    [ "$small" = no ] || size=8 stretches=3
    options=(dense --device cuda --precision "$1" --batch-size "$size" --rounds "$rounds" --steps "$stretches")
    printf '%s\n' "bench/compare.sh ${options[*]}" >> "$work/$step.commands"
    CINCH=$cinch PYTHON=$python bench/compare.sh "${options[@]}" --json > "$work/$step.json"
    figures=$(report dense "$work/$step.json")
    note "$figures"
}
