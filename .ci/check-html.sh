#!/bin/sh
# Uses the HTML page in a headless browser: a recording that waits, one with 100 000 stacks, one with hostile names, a comparison.
#
#   .ci/check-html.sh WASMSCOPE FOLDER
#
# FOLDER keeps the browser's library, the pages, and pictures of them. CHROMIUM names the browser.
set -eu

wasmscope=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work"
work=$(cd "$work" && pwd)

[ -d "$work/node_modules/playwright-core" ] ||
    (cd "$work" && npm install --silent --no-fund --no-audit --prefix . playwright-core@1.65.1 >/dev/null)

"$wasmscope" profile --force -r 997 -o "$work/waits.pb.gz" -o "$work/waits.html" --source "$here/.." "$here/../testkit/guests/waits-p1.wasm" >/dev/null
node "$here/make-pprof.mjs" "$work"
for name in many hostile; do
    "$wasmscope" report --force "$work/$name.pb.gz" -o "$work/$name.html"
done
for name in before after; do
    "$wasmscope" profile --force -r 997 -o "$work/$name.pb.gz" "$here/../examples/guests/orders.wasm" >/dev/null
done
"$wasmscope" diff --force "$work/before.pb.gz" "$work/after.pb.gz" -o "$work/diff.html" >/dev/null
node "$here/check-html.mjs" "$work" "$work"
