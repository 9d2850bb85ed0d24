// Works for a while (the second argument: thousands of steps), then ends in the way that its first argument names:
// divide, unreachable, bounds, recurse, exit.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define PHYSICAL static __attribute__((noinline))

INLINE int quotient(int sum, int count) {
  return sum / count;
}

INLINE int rounded(int sum, int count) {
  return quotient(sum + 1, count);
}

PHYSICAL int average(int sum, int count) {
  return rounded(sum, count);
}

INLINE int element(const volatile int *base, uintptr_t index) {
  return base[index];
}

PHYSICAL int beyond_the_end(void) {
  return element((const volatile int *)0xfffff000u, 1000);
}

INLINE void give_up(const char *why) {
  printf("%s\n", why);
  fflush(stdout);
  __builtin_trap();
}

PHYSICAL void unreachable_state(void) {
  give_up("a state that cannot be");
}

static volatile int bottom;

// Ends the stack of calls, not the stack in linear memory: it keeps nothing there. The last operation is such that the
// calls cannot be turned into a loop.
PHYSICAL int deeper(int level) {
  if (level == bottom) return level;
  return deeper(level + 1) * 3 ^ level;
}

PHYSICAL uint32_t busy(uint32_t thousands) {
  uint32_t x = 1;
  for (uint32_t i = 0; i < thousands * 1000; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
  }
  return x;
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "divide";
  uint32_t x = busy(argc > 2 ? (uint32_t)atoi(argv[2]) : 1000);
  printf("%08x, ending by %s\n", (unsigned)x, how);
  fflush(stdout);
  volatile int zero = 0;
  if (!strcmp(how, "divide")) return average(argc, zero);
  if (!strcmp(how, "unreachable")) unreachable_state();
  if (!strcmp(how, "bounds")) return beyond_the_end();
  if (!strcmp(how, "recurse")) return deeper(1);
  if (!strcmp(how, "exit")) exit(3);
  return 1;
}
