// A command whose CPU time splits 70/20/10 by construction: three functions run the same kernel, in turns of seven,
// two and one. A round takes some 50 microseconds and no two in a row are alike, so that the split holds in any window
// of time longer than a few milliseconds, and no sampling period can march in step with it.
// The kernel is inlined three deep, and each level does work of its own: mix -> stir -> turn.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INLINE static inline __attribute__((always_inline))
#define PHYSICAL static __attribute__((noinline))

// How many iterations of the kernel each function has run.
static uint64_t iterations[3];

INLINE uint32_t turn(uint32_t x, uint32_t by) {
  x ^= x << 13;
  x ^= x >> 17;
  return (x << by) | (x >> (32 - by));
}

INLINE uint32_t stir(uint32_t x, uint32_t i) {
  x = turn(x + i, 7);
  x = x * 0x85ebca6bu ^ 0x9e3779b9u;
  return turn(x, 11);
}

// Each step needs the result of the one before it, so no compiler can shorten the loop.
INLINE uint32_t mix(uint32_t x, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    x = stir(x, i);
    x += x >> 3;
  }
  return x;
}

PHYSICAL uint32_t seventy(uint32_t x, uint32_t length) {
  iterations[0] += 7 * length;
  return mix(x, 7 * length);
}

PHYSICAL uint32_t twenty(uint32_t x, uint32_t length) {
  iterations[1] += 2 * length;
  return mix(x, 2 * length);
}

PHYSICAL uint32_t ten(uint32_t x, uint32_t length) {
  iterations[2] += 1 * length;
  return mix(x, 1 * length);
}

PHYSICAL uint32_t work(uint32_t rounds) {
  uint32_t x = 1;
  for (uint32_t round = 0; round < rounds; round++) {
    uint32_t length = 500 + ((round * 0x9e3779b9u) >> 22);
    x = seventy(x, length);
    x = twenty(x, length);
    x = ten(x, length);
  }
  return x;
}

int main(int argc, char **argv) {
  uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 30000;
  uint32_t checksum = work(rounds);
  printf("checksum %08x\n", (unsigned)checksum);
  printf("iterations seventy %llu, twenty %llu, ten %llu\n", (unsigned long long)iterations[0],
         (unsigned long long)iterations[1], (unsigned long long)iterations[2]);
  return 0;
}
