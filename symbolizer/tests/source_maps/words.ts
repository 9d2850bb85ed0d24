// A guest with a file of its own beside, a class, a closure-free callback, inlined functions, and code of the compiler's library.
import { Tally } from "./tally";

// @ts-ignore: decorator
@inline
function mix(hash: u32, value: u32): u32 {
  return (hash ^ value) * 16777619;
}

function hashOf(text: string): u32 {
  let hash: u32 = 2166136261;
  for (let i = 0; i < text.length; i++) {
    hash = mix(hash, text.charCodeAt(i));
  }
  return hash;
}

export function run(rounds: i32): u32 {
  const tally = new Tally();
  const words = StaticArray.fromArray(["calf", "heifer", "bullock"]);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < words.length; i++) {
      tally.add(hashOf(words[i]), (value: u32): u32 => value % 7);
    }
  }
  return tally.sum;
}
