#!/bin/sh
# Fuzzes on stable Rust, without cargo-fuzz; needs a C++ compiler, for libFuzzer itself.
#   run.sh [SECONDS_PER_TARGET [TARGET...]]    60 seconds and all targets unless told otherwise
# Inputs that fail are kept in artifacts/TARGET; what was learnt in target/corpus/TARGET. The seeds are corpus/TARGET.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# = 0 ] || shift
if [ $# = 0 ]; then
  for file in fuzz_targets/*.rs; do
    set -- "$@" "$(basename "$file" .rs)"
  done
fi

host=$(rustc --print host-tuple)
export CARGO_TARGET_DIR="${FUZZ_TARGET_DIR:-$PWD/target}"
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
# With a target named, build scripts and macros go without the instrumentation.
cargo build --release --target "$host" --bins

failed=
for target in "$@"; do
  learnt=$CARGO_TARGET_DIR/corpus/$target
  mkdir -p "$learnt" "artifacts/$target"
  echo "fuzzing $target for $seconds s"
  "$CARGO_TARGET_DIR/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -malloc_limit_mb=512 -max_len=16384 -artifact_prefix="artifacts/$target/" -print_final_stats=1 -verbosity=0 \
    "$learnt" "corpus/$target" || failed="$failed $target"
done
[ -z "$failed" ] || { echo "failed:$failed; see fuzz/artifacts"; exit 1; }
echo "no failures"
