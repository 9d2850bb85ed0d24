// fib(n) by recursion, each call a real one: nothing is inlined and no call becomes a loop or a jump. In such a guest
// most of the time is spent in prologues and epilogues, where a caller is easily lost. It counts its calls.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PHYSICAL static __attribute__((noinline))
#define REALLY_CALLS __attribute__((disable_tail_calls))

static uint64_t calls;

PHYSICAL REALLY_CALLS uint32_t fib(uint32_t n) {
  calls++;
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

PHYSICAL REALLY_CALLS uint32_t run(uint32_t n) {
  return fib(n);
}

int main(int argc, char **argv) {
  uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 38;
  uint32_t result = run(n);
  printf("fib(%u) is %u, calls %llu\n", (unsigned)n, (unsigned)result, (unsigned long long)calls);
  return 0;
}
