// Spends about half of its time in a loop of its own and half in the host: clocks, random numbers, writes (empty, so
// that nothing is printed), block copies and fills, growing memory. It counts its calls.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define PHYSICAL static __attribute__((noinline))
#define BLOCK 4096
#define GUEST_STEPS 480
#define ROUNDS_PER_PAGE 10000

static struct {
  uint32_t clock, random, write, copy, fill, grow;
} calls;

static uint8_t a[BLOCK], b[BLOCK];

PHYSICAL uint64_t read_clock(void) {
  __wasi_timestamp_t now;
  calls.clock++;
  return __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &now) == 0 ? now : 0;
}

PHYSICAL uint64_t draw(void) {
  uint64_t word;
  calls.random++;
  return __wasi_random_get((uint8_t *)&word, sizeof word) == 0 ? word : 0;
}

PHYSICAL uint64_t write_nothing(void) {
  __wasi_ciovec_t nothing = {a, 0};
  __wasi_size_t written;
  calls.write++;
  return __wasi_fd_write(1, &nothing, 1, &written) == 0 ? written : 1;
}

PHYSICAL uint64_t move_block(uint32_t round) {
  calls.fill++;
  memset(a, (int)(round & 0xff), BLOCK);
  // Otherwise the compiler knows what is copied, and fills twice.
  __asm__ volatile("" ::: "memory");
  calls.copy++;
  memcpy(b, a, BLOCK);
  return b[round % BLOCK];
}

PHYSICAL void grow_by_a_page(void) {
  calls.grow++;
  __builtin_wasm_memory_grow(0, 1);
}

PHYSICAL uint32_t guest_loop(uint32_t x, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
  }
  return x;
}

int main(int argc, char **argv) {
  uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 650000;
  uint32_t x = 1;
  uint64_t moved = 0, ignored = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    x = guest_loop(x, GUEST_STEPS);
    ignored += read_clock() + draw() + write_nothing();
    moved += move_block(round);
    if (round % ROUNDS_PER_PAGE == 0) grow_by_a_page();
  }
  printf("checksum %08x %llu%s\n", (unsigned)x, (unsigned long long)moved, ignored == 1 ? "!" : "");
  printf("calls clock %u, random %u, write %u, copy %u, fill %u, grow %u\n", (unsigned)calls.clock,
         (unsigned)calls.random, (unsigned)calls.write, (unsigned)calls.copy, (unsigned)calls.fill,
         (unsigned)calls.grow);
  return 0;
}
