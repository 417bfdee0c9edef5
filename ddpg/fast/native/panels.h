/* Vectors, and panels of a matrix: PANEL columns side by side, which the first-level cache can hold (Goto and van de
   Geijn, "Anatomy of high-performance matrix multiplication", 2008). */

#ifndef DDPG_PANELS_H
#define DDPG_PANELS_H

#include <immintrin.h>
#include <stdint.h>

#include "step.h"

#if defined(__AVX512F__)
enum { LANES = 16 };
#define EVEN 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ODD 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#else
enum { LANES = 8 };
#define EVEN 0, 8, 1, 9, 2, 10, 3, 11
#define ODD 4, 12, 5, 13, 6, 14, 7, 15
#endif
enum { PANEL = 2 * LANES };

typedef float Vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#ifdef __clang__
#define shuffle(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define shuffle(a, b, ...) __builtin_shuffle(a, b, (Bits){__VA_ARGS__})
#endif

INLINE Vec load(const float *from) { return *(const Vec *)from; }

INLINE void store(float *to, Vec numbers) { *(Vec *)to = numbers; }

/* Returns sum + x b, rounded once. It is an intrinsic, because for `sum + x * b` the compiler decides whether to round
   once or twice, and dense.h and sparse.h must agree. */
INLINE Vec plus_product(Vec sum, float x, Vec b) {
#ifdef __AVX512F__
    return (Vec)_mm512_fmadd_ps(_mm512_set1_ps(x), (__m512)b, (__m512)sum);
#else
    return (Vec)_mm256_fmadd_ps(_mm256_set1_ps(x), (__m256)b, (__m256)sum);
#endif
}

/* Transposes a square of LANES x LANES numbers by log2(LANES) perfect shuffles of its rows. */
INLINE void transpose(Vec rows[LANES]) {
    for (int round = 1; round < LANES; round *= 2) {
        Vec shuffled[LANES];
        for (int i = 0; i < LANES / 2; i++) {
            shuffled[2 * i] = shuffle(rows[i], rows[i + LANES / 2], EVEN);
            shuffled[2 * i + 1] = shuffle(rows[i], rows[i + LANES / 2], ODD);
        }
        for (int i = 0; i < LANES; i++) rows[i] = shuffled[i];
    }
}

/* Copies a panel of b (k, PANEL) to one piece; columns from `width` on become zero. */
static void pack(float *to, const float *b, Int k, Int width, Int bk, Int bn) {
    Int p = 0;
    if (width == PANEL && bn == 1)
        for (; p < k; p++) {
            store(to + p * PANEL, load(b + p * bk));
            store(to + p * PANEL + LANES, load(b + p * bk + LANES));
        }
    if (width == PANEL && bk == 1)
        for (; p + LANES <= k; p += LANES)
            for (int half = 0; half < PANEL; half += LANES) {
                Vec square[LANES];
                for (int c = 0; c < LANES; c++) square[c] = load(b + (half + c) * bn + p);
                transpose(square);
                for (int c = 0; c < LANES; c++) store(to + (p + c) * PANEL + half, square[c]);
            }
    for (; p < k; p++)
        for (int c = 0; c < PANEL; c++) to[p * PANEL + c] = c < width ? b[p * bk + c * bn] : 0;
}

/* Returns a gradient after a ReLU whose result was y. */
INLINE Vec through_relu(Vec grad, Vec y) { return (Vec)((Bits)grad & ~(Bits)(y <= (Vec){0})); }

/* Returns the ReLU of x; NaN stays NaN, as in torch. */
INLINE Vec relu_of(Vec x) { return (Vec)((Bits)x & ~(Bits)(x < (Vec){0})); }

#endif
