// Prints what the npm package source-map reads in a map of a module: a line for each run of bytes with one answer, and no lines
// for bytes without.
//   node second_reader.mjs MODULE.wasm MODULE.wasm.map
import { readFileSync } from "node:fs";
import { SourceMapConsumer } from "source-map";

const [, , module, map] = process.argv;
const size = readFileSync(module).length;
await SourceMapConsumer.with(JSON.parse(readFileSync(map)), null, (consumer) => {
  let [begin, last] = [0, ""];
  for (let offset = 0; offset <= size; offset++) {
    const at = consumer.originalPositionFor({ line: 1, column: offset });
    const now = at.source === null || offset === size ? "" : `${at.source}:${at.line}:${at.column + 1}`;
    if (now !== last) {
      if (last) console.log(`${begin}-${offset} ${last}`);
      [begin, last] = [offset, now];
    }
  }
});
