# SPDX-License-Identifier: Apache-2.0
# Sourced by the drivers that make calls fail: `. fault/common.sh`. See shim.c for what can fail.
# shellcheck shell=bash source=tests/cli/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh"

shim=$(dirname "$cinch")/fault_shim.so
[ -e "$shim" ] || { echo "no $shim"; exit 77; }
if ldd "$cinch" | grep -qE 'lib[a-z]+san'; then echo 'the sanitizers bring their own malloc'; exit 77; fi

# with_fault CLASS AT ARGUMENT...: runs the command with a call that fails; leaves status, calls and leaks. A class with
# a + behind it: all calls from that one on.
with_fault()
{
    local class=${1%+} at=$2 on=()
    [ "$class" = "$1" ] || on=(FAULT_ON=1)
    shift 2
    rm -f report
    timeout 60 env "${on[@]}" FAULT_CLASS="$class" FAULT_AT="$at" FAULT_REPORT="$work/report" LD_PRELOAD="$shim" \
        "$cinch" "$@" > out 2> err < /dev/null
    status=$?
    calls=- leaks=-
    [ ! -s report ] || read -r calls leaks < report
}

# Which numbers to try: the first 40 (20 with many < 20), then about so many more over the rest, and the last ones.
points() # TOTAL MANY
{
    awk -v total="$1" -v many="$2" 'BEGIN {
        all = many < 20 ? 20 : 40
        for (i = 1; i <= all && i <= total; i++) print i
        step = (total - all) / many
        if (step < 1) step = 1
        for (x = all + 1; x <= total - 8; x += step) print int(x)
        for (i = total - 7; i <= total; i++) if (i > all) print i
    }' | sort -nu
}

# may_fail CODES WHAT: nothing came of the fault, or there was one line and one of these exit codes; nothing leaked.
may_fail()
{
    checks=$((checks + 1))
    if [ "$leaks" = - ]; then fail "$2: exit code $status, main did not return"; return 1; fi
    [ "$leaks" = 0 ] || fail "$2: $leaks blocks were not freed"
    if [ "$status" = 0 ]; then
        [ ! -s err ] || fail "$2: succeeded, and said something in spite of --quiet"
        return 0
    fi
    case " $1 " in *" $status "*) ;; *) fail "$2: exit code $status" ;; esac
    one_error_line || fail "$2: exit code $status, but not one line of error"
    return 1
}

# Vectors of four numbers, so that nothing takes long.
small_run first
"$cinch" encode first --data shapes:48 --out vectors.npy --quiet || fail 'no data'
tiny=(--data vectors.npy --hidden-sizes 6 --latent-dim 2 --batch-size 16 --threads 2 --quiet)
