/* The four SSE2 operations that Brotli's matcher uses, in WebAssembly SIMD: it then searches 16 hash tags at a time. */
#ifndef INOS_IMMINTRIN_H
#define INOS_IMMINTRIN_H
#include <wasm_simd128.h>
typedef v128_t __m128i;
#define _mm_set1_epi8(value) wasm_i8x16_splat(value)
#define _mm_loadu_si128(pointer) wasm_v128_load(pointer)
#define _mm_cmpeq_epi8(a, b) wasm_i8x16_eq((a), (b))
#define _mm_movemask_epi8(a) wasm_i8x16_bitmask(a)
#endif
