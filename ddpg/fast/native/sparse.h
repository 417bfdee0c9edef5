/* Products with a matrix a that is zero in many places, as behind a ReLU: the zeros are left out.

   A row of a is written down as a list of its nonzero numbers and their places. In dense.h a number of b that is loaded
   serves ROWS rows, here it serves one; this takes longer for each number of a, but there are fewer. Each sum has the
   same numbers in the same order, so the result is the same, bit for bit, but for the sign of a zero: where a tiny
   product rounds to -0, dense.h still adds 0 to it. */

#ifndef DDPG_SPARSE_H
#define DDPG_SPARSE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "operands.h"
#include "panels.h"
#include "step.h"

enum {
    DEEP = 96,        /* rows of a block of b, which the first-level cache holds */
    WIDE = 64,        /* columns of a block; their sums stay in registers */
    TALL = 256,       /* rows of a that are listed at a time, at most */
    LISTED = 1 << 19, /* numbers that are listed at a time, at most (4 MB) */
};
_Static_assert(DEEP % PANEL == 0 && WIDE % PANEL == 0 && WIDE <= DEEP, "blocks are whole panels");

/* Numbers that are not zero, and for each the place in a panel where the row of b begins that it is multiplied by. */
typedef struct {
    float *x;
    int32_t *at;
    Int count;
} List;

/* Appends those of LANES numbers that are not zero; the first is the p-th of its row. It writes LANES numbers in any
   case. */
