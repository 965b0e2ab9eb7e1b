#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pack.sh FOLDER: leaves the Debian packages that cinch is built with there, unpacked, for a machine that has neither
# them nor a package registry: `gpu_check.sh --prefix FOLDER`. Nothing is installed here.
set -euo pipefail

development=(libopenblas-pthread-dev libjansson-dev libpng-dev zlib1g-dev libcriterion-dev pkgconf)
runtime=(libopenblas0-pthread libjansson4 libpng16-16 zlib1g libcriterion3 pkgconf-bin)
# Whatever compiles has these, and they must be its own.
never='^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1|gcc-.*-base|libc-.*|linux-.*)$'

# The packages that these need, themselves included.
with_needs()
{
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "$@" | grep '^[a-z0-9]' | grep -vE "$never" | sort -u
}

# Links to /usr/... and pkg-config's prefix=/usr mean the machine that they are on; here they must mean the folder. What
# libraries need for themselves matters to static linking alone.
make_relocatable()
{
    local link file up
    find . -type l -lname '/*' | while read -r link; do
        ln -sfn "$(realpath -sm --relative-to "$(dirname "$link")" ".$(readlink "$link")")" "$link"
    done
    find . -name '*.pc' | while read -r file; do
        up=$(realpath -sm --relative-to "$(dirname "$file")" usr)
        sed -i -e '/^Requires.private/d' -e "s|^prefix=/usr\$|prefix=\${pcfiledir}/$up|" "$file"
    done
    mkdir -p openblas
    ln -sfn "../usr/lib/$triplet/openblas-pthread" openblas/lib
    ln -sfn "../usr/include/$triplet/openblas-pthread" openblas/include
}

[ $# = 1 ] || { echo 'usage: pack.sh FOLDER' >&2; exit 2; }
command -v apt-get > /dev/null || { echo 'pack.sh: needs apt-get, which is not here' >&2; exit 1; }
triplet=$(cc -dumpmachine)
mkdir -p "$1/packages"
cd "$1"
mapfile -t needs < <(with_needs "${runtime[@]}")
(cd packages && apt-get -q download "${development[@]}" "${needs[@]}")
for package in packages/*.deb; do dpkg -x "$package" .; done
make_relocatable
# What neither the build nor its programs open.
rm -rf packages usr/share etc usr/lib/"$triplet"/{engines-3,ossl-modules,krb5} openblas/lib/lib{blas,lapack}.*
find . -name '*.a' -delete
printf '%s in %s\n' "$(du -sh . | cut -f 1)" "$1"
