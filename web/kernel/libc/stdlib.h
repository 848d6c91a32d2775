/* Brotli allocates through the arena only (brotli.zig); nothing that we call reaches its default allocator or exit. */
#ifndef INOS_STDLIB_H
#define INOS_STDLIB_H
#include <stddef.h>
#define EXIT_FAILURE 1
#define exit(code) __builtin_trap()
static inline void *malloc(size_t len) {
  (void)len;
  return NULL;
}
static inline void free(void *block) { (void)block; }
#endif
