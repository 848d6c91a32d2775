/* Provided by Zig's compiler-rt. */
#ifndef INOS_MATH_H
#define INOS_MATH_H
#define HUGE_VAL __builtin_huge_val()
double log2(double x);
#endif
