#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every test from a fresh machine: install what is missing, build, run them with ctest.
# The last line is "N passed, N failed[, N skipped]"; the exit status says the same.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

# Too slow under the sanitizers, or nothing for them to see there.
sanitizer_leaves_out='^(train|house)$'

usage()
{
    cat <<'END'
Usage: scripts/test.sh [-y] [--no-install] [--sanitize] [-L LABEL]

Builds the tests into build-test/, warnings being errors, and runs them.
Where nvcc is found, the CUDA backend is built too, for CINCH_CUDA_ARCHITECTURES (90).
  --sanitize     then again under ASan and UBSan, in build-sanitize/ (without the labels train and house)
  -L LABEL       only tests with this label: core oracle gradient data train cli fault cuda house
  -y, --yes      install missing packages without asking; so does CI=1 or CI=true
  --no-install   the libraries are elsewhere: install nothing, let CMake find them
END
}

passed=0 failed=0 skipped=0

# Adds up one ctest log: lines like "  3/12 Test  #3: name .......   Passed    0.31 sec".
count()
{
    local p f s
    read -r p f s < <(awk '
        /^ *[0-9]+\/[0-9]+ +Test +#[0-9]+:/ {
            if (/ Passed +[0-9.]+ sec/) p++
            else if (/\*\*\*Skipped|\*\*\*Not Run \(Disabled\)/) s++
            else f++
        }
        END { print p + 0, f + 0, s + 0 }' "$1")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# run_tests FOLDER CTEST-OPTION...: a failing test does not stop the script, a ctest that ran none does.
run_tests()
{
    local folder=$1 log=$1/ctest.log status=0
    shift
    ctest --test-dir "$folder" --output-on-failure --no-tests=error "$@" |
        sed -u '/^ *Start /d' | tee "$log" || status=$?
    local before=$((passed + failed + skipped)) failures=$failed
    count "$log"
    [ $((passed + failed + skipped)) -gt "$before" ] || fail "ctest ran no test in $folder/"
    [ "$status" = 0 ] || [ "$failed" -gt "$failures" ] || fail "ctest stopped with status $status in $folder/"
}

# ctest keeps to itself what passing tests print: this is worth reading all the same.
say_sizes() { grep -h '^minimal build: ' "$1/Testing/Temporary/LastTest.log" || true; }

# A test whose process leaks at its end still passes for Criterion, so what the sanitizers wrote is a check of its own.
check_reports()
{
    local files=("$1"/report.*)
    if [ ! -e "${files[0]}" ]; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    say "The sanitizers wrote ${#files[@]} reports in $1/; the first:"
    head -n 60 "${files[0]}"
}

# Where there is nvcc, the CUDA backend is built, for one architecture; a kernel file may take so many seconds.
kernel_seconds=60
choose_cuda()
{
    cuda=(-DCINCH_CUDA=ON "-DCINCH_CUDA_ARCHITECTURES=${CINCH_CUDA_ARCHITECTURES:-90}"
        "-DCMAKE_CUDA_COMPILER_LAUNCHER=$PWD/scripts/time_limit.sh;$kernel_seconds")
    with_cuda=yes
    have nvcc || [ -x "${CUDACXX:-${CUDAToolkit_ROOT:-${CUDA_HOME:-/usr/local/cuda}}/bin/nvcc}" ] && return 0
    say "There is no CUDA toolkit (nvcc) here: the CUDA backend is not built," \
        "and its sources are not checked with nvcc."
    cuda=(-DCINCH_CUDA=OFF) with_cuda=no
}

# The slowest first; nothing where all of them were up to date.
list_compile_times()
{
    sed -nE 's/^(.*\.cu) took ([0-9.]+) s$/\2 \1/p' "$1" | sort -rn |
        awk '{ printf "%s%s %s s", (NR > 1 ? ", " : ""), $2, $1 }'
}

setup_options=(--tests) labels=() sanitize=no
while [ $# -gt 0 ]; do
    case $1 in
    -y|--yes|--no-install) setup_options+=("$1") ;;
    --sanitize) sanitize=yes ;;
    -L) [ $# -gt 1 ] || { usage >&2; exit 2; }; labels=(-L "^($2)\$"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

scripts/setup.sh "${setup_options[@]}"
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN)}

choose_cuda
build build-test -DCMAKE_BUILD_TYPE=Release -DCINCH_TESTS=ON -DCINCH_WERROR=ON "${cuda[@]}"
[ "$with_cuda" = no ] || say "Kernels, by the time that nvcc took: $(list_compile_times build-test/build.log)"
run_tests build-test "${labels[@]}"
say_sizes build-test

if [ "$sanitize" = yes ]; then
    # The sanitizers make gcc warn where nothing is wrong; the first tree has refused the real warnings.
    build build-sanitize -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCINCH_TESTS=ON -DCINCH_SANITIZE=address,undefined \
        -DCINCH_CUDA=OFF
    reports=$PWD/build-sanitize/reports
    rm -rf "$reports" && mkdir -p "$reports"
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:log_path=$reports/report
    export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$reports/report
    run_tests build-sanitize "${labels[@]}" -LE "$sanitizer_leaves_out"
    check_reports "$reports"
fi

summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
say "$summary"
[ "$failed" = 0 ]
