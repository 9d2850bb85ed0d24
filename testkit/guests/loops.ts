// AssemblyScript without an allocator: a loop, a recursion, an indirect call. _start does about a second of work,
// run(rounds) as much as it is asked for.
let checksum: u32 = 1;

// @ts-ignore: decorator
@inline
function step(x: u32): u32 {
  return (x ^ (x >> 15)) * 1664525 + 1013904223;
}

function churn(x: u32, n: i32): u32 {
  for (let i = 0; i < n; i++) {
    x = step(x);
  }
  return x;
}

function fib(n: i32): i32 {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function triple(x: u32): u32 {
  return x * 3;
}

function halve(x: u32): u32 {
  return x >> 1;
}

function apply(f: (x: u32) => u32, n: i32): u32 {
  let sum: u32 = 0;
  for (let i = 0; i < n; i++) {
    sum += f(i);
  }
  return sum;
}

export function run(rounds: i32): u32 {
  for (let round = 0; round < rounds; round++) {
    checksum = churn(churn(checksum, 50000), 50000) + fib(18) + apply(triple, 25000) + apply(halve, 25000);
  }
  return checksum;
}

export function _start(): void {
  if (run(2500) == 0) unreachable();
}
