// Makes words, counts them in a hash table, sorts the counts: indirect calls (qsort), recursion, inlines, libc.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define PHYSICAL static __attribute__((noinline))
#define SLOTS 4096
#define WORDS 20000

typedef struct word {
  char text[12];
  uint32_t hash, count;
} word_t;

static word_t table[SLOTS];

INLINE uint32_t hash_step(uint32_t hash, char c) {
  return (hash ^ (uint8_t)c) * 16777619u;
}

INLINE uint32_t hash_text(const char *text) {
  uint32_t hash = 2166136261u;
  while (*text) hash = hash_step(hash, *text++);
  return hash;
}

PHYSICAL void make_word(char text[12], uint32_t seed) {
  uint32_t length = 2 + seed % 3;
  for (uint32_t i = 0; i < length; i++) {
    seed = seed * 1664525u + 1013904223u;
    text[i] = (char)('a' + (seed >> 24) % 5);
  }
  text[length] = 0;
}

PHYSICAL void count_word(const char *text) {
  uint32_t hash = hash_text(text);
  for (uint32_t slot = hash % SLOTS;; slot = (slot + 1) % SLOTS) {
    word_t *word = &table[slot];
    if (word->count == 0) {
      strcpy(word->text, text);
      word->hash = hash;
    }
    if (word->hash == hash && !strcmp(word->text, text)) {
      word->count++;
      return;
    }
  }
}

static int by_count(const void *left, const void *right) {
  const word_t *a = left, *b = right;
  if (a->count != b->count) return a->count < b->count ? 1 : -1;
  return strcmp(a->text, b->text);
}

// The sum of all counts, by halves.
PHYSICAL uint32_t total(const word_t *words, uint32_t n) {
  if (n == 1) return words[0].count;
  return total(words, n / 2) + total(words + n / 2, n - n / 2);
}

PHYSICAL uint32_t one_round(uint32_t round) {
  memset(table, 0, sizeof table);
  char text[12];
  for (uint32_t i = 0; i < WORDS; i++) {
    make_word(text, (round * WORDS + i) * 2654435761u);
    count_word(text);
  }
  qsort(table, SLOTS, sizeof table[0], by_count);
  return total(table, SLOTS);
}

int main(int argc, char **argv) {
  uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 850;
  uint32_t words = 0;
  for (uint32_t round = 0; round < rounds; round++) words += one_round(round);
  printf("%u words, most often %s %u times\n", (unsigned)words, table[0].text, (unsigned)table[0].count);
  return 0;
}
