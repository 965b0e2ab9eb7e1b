#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Damaged files end with exit code 3, outputs that cannot be written with 6, each with one line, nothing half-written.
. "$(dirname "$0")/cli/common.sh"

small_run run
"$cinch" encode run --data shapes:20 --out z.npy --quiet || fail 'no codes'

# --- arrays
npy() { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$1"; }
: > empty.npy
expect 3 '^cinch: empty.npy: ' inspect empty.npy
head -c 100 z.npy > short.npy
expect 3 '^cinch: short.npy: ' inspect short.npy
head -c -1 z.npy > short.npy
expect 3 '^cinch: short.npy: 1 bytes? short' inspect short.npy
expect 3 '^cinch: short.npy: ' train --data short.npy --out t
expect 3 '^cinch: short.npy: ' decode run --data short.npy --out t.npy
{ cat z.npy; printf x; } > long.npy
expect 3 '^cinch: long.npy: 1 bytes? left over' inspect long.npy
npy "{'descr': '<f4', 'fortran_order': True, 'shape': (20, 4), }" > fortran.npy
tail -c +129 z.npy >> fortran.npy
expect 3 '^cinch: fortran.npy: .*[Ff]ortran' inspect fortran.npy
npy "{'descr': '<c16', 'fortran_order': False, 'shape': (1, 1), }" > complex.npy
expect 3 '^cinch: complex.npy: ' inspect complex.npy
npy "{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }" > object.npy
expect 3 '^cinch: object.npy: ' inspect object.npy
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }" > huge.npy
expect 3 '^cinch: huge.npy: ' inspect huge.npy
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }" > negative.npy
expect 3 '^cinch: negative.npy: ' inspect negative.npy
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }" > none.npy
expect 3 '^cinch: none.npy: ' inspect none.npy
npy "import os" > code.npy
expect 3 '^cinch: code.npy: ' inspect code.npy
printf '\x93NUMPY\x02\x00\xff\xff\xff\x7f{' > header.npy
expect 3 '^cinch: header.npy: ' inspect header.npy
"$cinch" inspect npy+- < short.npy > out 2> err
judge 3 'standard input: ' $? 'a short pipe'

# --- IDX
mkdir mnist
idx() { printf "\\0\\0\\x08\\x03\\0\\0\\0\\x$1\\0\\0\\0\\x04\\0\\0\\0\\x04"; }
{ idx 0a; head -c 160 /dev/urandom; } > mnist/train-images-idx3-ubyte
{ printf '\x00\x00\x08\x01\x00\x00\x00\x0a'; printf '\x01%.0s' 1 2 3 4 5 6 7 8 9 10; } > mnist/train-labels-idx1-ubyte
expect 0 'idx: 10 samples of 4x4x1 U8, 2 classes' inspect mnist
expect 0 '' train --data mnist --latent-dim 2 --epochs 1 --quiet --out idx
gzip mnist/train-images-idx3-ubyte
expect 0 'idx: 10 samples' inspect mnist
head -c -9 mnist/train-images-idx3-ubyte.gz > cut && mv cut mnist/train-images-idx3-ubyte.gz
expect 3 '^cinch: mnist/train-images-idx3-ubyte.gz: ' inspect mnist
{ idx 0b; head -c 160 /dev/urandom; } | gzip > mnist/train-images-idx3-ubyte.gz
expect 3 '^cinch: mnist/train-images-idx3-ubyte.gz: 16 bytes short of 11 images of 4x4' inspect mnist
{ idx 09; head -c 144 /dev/urandom; } | gzip > mnist/train-images-idx3-ubyte.gz
expect 3 '^cinch: mnist.*labels' inspect mnist
{ printf '\x00\x00\x08\x01\x00\x00\x00\x0a'; head -c 160 /dev/urandom; } | gzip > mnist/train-images-idx3-ubyte.gz
expect 3 '^cinch: mnist/train-images' inspect mnist
rm mnist/train-images-idx3-ubyte.gz
expect 3 '^cinch: mnist: a folder without train-images' inspect mnist
head -c 300 /dev/urandom | tr '\0' x > noise
expect 3 '^cinch: noise: ' train --data noise --out t
printf '\x89HDF\r\n\x1a\n' > data.h5
expect 3 '^cinch: data.h5: .*hdf5|HDF5' train --data data.h5 --out t
expect 2 '^cinch: .*unknown.*npy' inspect nyp+z.npy
expect 2 '^cinch: frob.: unknown data format; there are: idx npy shapes$' inspect frob+z.npy
check 'no run was begun' no_file t

# --- safetensors: what the format forbids (the reader's own tests have the rest)
weights() { printf "\\x$(printf %02x ${#1})\\0\\0\\0\\0\\0\\0\\0%s" "$1"; }
refused() # WHAT HEADER [BYTES]
{
    { weights "$2"; head -c "${3:-4}" /dev/zero; } > bad.safetensors
    expect 3 '^cinch: bad.safetensors: ' inspect bad.safetensors
}
refused 'a hole' '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' 8
refused 'past the end' '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
refused 'bytes left over' '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 5
refused 'an overlap' \
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
refused 'a key twice' \
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}'
refused 'a size that overflows' '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}'
refused 'metadata that is no text' '{"__metadata__":{"a":1}}' 0
refused 'no object' '[]' 0
refused 'no JSON' '{"a":' 0
refused 'bad UTF-8' "$(printf '{"\xff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')"
printf '\xff\xff\xff\xff\xff\xff\xff\x7f{}' > bad.safetensors
expect 3 '^cinch: bad.safetensors: ' inspect bad.safetensors
printf '\x02\0\0' > bad.safetensors
expect 3 '^cinch: bad.safetensors: ' inspect bad.safetensors

