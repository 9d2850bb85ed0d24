// Writes pprof files for the check of the HTML page, with nothing but node.
//
//   node make-pprof.mjs FOLDER
//
// FOLDER/many.pb.gz has 100 000 stacks, FOLDER/hostile.pb.gz names that would do harm if any of them became markup.
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const folder = process.argv[2];

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}
const number = (field, value) => Buffer.from([...varint(field * 8), ...varint(value)]);
const chunk = (field, bytes) => Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes]);
const packed = (field, values) => chunk(field, Buffer.from(values.flatMap(varint)));

/** A profile of `stacks`: lists of positions in `names`, innermost first, each with its count. */
function profile(names, files, stacks) {
  const strings = ['', 'samples', 'count', ...names, ...files];
  const parts = [chunk(1, Buffer.concat([number(1, 1), number(2, 2)]))];
  for (const [stack, count] of stacks) parts.push(chunk(2, Buffer.concat([packed(1, stack.map((at) => at + 1)), packed(2, [count])])));
  names.forEach((_, at) => {
    const line = Buffer.concat([number(1, at + 1), number(2, at + 10)]);
    parts.push(chunk(4, Buffer.concat([number(1, at + 1), chunk(4, line)])));
    parts.push(chunk(5, Buffer.concat([number(1, at + 1), number(2, at + 3), number(4, 3 + names.length + (at % files.length))])));
  });
  for (const text of strings) parts.push(chunk(6, Buffer.from(text)));
  return gzipSync(Buffer.concat(parts));
}

// Numbers that look random and are the same each time.
let state = 1;
const below = (limit) => {
  state = (state * 48271) % 0x7fffffff;
  return state % limit;
};
const many = Array.from({ length: 100_000 }, (_, at) => {
  const depth = 10 + below(30);
  // Outer frames are shared by many stacks, inner ones by few; the last tells each stack from all others.
  const path = Array.from({ length: depth }, (_, level) => (level < 3 ? level : (below(2 + level * 3) * 37 + level * 101) % 4900));
  return [[4900 + (at % 100), ...path.reverse()], 1 + below(20)];
});
const functions = Array.from({ length: 5000 }, (_, at) => `service::module_${at % 70}::function_${at}`);
writeFileSync(`${folder}/many.pb.gz`, profile(functions, ['src/lib.rs', 'src/main.rs'], many));

const harm = 'window.harmed=1;document.title=\'harmed\'';
const hostile = [
  `<script>${harm}</script>`, `</script><script>${harm}</script>`, `"><img src=x onerror="${harm}">`, `<svg onload="${harm}">`,
  `javascript:${harm}`, '<!--<script>', ']]>', '\u001b[31mred\u001b[0m', 'left\u202eright', 'two\nlines', '{{constructor.constructor("1")()}}',
  '<style>*{display:none}</style>', '<iframe srcdoc="<script>1</script>">', '__proto__', 'constructor', '', 'a'.repeat(20_000),
];
const stacks = hostile.map((_, at) => [[at, (at + 1) % hostile.length, (at + 5) % hostile.length], 3 + at]);
writeFileSync(`${folder}/hostile.pb.gz`, profile(hostile, [`</script><script>${harm}</script>.rs`, '"><b>'], stacks));
