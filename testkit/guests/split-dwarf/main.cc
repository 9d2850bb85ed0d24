// A module of two units, without a libc: run(n) mixes, and pushes what comes out.
#include "ring.h"

static Ring<long long, 4> results;

static inline __attribute__((always_inline)) long long weighted(int value) {
  return value * 3LL;
}

static __attribute__((noinline)) void store(int value) {
  if (value & 1) results.push(weighted(value));
  else results.push(-weighted(value));
}

extern "C" __attribute__((export_name("run"))) long long run(int n) {
  for (int index = 0; index < n; index++) store(mixing::mix(index, 5));
  return results.sum();
}