# --- run folders
copy() { rm -rf broken && cp -r run broken; }
for keep in 0 7 100 2000 40000; do
    copy && head -c $keep run/model.safetensors > broken/model.safetensors
    expect 3 '^cinch: broken/model.safetensors: ' eval broken
done
copy && { printf '\x02\0\0\0\0\0\0\0{}'; } > broken/model.safetensors
expect 3 '^cinch: broken/model.safetensors: ' eval broken
copy && echo '{"model": 3}' > broken/config.json
expect 3 '^cinch: broken/config.json: ' eval broken
expect 3 '^cinch: broken/config.json: ' train --resume broken
copy && : > broken/config.json
expect 3 '^cinch: broken/config.json: not JSON' inspect broken
expect 3 '^cinch: broken/config.json: not JSON' eval broken
expect 3 '^cinch: broken/config.json: not JSON' bench infer broken
expect 3 '^cinch: broken/config.json: not JSON' train --resume broken
copy && sed -i 's/"latent_dim": [0-9a-z"]*/"latent_dim": 77/' broken/config.json
expect 0 '' inspect broken   # what the model is stands in model.safetensors
copy && head -c 50 run/parts.safetensors > broken/parts.safetensors
expect 3 '^cinch: broken/parts.safetensors: ' eval broken
copy && sed -i 's/shapes:240/shapes:241/' broken/config.json
expect 3 'parts.safetensors: .*240 rows.*241' eval broken
unusable() # WHY: no checkpoint of the run `broken` can be used; it stays as it is
{
    rm -rf before && cp -r broken before
    expect 3 "^cinch: broken/checkpoint/step-12.safetensors: $1.*no checkpoint can be used.*--config" \
        train --resume broken --epochs 3
    check "a run without a usable checkpoint is kept: $1" diff -r before broken
}
copy && for file in broken/checkpoint/*; do head -c 5000 "$file" > cut && mv cut "$file"; done
unusable ''
copy && for file in broken/checkpoint/*; do : > "$file"; done
unusable ''
copy && for file in broken/checkpoint/*; do rm "$file" && mkdir "$file"; done
unusable ''
copy && sed -i 's/"lr": 0.001/"lr": 0.01/' broken/config.json
unusable 'cinch.config is .*config.json was changed since, put it back'
copy && newest=$(ls -v broken/checkpoint/* | tail -n 1) && head -c 5000 "$newest" > cut && mv cut "$newest"
expect 0 "step-12.*an older checkpoint is tried" train --resume broken
check 'the older checkpoint leads to the same end' same run/model.safetensors broken/model.safetensors

# --- outputs
for verb in models 'config --json' devices 'inspect run --json' 'eval run --json' --version --help 'train --help'; do
    # shellcheck disable=SC2086
    "$cinch" $verb > /dev/full 2> err
    judge 6 '^cinch: standard output: cannot write: No space' $? "$verb > /dev/full"
    # shellcheck disable=SC2086
    "$cinch" $verb >&- 2> err
    judge 6 '^cinch: standard output: cannot write: ' $? "$verb, standard output closed"
done
: > out
"$cinch" encode run --data shapes:20 --out - --quiet > /dev/full 2> err
judge 6 '^cinch: ' $? 'encode to a full device'
ln -s /dev/full full.npy
expect 6 '^cinch: full.npy: ' encode run --data shapes:20 --out full.npy
"$cinch" encode run --data shapes:20 --out - >&- 2> err
judge 6 '^cinch: ' $? 'encode with standard output closed'
{ "$cinch" encode run --data shapes:4000 --out - --quiet 2> err; echo $? > code; } | :
check 'a reader that went away' test "$(cat code)" = 6
check 'and says so in one line' one_error_line
"$cinch" train "${small[@]}" --epochs 2 --out closed >&- 2>&- <&-
check 'train needs no standard stream' test $? = 0 -a -s closed/model.safetensors
check 'the same as with them' same run/model.safetensors closed/model.safetensors
"$cinch" eval run --json 2>&- > out
check 'eval without standard error' test $? = 0 -a "$(json part)" = test
# A limit on the size of files stands for a full disk: SIGXFSZ must not end the process.
for blocks in 0 1 8 40 100; do
    # Standard error must not be a file here: the limit would hold for it too.
    { (ulimit -f $blocks; exec "$cinch" train "${small[@]}" --epochs 2 --out "limit-$blocks" 2>&1); echo $? > code; } |
        cat > err
    judge 6 "^cinch: limit-$blocks" "$(cat code)" "ulimit -f $blocks"
    check 'no leftovers' test -z "$([ ! -d limit-$blocks ] || leftovers limit-$blocks)"
    [ -e limit-$blocks/config.json ] || continue
    check 'says what to do' grep -qE "free some space and try again; .*(resume|report) limit-$blocks" err
    expect 0 '' train --resume limit-$blocks --quiet
    check 'resumed to the same end' same run/model.safetensors limit-$blocks/model.safetensors
done
expect 6 '^cinch: run/config.json/below' train "${small[@]}" --out run/config.json/below
expect 6 '^cinch: run/config.json: is a file' train "${small[@]}" --out run/config.json

# --- memory: a limit on the address space, which the address sanitizer's shadow alone exceeds
limits='200000 260000 400000'
! grep -q __asan_init "$cinch" || limits=
for kib in $limits; do
    (ulimit -v $kib; export OPENBLAS_NUM_THREADS=1
     exec "$cinch" train "${small[@]}" --hidden-sizes 4096,4096 --out memory > out 2> err)
    status=$?
    rm -rf memory
    [ $status = 0 ] || judge 4 '^cinch: ' $status "ulimit -v $kib"
done

finish
