#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# take_object.sh FOLDER FOREIGN NVCC ARGUMENT... -c FILE.cu -o OBJECT: compiles nothing, but finds every header with the
# arguments given, none of them in the folder FOREIGN, and takes the object of that name from FOLDER.
set -euo pipefail

folder=$1 foreign=$2
shift 2
source=${*: -3:1} object=${*: -1}
read -r -d '' -a headers < <("${@:1:$#-4}" -M "$source" && printf '\0')
for header in "${headers[@]}"; do
    case $header in "$foreign"/*) echo "$source includes $header" >&2; exit 1 ;; esac
done
[ "${#headers[@]}" -gt 10 ] || { echo "$source: nvcc -M says nothing" >&2; exit 1; }
cp "$folder/${object##*/}" "$object"
