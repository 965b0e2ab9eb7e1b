#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that what cinch is built from is installed; demo.sh and test.sh call it first.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

usage()
{
    cat <<'END'
Usage: scripts/setup.sh [-y] [--tests] [--no-install]

Finds what is missing to build cinch and offers to install it.
  -y, --yes      install without asking; so does CI=1 or CI=true
  --tests        also what the tests need
  --no-install   check nothing and install nothing: the libraries are elsewhere, CMake is to find them
END
}

# package, alternatives that do as well, (t)ests only or (o)ptional or (r)equired, name for pkg-config, why
dependencies()
{
    cat <<END
build-essential|-|r|-|the C compiler, make and the C library's headers
cmake|-|r|-|configures the build (3.18 or newer)
pkg-config|pkgconf|r|-|tells CMake where libraries are
libopenblas-dev|libopenblas-pthread-dev libopenblas-openmp-dev libopenblas-serial-dev|\
r|openblas|matrix products on the CPU
libjansson-dev|-|r|jansson|strict JSON: configurations, metrics, safetensors headers
zlib1g-dev|-|r|zlib|reads data sets that are compressed with gzip
libpng-dev|-|r|libpng|writes the pictures of a run
libcriterion-dev|-|t|criterion|runs the tests
dataset-fashion-mnist|-|o|-|the images that the main job trains on (without it: the generator \`shapes\`)
END
}

assume_yes=no with_tests=no

installed()   # any of the packages named
{
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed && return 0
    done
    return 1
}

# Fills the arrays missing (packages) and reasons, and need_required when one of them is not optional.
find_missing()
{
    missing=() reasons=() need_required=no
    local package others kind module why
    while IFS='|' read -r package others kind module why; do
        [ "$kind" = t ] && [ "$with_tests" = no ] && continue
        [ "$kind" = o ] && data_is_here && continue
        # shellcheck disable=SC2086
        installed "$package" ${others/#-/} && continue
        missing+=("$package") reasons+=("$why")
        [ "$kind" = o ] || need_required=yes
    done < <(dependencies)
}

list_missing()
{
    local i
    for i in "${!missing[@]}"; do printf '  %-22s %s\n' "${missing[i]}" "${reasons[i]}"; done
}

# A package whose repository is off or out of reach must not stop the rest: only the data may be left out.
without_data()
{
    local package
    for package in "${missing[@]}"; do [ "$package" = dataset-fashion-mnist ] || printf '%s\n' "$package"; done
}

explain_no_data()
{
    data_is_here ||
        say "Fashion-MNIST (package dataset-fashion-mnist) is not here:" \
            "the built-in generator \`shapes\` takes its place."
}

agreed()
{
    [ "$assume_yes" = yes ] && return 0
    if [ ! -t 0 ]; then
        [ "$need_required" = yes ] || return 1
        fail "not installing: there is no terminal to ask on. Run the command above, or say -y (or CI=1)."
    fi
    local answer
    read -r -p "Run it now? [Y/n] " answer || answer=n
    case $answer in ''|[Yy]*) return 0 ;; esac
    [ "$need_required" = no ] && return 1
    fail "nothing was installed. If the libraries are elsewhere, say --no-install and CMake will look for them."
}

# The command that is shown is the command that runs.
install_packages()
{
    local required
    export DEBIAN_FRONTEND=noninteractive
    "${apt[@]}" update || say "apt-get update failed (offline?): trying with the package lists that are here."
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" && return 0
    mapfile -t required < <(without_data)
    [ "${#required[@]}" -lt "${#missing[@]}" ] || return 1
    [ "${#required[@]}" -gt 0 ] || return 0
    say "Once more without the data set."
    "${apt[@]}" install -y --no-install-recommends "${required[@]}"
}

setup_debian()
{
    find_missing
    [ "${#missing[@]}" -gt 0 ] || return 0
    local apt=(apt-get) root=yes
    [ "$(id -u)" = 0 ] || root=no
    if [ "$root" = no ] && have sudo; then
        # Without a terminal sudo must fail rather than wait for a password.
        if [ -t 0 ] || [ "$assume_yes" = no ]; then apt=(sudo apt-get); else apt=(sudo -n apt-get); fi
    fi
    say "These Debian packages are not installed:"
    list_missing
    say "This installs them:"
    say "  ${apt[*]} update && ${apt[*]} install -y --no-install-recommends ${missing[*]}"
    if [ "$root" = no ] && ! have sudo; then
        [ "$need_required" = no ] && { explain_no_data; return 0; }
        fail "not root, and there is no sudo: run the command above as root, then this again."
    fi
    if agreed && ! install_packages; then
        [ "$need_required" = no ] || fail "apt-get could not install them; see its messages above."
    fi
    explain_no_data
}

# Elsewhere the packages' names differ: say what is not found, stop only where nothing can be built.
setup_elsewhere()
{
    local package others kind module why absent=() stop=no
    have cc || have gcc || have clang || { absent+=("a C11 compiler: builds cinch"); stop=yes; }
    have make || have ninja || { absent+=("make or ninja: runs the build"); stop=yes; }
    have cmake || { absent+=("cmake: configures the build (3.18 or newer)"); stop=yes; }
    have pkg-config || { absent+=("pkg-config: tells CMake where libraries are"); stop=yes; }
    while IFS='|' read -r package others kind module why; do
        [ "$module" = - ] && continue
        [ "$kind" = t ] && [ "$with_tests" = no ] && continue
        have pkg-config && pkg-config --exists "$module" || absent+=("$module, with its headers: $why")
    done < <(dependencies)
    if [ "${#absent[@]}" -gt 0 ]; then
        say "This is not Debian, so nothing is installed. Not found here:"
        printf '  %s\n' "${absent[@]}"
        [ "$stop" = no ] || fail "install them, then run this again."
        say "Going on: CMake may find the libraries (-DOpenBLAS_ROOT=..., CMAKE_PREFIX_PATH=...)."
    fi
    explain_no_data
}

case ${CI:-} in 1|true) assume_yes=yes ;; esac
while [ $# -gt 0 ]; do
    case $1 in
    -y|--yes) assume_yes=yes ;;
    --tests) with_tests=yes ;;
    --no-install) explain_no_data; exit 0 ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

if have dpkg-query && have apt-get; then setup_debian; else setup_elsewhere; fi