INLINE void append(List *list, Vec x, Int p) {
    float *to = list->x + list->count;
    int32_t *at = list->at + list->count;
#ifdef __AVX512F__
    const Bits places = ((int32_t)p + (Bits){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}) * PANEL;
    const __mmask16 wanted = _mm512_cmp_ps_mask((__m512)x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    store(to, (Vec)_mm512_maskz_compress_ps(wanted, (__m512)x));
    *(Bits *)at = (Bits)_mm512_maskz_compress_epi32(wanted, (__m512i)places);
    list->count += __builtin_popcount(wanted);
#else
    Int count = 0;
    for (int c = 0; c < LANES; c++) {
        to[count] = x[c];
        at[count] = (int32_t)((p + c) * PANEL);
        count += x[c] != 0;
    }
    list->count += count;
#endif
}

/* Packs a block of at most DEEP rows as panels: DEEP rows of the first PANEL columns, then of the next ones. */
INLINE void pack_block(float *to, const float *b, Int rows, Int columns, Int bk, Int bn) {
    for (Int c = 0; c < columns; c += PANEL)
        pack(to + c * DEEP, b + c * bn, rows, least(columns - c, PANEL), bk, bn);
}

/* Lists m rows of a from row `begin` on: the first DEEP numbers of each row, then the next DEEP ones. `starts`, which
   has one number for each such block and row, and a last one, gets the places in the list where they begin. */
static void list_rows(const Product *p, Int begin, Int m, float *panels, List list, Int *starts) {
    for (Int depth = 0; depth < p->k; depth += DEEP) {
        const Int width = least(p->k - depth, DEEP);
        for (Int first = 0; first < m; first += DEEP) {
            const float *a = p->a + (begin + first) * p->am + depth * p->ak;
            const Int rows = least(m - first, DEEP);
            pack_block(panels, a, rows, width, p->am, p->ak);
            for (Int i = 0; i < rows; i++) {
                *starts++ = list.count;
                for (Int c = 0; c < width; c += LANES)
                    append(&list, load(panels + c / PANEL * DEEP * PANEL + i * PANEL + c % PANEL), c);
            }
        }
    }
    *starts = list.count;
}

/* Adds to sums (WIDE) the numbers from `begin` to `end` of the list times their rows of b (DEEP, WIDE), which is
   packed. Where b has fewer columns, the last ones hold anything, and their sums are not used. */
INLINE void accumulate(List list, Int begin, Int end, const float *b, float *sums) {
    Vec sum[WIDE / LANES];
    for (int v = 0; v < WIDE / LANES; v++) sum[v] = load(sums + v * LANES);
    for (Int e = begin; e < end; e++) {
        const float *row = b + list.at[e];
        for (int v = 0; v < WIDE / LANES; v++)
            sum[v] = plus_product(sum[v], list.x[e], load(row + v / 2 * DEEP * PANEL + v % 2 * LANES));
    }
    for (int v = 0; v < WIDE / LANES; v++) store(sums + v * LANES, sum[v]);
}

/* Writes finished sums to row i of the result: `width` columns from column j on. */
INLINE void finish(const Product *p, Int i, Int j, Int width, const float *sums) {
    float *out = p->out + i * p->om + j;
    const float *y = p->y ? p->y + i * p->om + j : NULL;
    const int relu = p->relu != 0;
#pragma omp simd
    for (Int c = 0; c < width; c++) out[c] = (relu && sums[c] < 0) || (y && y[c] <= 0) ? 0 : sums[c];
}

/* Computes m rows of the product from row `begin` on. */
static void sparse_rows(const Product *p, Int begin, Int m) {
    const Int starting = m * parts(p->k, DEEP) + 1, listed = m * p->k + LANES;
    float *panels = scratch(DEEP * DEEP + m * WIDE + 2 * starting + 2 * listed), *sums = panels + DEEP * DEEP;
    Int *starts = (Int *)(sums + m * WIDE);
    float *numbers = (float *)(starts + starting);
    const List list = {numbers, (int32_t *)(numbers + listed), 0};
    list_rows(p, begin, m, panels, list, starts);
    for (Int j = 0; j < p->n; j += WIDE) {
        const Int width = least(p->n - j, WIDE);
        float bias[WIDE] = {0};
        if (p->column_bias)
            for (Int c = 0; c < width; c++) bias[c] += p->bias[j + c]; /* 0 + -0 is 0, as in dense */
        for (Int i = 0; i < m; i++) memcpy(sums + i * WIDE, bias, sizeof bias);
        for (Int depth = 0; depth < p->k; depth += DEEP) {
            const float *b = p->b + depth * p->bk + j * p->bn;
            const Int *from = starts + depth / DEEP * m;
            pack_block(panels, b, least(p->k - depth, DEEP), width, p->bk, p->bn);
            for (Int i = 0; i < m; i++) accumulate(list, from[i], from[i + 1], panels, sums + i * WIDE);
        }
        for (Int i = 0; i < m; i++) finish(p, begin + i, j, width, sums + i * WIDE);
    }
}

/* Computes the product. The rows of out lie in one piece, and a bias is one number for each column. */
static void sparse(const Product *p, Team team) {
    Int begin, end;
    share(p->m, team, &begin, &end);
    Int tall = TALL;
    while (tall > 1 && tall * p->k > LISTED) tall /= 2;
    for (; begin < end; begin += tall) sparse_rows(p, begin, least(end - begin, tall));
}

/* Whether all numbers are finite in a matrix whose rows lie in one piece, `apart` from each other. */
static int all_finite(const float *x, Int rows, Int columns, Int apart) {
    Int others = 0;
    for (Int i = 0; i < rows; i++) {
        int32_t here = 0;
        for (Int j = 0; j < columns; j++) here += !isfinite(x[i * apart + j]);
        others += here;
    }
    return others == 0;
}

/* The fraction of zeros in such a matrix, estimated from every fourth row. */
static double zeros(const float *x, Int rows, Int columns, Int apart) {
    Int found = 0, seen = 0;
    for (Int i = 0; i < rows; i += 4, seen += columns) {
        int32_t here = 0;
        for (Int j = 0; j < columns; j++) here += x[i * apart + j] == 0;
        found += here;
    }
    return (double)found / (double)seen;
}

/* Whether `sparse` is faster and as right. For each number that is not zero it takes 8/5 of the time (measured on an
   AMD EPYC of the fourth generation), for whole blocks of WIDE columns, and each thread needs PANEL rows. Where b has
   NaN or infinity it is not right, because 0 times these is NaN. */
static int use_sparse(const Product *p, Team team) {
    const int able = p->on == 1 && !p->row_bias;
    const int in_pieces = (p->am == 1 || p->ak == 1) && (p->bk == 1 || p->bn == 1);
    const int fitting = p->m >= PANEL * team.of && p->n >= 2 * WIDE && p->k >= PANEL && p->k <= LISTED / 32;
    if (!able || !in_pieces || !fitting) return 0;
    const double done = 1 - (p->ak == 1 ? zeros(p->a, p->m, p->k, p->am) : zeros(p->a, p->k, p->m, p->ak));
    if (8 * done * (double)(parts(p->n, WIDE) * WIDE) > 5 * (double)p->n) return 0;
    return p->bn == 1 ? all_finite(p->b, p->k, p->n, p->bk) : all_finite(p->b, p->n, p->k, p->bn);
}

#endif
