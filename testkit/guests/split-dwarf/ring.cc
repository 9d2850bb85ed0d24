#include "ring.h"

namespace mixing {
static Ring<int, 8> ring;

static inline __attribute__((always_inline)) int turn(int value) {
  value ^= value << 13;
  return value ^ static_cast<int>(static_cast<unsigned>(value) >> 17);
}

static inline __attribute__((always_inline)) void keep(int value) {
  ring.push(turn(value));
}

__attribute__((noinline)) int mix(int seed, int rounds) {
  for (int round = 0; round < rounds; round++) keep(seed + round);
  return ring.sum();
}
} // namespace mixing
