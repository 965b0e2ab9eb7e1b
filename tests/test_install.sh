#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build and uses it from outside: C and C++ projects by find_package(cinch), pkg-config and add_subdirectory,
# with the shared and the static library; headers, manual pages and completion.
# Usage: test_install.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail

source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

run() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }

run cmake --install "$build" --prefix "$prefix"

mkdir "$work/outside"
cat >"$work/outside/main.c" <<'END'
#include <cinch/cinch.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    cinch_graph *g;
    if (cinch_graph_create(&g)) return 1;
    cinch_graph_free(g);
    puts(cinch_version());
    return strcmp(cinch_version(), CINCH_VERSION) != 0;
}
END
sed 's/int main(void)/int main()/' "$work/outside/main.c" >"$work/outside/main.cpp"

# project NAME HOW-TO-FIND: a C and a C++ program that link cinch::cinch
project()
{
    mkdir "$work/$1"
    cp "$work"/outside/main.* "$work/$1"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.18)' 'project(outside C CXX)' "$2" 'add_executable(in_c main.c)' \
        'add_executable(in_cpp main.cpp)' 'target_link_libraries(in_c cinch::cinch)' \
        'target_link_libraries(in_cpp cinch::cinch)' >"$work/$1/CMakeLists.txt"
    shift 2
}

for kind in shared static; do
    project $kind 'find_package(cinch REQUIRED)'
    run cmake -S "$work/$kind" -B "$work/$kind/build" -DCMAKE_PREFIX_PATH="$prefix" -DCINCH_KIND=$kind
    run cmake --build "$work/$kind/build"
    run "$work/$kind/build/in_c"
    run "$work/$kind/build/in_cpp"
done
ldd "$work/shared/build/in_c" | grep libcinch.so >/dev/null
! ldd "$work/static/build/in_c" | grep libcinch.so

# The file's prefix is that of configure time: name the one it was installed to.
pkgconfig=$(dirname "$(find "$prefix" -name cinch.pc)")
export PKG_CONFIG_PATH=$pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -r -a flags <<<"$(pkg-config --define-variable=prefix="$prefix" --cflags --libs cinch)"
run "${CC:-cc}" "$work/outside/main.c" -o "$work/by_pkg_config" "${flags[@]}"
LD_LIBRARY_PATH=$(dirname "$pkgconfig") run "$work/by_pkg_config"
read -r -a flags <<<"$(pkg-config --static --define-variable=prefix="$prefix" --cflags --libs cinch)"
run "${CC:-cc}" "$work/outside/main.c" -o "$work/static_by_pkg_config" \
    "${flags[@]/-lcinch/$(dirname "$pkgconfig")/libcinch.a}"
run "$work/static_by_pkg_config"

# As a part of another project, and as small as it can be: for the CPU, shared, no command, no tests. It says how large
# it is, computes, and takes no library but those that the README names.
project inside "add_subdirectory($source cinch)"
printf '%s\n' "add_executable(by_hand $source/examples/by_hand.c)" 'target_link_libraries(by_hand cinch::cinch)' \
    >>"$work/inside/CMakeLists.txt"
inside=$work/inside/build
run cmake -S "$work/inside" -B "$inside" -DCINCH_CUDA=OFF -DCINCH_CLI=OFF -DBUILD_SHARED_LIBS=ON \
    -DCMAKE_BUILD_TYPE=Release
run cmake --build "$inside" --parallel 2
run "$inside/in_c"
run "$inside/by_hand"
ldd "$inside/by_hand" | grep libcinch.so >/dev/null
[ ! -e "$inside/cinch/cinch" ]
[ ! -e "$inside/cinch/tests" ]
[ ! -e "$inside/cinch/examples" ]
! grep -qi criterion "$inside/CMakeCache.txt"
library=$(readlink -f "$inside/cinch/libcinch.so")
needed=$(LC_ALL=C readelf -d "$library" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
others=$(grep -vE '^(lib(openblas|jansson|z|png[0-9]*|m|c|pthread|dl)|ld-linux[^.]*)\.so' <<<"$needed" || true)
[ -z "$others" ] || { echo "the minimal library needs $others"; exit 1; }
unused=$(ldd -u "$library" | grep '\.so' || true)
[ -z "$unused" ] || { echo "the minimal library is linked with what it does not use: $unused"; exit 1; }
cp "$library" "$work/stripped"
strip "$work/stripped"
echo "minimal build: libcinch.so has $(stat -c %s "$work/stripped") bytes, stripped, and needs ${needed//$'\n'/ }"

# With its command, which then is linked with the shared library; with the static one, unless asked for.
run cmake -S "$work/inside" -B "$inside" -DCINCH_CLI=ON
run cmake --build "$inside" --parallel 2 --target cinch_command
run "$inside/cinch/cinch" --version
ldd "$inside/cinch/cinch" | grep libcinch.so >/dev/null
grep -q '^BUILD_SHARED_LIBS:BOOL=ON' "$build/CMakeCache.txt" || ! ldd "$prefix/bin/cinch" | grep libcinch.so

# Every public header stands alone, in C11 and in C++11.
for header in "$prefix"/include/cinch/*.h; do
    for standard in c11 c++11; do
        printf '#include <cinch/%s>\nextern int nothing;\n' "${header##*/}" |
            "${CC:-cc}" -x "${standard%11}" -std=$standard -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
                -I"$prefix/include" -
    done
done

# One manual page for each verb, without complaints of the formatter where there is one; completion that bash reads.
for verb in $("$prefix/bin/cinch" --help | awk '/^  [a-z]/ { print $1 }'); do
    page=$prefix/share/man/man1/cinch-$verb.1
    [ -s "$page" ] || { echo "no manual page for $verb"; exit 1; }
    if command -v groff >/dev/null; then [ -z "$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null)" ]; fi
done
completions()   # WORD...: what is offered for the last one
{
    # shellcheck disable=SC2016
    bash -c '. "$1"; shift; COMP_WORDS=(cinch "$@"); COMP_CWORD=$#; _cinch; echo "${COMPREPLY[@]}"' - \
        "$prefix/share/bash-completion/completions/cinch" "$@"
}
[ "$(completions recon)" = reconstruct ]
[ "$(completions train --optimizer ada)" = "adam adamw adagrad" ]
[ "$(completions train --overw)" = --overwrite ]
echo "installed and used"
