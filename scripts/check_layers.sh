#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house rules that a script can see. Prints what breaks them and exits 1; ctest runs it under the label `house`.
#   check_layers.sh [FOLDER]     the tree to look at (default: this one)
set -euo pipefail
shopt -s inherit_errexit

# Who may include whom: cli -> report, infer, train -> trained -> models, data -> core -> include.
# A row is a folder of src/ (or `include`, or one file), then what its files may include; !X takes X away again. Rows of
# one name add up.
# A folder may always include itself, and system headers are not looked at.
includes='
include             cinch/*
core                cinch/*  !cinch/cinch.h !cinch/model.h !cinch/data.h !cinch/train.h !cinch/infer.h !cinch/report.h
core/backend.h      cinch/status.h cinch/types.h core/ops.def
core/formula.h      cinch/types.h core/backend.h core/rng.h
core/rng.h
core/grid.h         core/backend.h core/rng.h
core/strided.h      core/grid.h
core/status.h       cinch/status.h
cpu                 core/backend.h core/ops.def core/formula.h core/rng.h core/grid.h core/strided.h core/status.h
cuda                core/backend.h core/ops.def core/formula.h core/rng.h core/grid.h core/strided.h core/status.h
cuda                cinch/version.h
models              cinch/*  core/status.h core/options.h core/json.h
models              !cinch/data.h !cinch/train.h !cinch/infer.h !cinch/report.h
data                cinch/*  core/status.h core/options.h core/json.h core/rng.h core/permute.h
data                !cinch/model.h !cinch/train.h !cinch/infer.h !cinch/report.h
trained             cinch/*  core/status.h core/json.h  !cinch/train.h !cinch/infer.h !cinch/report.h
train               cinch/*  core/status.h core/options.h core/json.h core/rng.h core/permute.h
train               data/text_file.h data/spec.h trained/*
infer               cinch/*  core/status.h core/rng.h core/json.h trained/*  !cinch/train.h !cinch/report.h
report              cinch/*  core/status.h core/options.h core/json.h  data/text_file.h train/clock.h
cli                 cinch/*
examples            cinch/*
'

function_report=40 function_limit=60      # lines, from the signature to the closing brace
file_report=600    file_limit=700
line_limit=120                            # characters, not bytes

# Names that <...> could mean the C or POSIX library by.
standard_headers='
aio arpa assert complex cpio ctype dirent dlfcn endian errno fcntl fenv float fmtmsg fnmatch ftw glob grp iconv
inttypes iso646 langinfo libgen limits locale math monetary mqueue ndbm netdb nl_types poll pthread pwd
regex sched search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio
stdlib stdnoreturn string strings stropts syslog tar termios tgmath threads time trace uchar ulimit unistd utime utmpx
wait wchar wctype wordexp'

# What belongs to one machine, one writer or an unfinished merge, and not to the project; CINCH_TRACE_WORDS adds to it.
trace_words='(^|[^[:alnum:]_.])/(home|root|Users|work)/|index-url|https?://(localhost|[0-9]+\.[0-9]+\.)'
trace_words+='|co-authored-by|^(<{7}|>{7}) |(^|[^[:alnum:]])(FIXME|XXX)([^[:alnum:]]|$)'
trace_words+="${CINCH_TRACE_WORDS:+|$CINCH_TRACE_WORDS}"

cd "${1:-$(dirname "$0")/..}"
problems=0

indent() { printf '  %s\n' "${1//$'\n'/$'\n  '}"; }

# complain HEADING COMMAND...: every line that the command prints is a problem.
complain()
{
    local lines heading=$1
    shift
    lines=$("$@")
    [ -n "$lines" ] || return 0
    printf '%s:\n' "$heading"
    indent "$lines"
    problems=$((problems + $(wc -l <<<"$lines")))
}

note()
{
    local lines heading=$1
    shift
    lines=$("$@")
    [ -z "$lines" ] || { printf '%s:\n' "$heading"; indent "$lines"; }
}

# What git knows or would add; without git, what is here and is not a build.
list_files()
{
    if [ -e .git ] && command -v git >/dev/null; then
        git ls-files -co --exclude-standard
    else
        find . -type f -not -path './build*' -not -path './runs/*' -not -path '*/.*' | sed 's|^\./||'
    fi | while IFS= read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done | LC_ALL=C sort -u
}

files_like() { grep -E "$1" <<<"$files" || true; }

