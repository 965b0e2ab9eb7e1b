#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CUDA module as it is installed: the command finds it; without its libraries the command says so and works on; and
# its sources build alone against the installed cinch, but not with a kernel missing. Kernels are not compiled again.
# Usage: test_module_install.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
shopt -s inherit_errexit

source=$(cd "$1" && pwd) build=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
export LC_ALL=C
unset CINCH_BACKEND_PATH

fail() { printf '%s\n' "$1"; [ ! -s "$work/log" ] || tail -n 30 "$work/log"; exit 1; }
logged() { "$@" >"$work/log" 2>&1; }
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

# loads COMMAND: the module is there and of this build; whether there is a GPU is another matter.
loads() { "$1" devices | grep -E '^cuda:0 |^cuda +not usable: (no NVIDIA driver|the NVIDIA driver|the GPUs cannot)'; }

logged cmake --install "$build" --prefix "$prefix" || fail "cmake --install failed"
module=$(find "$prefix" -name libcinch_cuda.so)
[ "${module#"$prefix"/}" = "$(cached CMAKE_INSTALL_LIBDIR)/cinch/libcinch_cuda.so" ] ||
    fail "the module is in '$module'"
command=$prefix/$(cached CMAKE_INSTALL_BINDIR)/cinch
[ -x "$command" ] || command=$build/cinch
loads "$command" || fail "the installed command does not load the module"

# --- on a machine without CUDA's libraries the same package says what is missing
mkdir "$work/bare"
sed 's/libcublasLt\.so/libabsentXX.so/g' "$module" >"$work/bare/libcinch_cuda.so"
export CINCH_BACKEND_PATH=$work/bare
"$command" devices >"$work/log" 2>&1 || fail "devices fails without the libraries"
grep -qE '^cuda +not usable: the backend for GPUs needs libabsentXX.so\.[0-9]+, which is not here' "$work/log" ||
    fail "the missing library is not named"
[ "$(wc -l <"$work/log")" = 2 ] || fail "more than a line for each device"
logged "$command" train --data shapes:40 --hidden-sizes 8 --latent-dim 2 --epochs 1 --out "$work/run" ||
    fail "the CPU does not train without the libraries"
unset CINCH_BACKEND_PATH

# --- alone, against what is installed
cp -r "$source/src/cuda" "$work/kernels"
alone()
{
    logged cmake -S "$work/kernels" -B "$work/alone" -DCMAKE_PREFIX_PATH="$prefix" -DCINCH_WERROR=ON \
        -DCMAKE_CUDA_COMPILER="$(cached CINCH_CUDA_NVCC)" \
        -DCINCH_CUDA_ARCHITECTURES="$(cached CINCH_CUDA_ARCHITECTURES)" \
        -DCMAKE_CUDA_COMPILER_LAUNCHER="$source/tests/module/take_object.sh;$build/src/cuda;$source" &&
        cmake --build "$work/alone" >"$work/log" 2>&1
}
alone || fail "src/cuda does not build alone"
"$source/scripts/check_symbols.sh" "$work/alone/lib/cinch/libcinch_cuda.so" cinch_backend_module
logged cmake --install "$work/alone" --prefix "$work/second" || fail "what was built alone cannot be installed"
CINCH_BACKEND_PATH=$(dirname "$(find "$work/second" -name libcinch_cuda.so)")
export CINCH_BACKEND_PATH
loads "$command" || fail "the command does not load what was built alone"

# --- a backend is total, or it does not link
rm "$work/kernels/cast.cu"
! alone || fail "the module links without a kernel"
grep -q 'undefined reference to .cinch_cuda_run_cast' "$work/log" || fail "the linker does not name the missing kernel"
echo "installed, alone and without libraries"
