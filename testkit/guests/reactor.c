// A reactor: no _start; the host calls its exports. spin(n) runs n thousand steps of a generator.
#include <stdint.h>

__attribute__((export_name("add"))) int32_t add(int32_t a, int32_t b) {
  return a + b;
}

static inline __attribute__((always_inline)) uint64_t next(uint64_t x) {
  return x * 6364136223846793005u + 1442695040888963407u;
}

__attribute__((export_name("spin"))) int64_t spin(int32_t n) {
  uint64_t x = 1;
  for (int64_t i = 0; i < (int64_t)n * 1000; i++) {
    x = next(x);
    x ^= x >> 33;
  }
  return (int64_t)x;
}