check_includes()
{
    files_like '^(src|include|examples)/.*\.(c|h|def|inc|cu|cuh)$' | awk -v table="$includes" '
        function match_pattern(pattern, path)
        {
            if (sub(/\*$/, "", pattern)) return index(path, pattern) == 1
            return path == pattern
        }
        function allowed(row, path,    words, n, i, answer)
        {
            n = split(rules[row], words, " ")
            for (i = 1; i <= n; i++)
                if (words[i] ~ /^!/) { if (match_pattern(substr(words[i], 2), path)) answer = 0 }
                else if (match_pattern(words[i], path)) answer = 1
            return answer
        }
        BEGIN {
            n = split(table, rows, "\n")
            for (i = 1; i <= n; i++) {
                if (split(rows[i], words, " ") == 0) continue
                name = words[1]
                sub(/^ *[^ ]+ */, "", rows[i])
                rules[name] = rules[name] " " rows[i]
                known[name] = 1
            }
        }
        {
            file = $0
            inner = file
            sub(/^src\//, "", inner)
            layer = inner
            sub(/\/.*/, "", layer)
            own = layer == "include" ? "cinch" : layer
            row = inner in known ? inner : layer
            if (!(layer in known)) { print file ": no rule for src/" layer "/; add its row to check_layers.sh"; next }
            for (number = 1; (getline line < file) > 0; number++) {
                if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
                system_header = line ~ /</
                path = line
                sub(/^[^"<]*["<]/, "", path)
                sub(/[">].*/, "", path)
                if (system_header && path !~ /^cinch\//) continue
                if (path ~ /(^|\/)\.\.?\//) { print file ":" number ": " path " (write the path from src/)"; continue }
                if (path !~ /\//) path = own "/" path
                if (row == layer && index(path, own "/") == 1 && own != "cinch" && own != "core") continue
                if (row == "core" && path ~ /^core\//) continue
                if (!allowed(row, path)) print file ":" number ": may not include " path
            }
            close(file)
        }'
}

check_header_names()
{
    files_like '\.h(pp)?$' | awk -v names="$standard_headers" '
        BEGIN { n = split(names, list, /[ \n]+/); for (i = 1; i <= n; i++) standard[list[i]] = 1 }
        { name = $0; sub(/.*\//, "", name); sub(/\.h(pp)?$/, "", name); if (name in standard) print }'
}

check_spdx()
{
    local file
    files_like '(\.(c|h|def|inc|cu|cuh|cpp|sh|py|cmake|in|supp)|CMakeLists\.txt|^\.ci/run)$' |
        while IFS= read -r file; do
            head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || printf '%s\n' "$file"
        done
}

check_traces()
{
    local text
    # This file holds the words it looks for.
    text=$(files_like '(\.(c|h|def|inc|cu|cuh|cpp|sh|py|cmake|in|supp|md|txt|json)|^\.[^/]*|^\.ci/run)$' |
        sed '/^scripts\/check_layers\.sh$/d')
    [ -z "$text" ] || tr '\n' '\0' <<<"$text" | { xargs -0 grep -nEi -e "$trace_words" /dev/null || true; } |
        cut -c 1-200
}

# shellcheck disable=SC2016
# "LINES FILE:LINE NAME" of every function: C and headers, K&R braces, macros not counted.
function_lengths()
{
    files_like '\.(c|h|cu|cuh|cpp)$' | tr '\n' '\0' | xargs -0 -r awk '
        function name_of(signature) { sub(/\(.*/, "", signature); sub(/.*[ *\t]/, "", signature); return signature }
        function report(lines) { printf "%d %s:%d %s\n", lines, FILENAME, start, name_of(head) }
        FNR == 1 { open = 0; head = ""; previous = "" }
        /^[A-Za-z_]/ && !open { head = $0; start = FNR }
        open { if (/^\}/) { report(FNR - start + 1); open = 0 } next }
        /^(typedef|struct|enum|union)[^(]*\{/ { next }
        /^[A-Za-z_ \t].*\)[ \t]*\{.*\}[ \t]*$/ && head ~ /\(/ && head !~ /=/ { report(FNR - start + 1); next }
        /^[A-Za-z_ \t].*\)[ \t]*\{[ \t]*$/ && head ~ /\(/ && head !~ /=/ { open = 1; next }
        /^\{[ \t]*$/ && previous ~ /\)[ \t]*$/ && head ~ /\(/ { open = 1; next }
        /[^ \t]/ { previous = $0 }' | LC_ALL=C sort -k1,1nr -k2
}

# shellcheck disable=SC2016
# Bytes that go on with a character of UTF-8 are not counted, in whatever locale this runs.
check_line_lengths()
{
    files_like '(\.(c|h|def|cu|cuh|sh|py|cmake|in|js|css)|(^|/)CMakeLists\.txt)$' |
        sed -E '/^docs\/|(^|\/)fixtures\//d' | tr '\n' '\0' | LC_ALL=C xargs -0 -r awk -v limit="$line_limit" '
        length($0) > limit {
            gsub(/[\200-\277]/, "")
            if (length($0) > limit) print FILENAME ":" FNR ": " length($0) " characters"
        }'
}

longer_than() { awk -v limit="$1" '$1 > limit { print $1 " lines  " $2 "  " $3 }' <<<"$2"; }

report_lengths()
{
    local functions lengths
    functions=$(function_lengths)
    lengths=$(files_like '\.(c|h|def|inc|cu|cuh|cpp|sh|py|cmake)$' | tr '\n' '\0' | xargs -0 -r wc -l |
        grep -v ' total$' | awk '{ print $1, $2 }' | LC_ALL=C sort -k1,1nr)
    note "Functions over $function_report lines" longer_than "$function_report" "$functions"
    note "Files over $file_report lines" longer_than "$file_report" "$lengths"
    complain "Functions over $function_limit lines, the limit" longer_than "$function_limit" "$functions"
    complain "Files over $file_limit lines, the limit" longer_than "$file_limit" "$lengths"
    awk '{ lines[NR] = $1; small += $1 <= 40 }
        END { if (NR) printf "%d functions: median %d lines, 90%% at most %d, longest %d; %.1f%% within 40\n",
            NR, lines[int((NR + 1) / 2)], lines[int(NR / 10) + 1], lines[1], 100 * small / NR }' <<<"$functions"
}

files=$(list_files)
complain "Includes across the layers" check_includes
complain "Headers named like a standard one" check_header_names
complain "Files without an SPDX line" check_spdx
complain "Traces of a machine or a writer" check_traces
complain "Lines over $line_limit characters, the limit" check_line_lengths
report_lengths
[ "$problems" = 0 ] && exit 0
printf '%d problems\n' "$problems"
exit 1
