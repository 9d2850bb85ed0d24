#!/bin/sh
# Reads a profile with Go's pprof and compares its total with that of another output of the same recording.
#
#   .ci/check-pprof.sh PROFILE.pb.gz [PROFILE.folded | TABLE]
#
# Fails on any word of pprof on stderr and on any difference. GO names the go command (default: go).
set -eu

profile=$1
other=${2-}
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pprof must find nothing to fetch, and leave nothing behind.
export PPROF_TMPDIR="$work" PPROF_BINARY_PATH="$work" HOME="${HOME:-$work}"

for view in top lines raw traces; do
    case $view in
        lines) set -- -top -lines ;;
        *) set -- "-$view" ;;
    esac
    if ! "$go" tool pprof "$@" -symbolize=none -nodecount=1000000 -nodefraction=0 -edgefraction=0 \
        -sample_index=samples "$profile" >"$work/$view" 2>"$work/$view.stderr"; then
        echo "check-pprof: go tool pprof $* refused $profile:" >&2
        cat "$work/$view.stderr" >&2
        exit 1
    fi
    if [ -s "$work/$view.stderr" ]; then
        echo "check-pprof: go tool pprof $* complains about $profile:" >&2
        cat "$work/$view.stderr" >&2
        exit 1
    fi
done

# Without options pprof shows the default column and looks for binaries: it must find that it need not.
if ! "$go" tool pprof -top "$profile" >"$work/plain" 2>"$work/plain.stderr" || [ -s "$work/plain.stderr" ]; then
    echo "check-pprof: go tool pprof -top complains about $profile:" >&2
    cat "$work/plain.stderr" >&2
    exit 1
fi
grep -q '^Type: cpu' "$work/plain" || { echo "check-pprof: the default column is not cpu" >&2; exit 1; }

# Sample lines of -raw: "  count  nanoseconds [more columns]: location ...".
sum_of_raw=$(awk '/^Samples:/ { on = 1; next } /^Locations/ { on = 0 }
    on && /^ *[0-9]+( +[0-9]+)+:/ { sum += $1 } END { printf "%d", sum }' "$work/raw")
sum_of_flat=$(awk '/flat%/ { on = 1; next } on { sum += $1 } END { printf "%d", sum }' "$work/top")
sum_of_lines=$(awk '/flat%/ { on = 1; next } on { sum += $1 } END { printf "%d", sum }' "$work/lines")
for sum in "$sum_of_flat" "$sum_of_lines"; do
    if [ "$sum" != "$sum_of_raw" ]; then
        echo "check-pprof: -raw has $sum_of_raw samples in $profile, -top $sum_of_flat, -top -lines $sum_of_lines" >&2
        exit 1
    fi
done

if [ -n "$other" ]; then
    case $other in
        *.folded) expected=$(awk '{ sum += $NF } END { printf "%d", sum }' "$other") ;;
        *) expected=$(awk '$1 == "samples" { print $2; exit }' "$other") ;;
    esac
    if [ "$expected" != "$sum_of_raw" ]; then
        echo "check-pprof: $other has ${expected:-no} samples, and pprof reads $sum_of_raw in $profile" >&2
        exit 1
    fi
fi
echo "check-pprof: $profile: $sum_of_raw samples by -raw, -top and -top -lines${other:+ and in $other}, no warnings"
