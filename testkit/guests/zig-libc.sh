#!/bin/sh
# Has zig compile its libc for WASI without debug information, so that guests linked with it stay small: crt1-command.o,
# crt1-reactor.o and libc.a in FOLDER. Components need this libc: Debian's older one takes the memory of the adapter.
# Usage: ZIG="python3 -m ziglang" zig-libc.sh FOLDER, then LIBC_OF_ZIG=FOLDER for the build scripts. Needs llvm-19.
set -e
mkdir -p "$1"
cd "$1"
export ZIG_GLOBAL_CACHE_DIR="$PWD/zig" ZIG_LOCAL_CACHE_DIR="$PWD/zig"
for model in reactor command; do
  entry=$([ $model = command ] && echo main || echo first)
  printf 'int %s(void) { return 0; }\n' "$entry" >$model.c
  # zig names its parts only when it links; the whole line that links is in the log.
  $ZIG build-exe -target wasm32-wasi -mexec-model=$model -lc -fstrip -OReleaseFast $model.c -femit-bin=$model.wasm \
    --verbose-link >$model.log 2>&1 || { tail -n 5 $model.log; exit 1; }
  cp "$(grep '^wasm-ld' $model.log | tr ' ' '\n' | grep "/crt1-$model.o\$")" .
done
rm -f libc.a
{
  echo "create libc.a"
  grep '^wasm-ld' command.log | tr ' ' '\n' | sed -n 's/.*\.a$/addlib &/p'
  echo save
  echo end
} | llvm-ar-19 -M
rm -rf zig command.* reactor.*
ls -l
