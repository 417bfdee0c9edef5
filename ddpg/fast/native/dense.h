/* Products tile by tile: ROWS x PANEL numbers of the result are kept in registers, each the sum over k of a number of a
   times a number of b, so every number that is loaded is used ROWS or PANEL times. */

#ifndef DDPG_DENSE_H
#define DDPG_DENSE_H

#include <string.h>

#include "operands.h"
#include "panels.h"
#include "step.h"

#ifdef __AVX512F__
enum { ROWS = 8 };
#else
enum { ROWS = 6 };
#endif

/* Multiplies ROWS or fewer rows of a by a panel of b: (rows, PANEL) numbers of out, whose rows are om apart. */
INLINE void tile(
    int rows, Int k, const float *a, Int am, Int ak, const float *panel, const float *row_bias,
    const float *column_bias, float *out, Int om, Int relu, const float *y) {
    Vec left[ROWS], right[ROWS];
    for (int r = 0; r < rows; r++) {
        __builtin_prefetch(out + r * om, 1); /* it may come from far away, and there is time until it is written */
        __builtin_prefetch(out + r * om + PANEL - 1, 1);
        left[r] = row_bias[r] + load(column_bias);
        right[r] = row_bias[r] + load(column_bias + LANES);
    }
    for (Int p = 0; p < k; p++) {
        const Vec b_left = load(panel + p * PANEL), b_right = load(panel + p * PANEL + LANES);
        for (int r = 0; r < rows; r++) {
            const float x = a[r * am + p * ak];
            left[r] = plus_product(left[r], x, b_left);
            right[r] = plus_product(right[r], x, b_right);
        }
    }
    for (int r = 0; r < rows; r++) {
        if (relu) left[r] = relu_of(left[r]), right[r] = relu_of(right[r]);
        if (y) {
            left[r] = through_relu(left[r], load(y + r * om));
            right[r] = through_relu(right[r], load(y + r * om + LANES));
        }
        store(out + r * om, left[r]);
        store(out + r * om + LANES, right[r]);
    }
}

/* For each number of rows a function of its own, in which all sums and addresses find a register. */
typedef void Tile(
    Int, const float *, Int, Int, const float *, const float *, const float *, float *, Int, Int, const float *);
#define TILE(R)                                                                                              \
    static __attribute__((noinline)) void tile_##R(                                                          \
        Int k, const float *a, Int am, Int ak, const float *panel, const float *row_bias,                    \
        const float *column_bias, float *out, Int om, Int relu, const float *y) {                            \
        tile(R < ROWS ? R : ROWS, k, a, am, ak, panel, row_bias, column_bias, out, om, relu, y);             \
    }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8)
static Tile *const TILES[] = {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8};

/* Computes the tile at row i and column j, also where it is not whole or its rows do not lie in one piece. */
static void tile_at(const Product *p, Int i, Int j, const float *panel) {
    const Int rows = least(p->m - i, ROWS), width = least(p->n - j, PANEL);
    const float *a = p->a + i * p->am;
    const float *y = p->y ? p->y + i * p->om + j * p->on : NULL;
    float *out = p->out + i * p->om + j * p->on, apart[ROWS * PANEL];
    float row_bias[ROWS] = {0}, column_bias[PANEL] = {0};
    const int whole = width == PANEL && p->on == 1;
    if (p->row_bias) memcpy(row_bias, p->bias + i, (size_t)rows * 4);
    if (p->column_bias) memcpy(column_bias, p->bias + j, (size_t)width * 4);
    TILES[rows - 1](
        p->k, a, p->am, p->ak, panel, row_bias, column_bias, whole ? out : apart, whole ? p->om : PANEL, p->relu,
        whole ? y : NULL);
    if (whole) return;
    for (Int r = 0; r < rows; r++)
        for (Int c = 0; c < width; c++)
            out[r * p->om + c * p->on] = y && y[r * p->om + c * p->on] <= 0 ? 0 : apart[r * PANEL + c];
}

/* Computes the product, tile by tile. Where all threads get as much, each has rows of its own, as in pointwise.h and
   sparse.h: from layer to layer it reads rows that it has mostly written itself, and less comes from another core's
   cache. */
static void dense(const Product *p, Team team) {
    const Int tiles = parts(p->m, ROWS);
    const int by_rows = p->m >= PANEL * team.of && tiles % team.of == 0;
    float *panel = scratch(p->k * PANEL);
    Int begin, end;
    share(by_rows ? tiles : tiles * parts(p->n, PANEL), team, &begin, &end);
    for (Int j = 0; j < p->n; j += PANEL) {
        const Int before = by_rows ? 0 : j / PANEL * tiles;
        Int t = begin > before ? begin - before : 0;
        if (t >= least(end - before, tiles)) continue;
        pack(panel, p->b + j * p->bn, p->k, least(p->n - j, PANEL), p->bk, p->bn);
        for (; t < least(end - before, tiles); t++) tile_at(p, t * ROWS, j, panel);
    }
}

#endif
