#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/setup.sh with a dpkg-query, apt-get, id and sudo that only pretend: what is asked, printed and run, and when.
# Usage: test_setup.sh SOURCE-FOLDER
set -euo pipefail

setup=$(cd "$1/scripts" && pwd)/setup.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# pretend FOLDER NAME BODY: a command of that name, in a folder of its own for PATH.
pretend()
{
    mkdir -p "$work/$1"
    printf '#!/usr/bin/env bash\n%s\n' "$3" >"$work/$1/$2"
    chmod +x "$work/$1/$2"
}
# shellcheck disable=SC2016
pretend debian dpkg-query 'case " $MISSING " in *" ${*: -1} "*) exit 1 ;; esac; echo installed'
# shellcheck disable=SC2016
pretend debian apt-get 'echo "apt-get $*" >>"$CALLS"
for word in ${UNAVAILABLE:-}; do case " $* " in *" $word "*) echo "no $word" >&2; exit 100 ;; esac; done
[ "$1" != "${BROKEN:-}" ]'
pretend root id 'echo 0'
pretend user id 'echo 1000'
# shellcheck disable=SC2016
pretend sudo sudo 'echo "sudo $*" >>"$CALLS"; [ "$1" = -n ] && shift; exec "$@"'

# The tools that the script itself uses, without the sudo or the packages of the machine that the test runs on.
mkdir "$work/tools"
for tool in bash env dirname basename cat grep; do ln -s "$(command -v $tool)" "$work/tools/$tool"; done

# attempt WHO PACKAGES [NAME=VALUE]... [-- OPTION...]: runs setup.sh without a terminal; WHO is folders of pretenders.
attempt()
{
    local path=$work/debian settings=() folder
    for folder in $1; do path=$work/$folder:$path; done
    settings=(MISSING="$2" CALLS="$work/calls" CINCH_FASHION_MNIST="$work/none" PATH="$path:$work/tools")
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do settings+=("$1"); shift; done
    [ $# = 0 ] || shift
    : >"$work/calls"
    status=0
    env -u CI "${settings[@]}" "$setup" "$@" </dev/null >"$work/out" 2>&1 || status=$?
}

complain()
{
    printf '%s; status %s, printed:\n%s\nand ran:\n%s\n' "$1" "$status" "$(cat "$work/out")" "$(cat "$work/calls")"
    failures=$((failures + 1))
}

ends_with() { [ "$status" = "$1" ] || complain "should end with status $1"; }
prints() { grep -qF -- "$1" "$work/out" || complain "should print: $1"; }
runs() { [ "$(cat "$work/calls")" = "$1" ] || complain "should run: $1"; }

install="apt-get install -y --no-install-recommends"

attempt root ""
ends_with 0
runs ""

attempt root "libjansson-dev libcriterion-dev"
ends_with 1
prints "apt-get update && $install libjansson-dev"
prints "strict JSON"
prints "no terminal to ask on"
runs ""

attempt root "libjansson-dev libcriterion-dev" CI=1 -- --tests
ends_with 0
runs "apt-get update
$install libjansson-dev libcriterion-dev"

attempt root "zlib1g-dev" CI=true BROKEN=update
ends_with 0
prints "offline?"
runs "apt-get update
$install zlib1g-dev"

attempt root "zlib1g-dev" BROKEN=install -- -y
ends_with 1
prints "apt-get could not install"

attempt "user sudo" "zlib1g-dev" -- -y
ends_with 0
runs "sudo -n apt-get update
apt-get update
sudo -n $install zlib1g-dev
$install zlib1g-dev"

attempt "user sudo" "zlib1g-dev"
ends_with 1
prints "sudo apt-get update && sudo $install zlib1g-dev"
runs ""

attempt user "zlib1g-dev" -- -y
ends_with 1
prints "there is no sudo"
runs ""

attempt root "libopenblas-dev libopenblas-pthread-dev libopenblas-openmp-dev libopenblas-serial-dev" -- -y
runs "apt-get update
$install libopenblas-dev"
attempt root "libopenblas-dev" -- -y
runs ""

# Only the data is missing, or cannot be had: on with the generator.
attempt root "dataset-fashion-mnist"
ends_with 0
prints "shapes"
runs ""
attempt root "dataset-fashion-mnist libpng-dev" UNAVAILABLE=dataset-fashion-mnist -- -y
ends_with 0
prints "takes its place"
runs "apt-get update
$install libpng-dev dataset-fashion-mnist
$install libpng-dev"

# Off Debian nothing is installed; without a compiler nothing goes on.
rm "$work/debian/apt-get"
attempt root "" -- -y
ends_with 1
prints "a C11 compiler"
for tool in cc make cmake; do pretend tools $tool ''; done
# shellcheck disable=SC2016
pretend tools pkg-config '[ "$2" != jansson ]'
attempt root "" -- -y
ends_with 0
prints "jansson, with its headers"

[ "$failures" = 0 ] && echo "all as documented"
[ "$failures" = 0 ]
