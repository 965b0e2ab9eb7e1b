#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build and uses it from outside: with find_package(cinch), with pkg-config, and from C++.
# Usage: test_install.sh BUILD-FOLDER
set -euo pipefail

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" >"$work/log" || { cat "$work/log"; exit 1; }

mkdir "$work/outside"
cat >"$work/outside/main.c" <<'END'
#include <cinch/cinch.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    puts(cinch_version());
    return strcmp(cinch_version(), CINCH_VERSION) != 0;
}
END
cat >"$work/outside/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.18)
project(outside C)
find_package(cinch REQUIRED)
add_executable(outside main.c)
target_link_libraries(outside cinch::cinch)
END

cmake -S "$work/outside" -B "$work/outside/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
    cmake --build "$work/outside/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/outside/build/outside"

# The file's prefix is that of configure time: name the one it was installed to.
pkgconfig=$(dirname "$(find "$prefix" -name cinch.pc)")
export PKG_CONFIG_PATH=$pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -r -a flags <<<"$(pkg-config --define-variable=prefix="$prefix" --cflags --libs cinch)"
"${CC:-cc}" "$work/outside/main.c" -o "$work/by_pkg_config" "${flags[@]}"
LD_LIBRARY_PATH=$(dirname "$pkgconfig") "$work/by_pkg_config"

# Every public header stands alone, in C and in C++.
for header in "$prefix"/include/cinch/*.h; do
    for language in c c++; do
        printf '#include <cinch/%s>\n' "${header##*/}" |
            "${CC:-cc}" -x $language -Wall -Wextra -Werror -fsyntax-only -I"$prefix/include" -
    done
done
echo "installed and used"
