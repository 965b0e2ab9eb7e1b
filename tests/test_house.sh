#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/check_layers.sh and check_symbols.sh find each thing they are there to find, and pass a tree without any.
# Usage: test_house.sh SOURCE-FOLDER
set -euo pipefail

scripts=$(cd "$1/scripts" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

failed() { printf '%s\n' "$1"; failures=$((failures + 1)); }

# put PATH TEXT: a file of the tree under test, with its SPDX line.
put()
{
    mkdir -p "$work/tree/$(dirname "$1")"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n%b\n' "$2" >"$work/tree/$1"
}

clean_tree()
{
    rm -rf "$work/tree"
    put src/core/graph.c \
        '#include <cinch/graph.h>\n#include "core/node.h"\n#include "node.h"\nint f(void)\n{\n    return 1;\n}'
    put src/core/status.h '#include <cinch/status.h>'
    put src/cpu/matmul.c '#include <cblas.h>\n#include "core/backend.h"\n#include "core/ops.def"\n#include "cpu/pool.h"'
    put src/models/dense.c '#include <cinch/ops.h>\n#include "core/options.h"\n#include "models/family.h"'
    put src/cli/main.c '#include <cinch/cinch.h>\n#include "cli/verb.h"\n#include <jansson.h>'
    put include/cinch/graph.h '#include <cinch/status.h>'
}

# function_of LINES: a function that long, from its signature to its brace.
function_of() { printf 'int long_one(void)\\n{\\n'; printf '    work();\\n%.0s' $(seq $(($1 - 3))); printf '}\\n'; }

# comment_of CHARACTERS CHARACTER: a comment that long, of that character.
comment_of() { printf '/* '; printf "$2%.0s" $(seq $(($1 - 6))); printf ' */'; }

passes()   # what
{
    "$scripts/check_layers.sh" "$work/tree" >"$work/out" && return 0
    failed "refused: $1"
    cat "$work/out"
}

refuses()   # text that must be printed, file, content
{
    clean_tree
    put "$2" "$3"
    if "$scripts/check_layers.sh" "$work/tree" >"$work/out"; then
        printf 'not refused: %s in %s\n' "$3" "$2"
    elif ! grep -qF -- "$1" "$work/out"; then
        printf 'refused %s in %s, but did not print "%s":\n' "$3" "$2" "$1"
        cat "$work/out"
    else
        return 0
    fi
    failures=$((failures + 1))
}

clean_tree
passes "a clean tree"

refuses 'src/cpu/a.c:2: may not include core/node.h' src/cpu/a.c '#include "core/node.h"'
refuses 'may not include cinch/graph.h' src/cpu/a.c '  #  include <cinch/graph.h>'
refuses 'may not include cuda/k.h' src/cpu/a.c '#include "cuda/k.h"'
refuses 'may not include core/node.h' src/models/a.c '#include "core/node.h"'
refuses 'may not include cinch/train.h' src/models/a.c '#include <cinch/train.h>'
refuses 'may not include train/fit.h' src/core/a.c '#include "train/fit.h"'
refuses 'may not include cinch/train.h' src/core/a.c '#include <cinch/train.h>'
refuses 'may not include core/node.h' src/core/backend.h '#include "core/node.h"'
refuses 'may not include core/status.h' src/cli/a.c '#include "core/status.h"'
refuses 'may not include core/node.h' include/cinch/a.h '#include "core/node.h"'
refuses 'write the path from src/' src/cpu/a.c '#include "../core/node.h"'
refuses 'no rule for src/extra/' src/extra/a.c 'int a;'
refuses 'Headers named like a standard one' src/core/time.h 'int a;'
refuses 'Headers named like a standard one' include/cinch/threads.h 'int a;'
refuses 'Traces of a machine' src/core/a.c '/* see /ho''me/me/notes */'
refuses 'Traces of a machine' src/core/a.c '/* FIX''ME */'
refuses '61 lines  src/core/a.c:2  long_one' src/core/a.c "$(function_of 61)"
refuses '701 lines' src/core/a.c "$(printf '\\n%.0s' $(seq 699))"

clean_tree
printf 'int a;\n' >"$work/tree/src/core/bare.c"
if "$scripts/check_layers.sh" "$work/tree" >"$work/out" || ! grep -q 'src/core/bare.c' "$work/out"; then
    failed "a file without an SPDX line was not refused"
fi

clean_tree
put src/core/a.c "$(function_of 60)"
passes "a function of 60 lines"
grep -q '60 lines  src/core/a.c' "$work/out" || failed "a function of 60 lines was not reported"

# The letter of two bytes is one character, whatever the locale.
for locale in C C.UTF-8; do
    export LC_ALL=$locale
    for letter in a '\303\251'; do
        refuses 'src/core/a.c:2: 121 characters' src/core/a.c "$(comment_of 121 "$letter")"
        clean_tree
        put src/core/a.c "$(comment_of 120 "$letter")"
        passes "a line of 120 characters in $locale"
    done
done
unset LC_ALL
for name in scripts/a.sh scripts/a.in src/report/a.js src/CMakeLists.txt tests/a.py; do
    refuses "$name:2: 121 characters" "$name" "$(comment_of 121 a)"
done
clean_tree
for name in docs/a.c docs/a.md README.md tests/fixtures/a.py; do put "$name" "$(comment_of 200 a)"; done
passes "long lines of texts and fixtures"

printf 'int cinch_a(void) { return 0; }\n' >"$work/good.c"
printf 'int cinch_a(void) { return 0; }\nint other(void) { return 0; }\n' >"$work/bad.c"
for name in good bad; do "${CC:-cc}" -shared -fPIC "$work/$name.c" -o "$work/$name.so"; done
"$scripts/check_symbols.sh" "$work/good.so" >/dev/null || failed "a good library was refused"
if "$scripts/check_symbols.sh" "$work/bad.so" >/dev/null; then failed "a bad library passed"; fi

"$scripts/check_symbols.sh" "$work/good.so" cinch_a >/dev/null || failed "the one export was refused"
for names in cinch_b "cinch_a cinch_b"; do
    # shellcheck disable=SC2086
    if "$scripts/check_symbols.sh" "$work/good.so" $names >/dev/null; then
        failed "exports other than $names passed"
    fi
done

# A compiler within its time, one that fails, one that is too slow.
# shellcheck disable=SC2016
busy='for ((i = 0; i < 300000; i++)); do :; done'
limited() { "$scripts/time_limit.sh" "$@" >"$work/out" 2>&1; }
limited 60 bash -c 'echo compiled' - a/kernel.cu && grep -qx 'kernel.cu took [0-9.]* s' "$work/out" &&
    grep -qx compiled "$work/out" || failed "a quick compiler was refused"
status=0
limited 60 bash -c 'exit 7' || status=$?
[ "$status" = 7 ] || failed "a failing compiler ended with $status"
if limited 0.05 bash -c "$busy" - kernel.cu ||
    ! grep -q '^kernel.cu took .* at most 0.05 s are allowed' "$work/out"; then
    failed "a slow compiler passed"
fi

[ "$failures" = 0 ] && echo "all found"
[ "$failures" = 0 ]
