// Calls itself until N frames of `down` are on the stack (the second argument, 500 by default), then runs a loop there,
// so that nearly every sample sees main, run, N times down, and spin. The first argument is the number of rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PHYSICAL static __attribute__((noinline))
#define STEPS 1000000

static uint32_t frames, deepest;

PHYSICAL uint32_t spin(uint32_t x) {
  for (uint32_t i = 0; i < STEPS; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
  }
  return x;
}

// The frame is still needed after the call, so no call becomes a jump.
PHYSICAL uint32_t down(uint32_t x, uint32_t left) {
  frames++;
  if (frames > deepest) deepest = frames;
  x = left > 1 ? down(x + 1, left - 1) : spin(x);
  frames--;
  return x;
}

PHYSICAL uint32_t run(uint32_t rounds, uint32_t depth) {
  uint32_t x = 1;
  for (uint32_t round = 0; round < rounds; round++) x = down(x, depth);
  return x;
}

int main(int argc, char **argv) {
  uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 600;
  uint32_t depth = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 500;
  uint32_t checksum = run(rounds, depth);
  printf("checksum %08x, %u frames deep\n", (unsigned)checksum, (unsigned)deepest);
  return 0;
}
