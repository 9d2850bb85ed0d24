#!/bin/sh
# Builds words.wasm with its map (without the texts of the sources, which are most of it), and what the npm package
# source-map reads in it and in testkit's as.wasm.
#   NODE_MODULES    a folder with assemblyscript 0.28.20 and source-map 0.7.6
#   EMSCRIPTEN      a folder with Emscripten 3.1.6, for reactor.wasm.map
set -e
cd "$(dirname "$0")"
"$NODE_MODULES/.bin/asc" words.ts --debug --runtime stub --use abort= --sourceMap -o words.wasm
node -e '
  const fs = require("fs"), map = JSON.parse(fs.readFileSync("words.wasm.map"));
  delete map.sourcesContent;
  fs.writeFileSync("words.wasm.map", JSON.stringify(map) + "\n");
'
# Packages are looked for beside the script that imports them.
cp second_reader.mjs "$NODE_MODULES/../second_reader.mjs"
trap 'rm "$NODE_MODULES/../second_reader.mjs"' EXIT
node "$NODE_MODULES/../second_reader.mjs" words.wasm words.wasm.map > words.expected
as=../../../testkit/guests/as.wasm
node "$NODE_MODULES/../second_reader.mjs" $as $as.map > as.expected

if [ -n "$EMSCRIPTEN" ]; then
  python3 "$EMSCRIPTEN/tools/wasm-sourcemap.py" ../../../testkit/guests/reactor.wasm --dwarfdump "$(command -v llvm-dwarfdump)" \
    -o reactor.wasm.map
else
  echo "skipped: reactor.wasm.map (needs EMSCRIPTEN)"
fi
