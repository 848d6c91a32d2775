/* Provided by Zig's compiler-rt. The target is freestanding, where the plain names are calls like any other: through the
 * builtins an 8-byte memcpy becomes one load, which Brotli's matcher depends on (twice the speed). */
#ifndef INOS_STRING_H
#define INOS_STRING_H
#include <stddef.h>
#define memcpy(to, from, len) __builtin_memcpy((to), (from), (len))
#define memmove(to, from, len) __builtin_memmove((to), (from), (len))
#define memset(to, value, len) __builtin_memset((to), (value), (len))
#define memcmp(a, b, len) __builtin_memcmp((a), (b), (len))
#define strlen(text) __builtin_strlen(text)
#endif
