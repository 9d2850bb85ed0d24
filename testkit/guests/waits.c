// Waits known times in two places, then burns CPU: 40 naps of 5 ms in nap_short, called by phase_a, 10 naps of 40 ms in
// nap_long, called by phase_b, and a loop of about 300 ms in burn. The arguments are the two counts and the steps of burn.
// What it asked for and what it measured is printed as words, each followed by its number; times are in microseconds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PHYSICAL static __attribute__((noinline))
#define INLINED static inline __attribute__((always_inline))
#define SHORT_US 5000
#define LONG_US 40000

static uint32_t failed;

INLINED uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

INLINED int nap(uint32_t us) {
  struct timespec t = {0, (long)us * 1000};
  return nanosleep(&t, NULL);
}

// Neither nap is the last thing that its function does: it would be a jump.
PHYSICAL void nap_short(void) {
  if (nap(SHORT_US) != 0) failed++;
}

PHYSICAL void nap_long(void) {
  if (nap(LONG_US) != 0) failed++;
}

PHYSICAL uint64_t phase_a(uint32_t naps) {
  uint64_t began = now_us();
  for (uint32_t i = 0; i < naps; i++) nap_short();
  return now_us() - began;
}

PHYSICAL uint64_t phase_b(uint32_t naps) {
  uint64_t began = now_us();
  for (uint32_t i = 0; i < naps; i++) nap_long();
  return now_us() - began;
}

INLINED uint64_t step(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return x;
}

PHYSICAL uint64_t burn(uint32_t steps) {
  uint64_t x = 0x9e3779b97f4a7c15;
  for (uint32_t i = 0; i < steps; i++) x = step(x);
  return x;
}

static uint32_t number(int argc, char **argv, int at, uint32_t otherwise) {
  return argc > at ? (uint32_t)strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
  uint32_t shorts = number(argc, argv, 1, 40), longs = number(argc, argv, 2, 10);
  uint32_t steps = number(argc, argv, 3, 180000000);
  uint64_t began = now_us();
  uint64_t measured_short = phase_a(shorts);
  uint64_t measured_long = phase_b(longs);
  uint64_t burn_began = now_us();
  uint64_t x = burn(steps);
  uint64_t ended = now_us();
  printf("asked_short_us %llu asked_long_us %llu ", (unsigned long long)shorts * SHORT_US,
         (unsigned long long)longs * LONG_US);
  printf("measured_short_us %llu measured_long_us %llu ", (unsigned long long)measured_short,
         (unsigned long long)measured_long);
  printf("burn_us %llu wall_us %llu\n", (unsigned long long)(ended - burn_began), (unsigned long long)(ended - began));
  // Never so: it keeps the loop.
  return failed != 0 || x == 0;
}
