/* Products with an a of which much is zero, as it is behind a ReLU: what is zero is left out.

   A row of a is written down as a list of its nonzero numbers and their places. In dense.h a number of b that is loaded
   serves ROWS rows, here it serves one; this takes longer for each number of a, but there are fewer. Each sum has the
   same numbers in the same order, so the result is the same, bit for bit, but for the sign of a zero: where a tiny
   product rounds to -0, dense.h still adds 0 to it. */

enum {
    DEEP = 96,        /* rows of a block of b, which the first-level cache holds */
    WIDE = 64,        /* columns of a block; their sums stay in registers */
    TALL = 256,       /* rows of a that are listed at a time, at most */
    LISTED = 1 << 19, /* numbers that are listed at a time, at most (4 MB) */
};
_Static_assert(DEEP % PANEL == 0 && WIDE % PANEL == 0 && WIDE <= DEEP, "blocks are whole panels");

/* Numbers that are not zero, and where in a panel the row of b begins that each one meets. */
typedef struct {
    float *x;
    int32_t *at;
    Int count;
} List;

/* Adds what is not zero of LANES numbers, of which the first is the p-th. It writes LANES numbers in any case. */
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

/* A block of at most DEEP rows, as panels: DEEP rows of the first PANEL columns, then of the next. */
INLINE void pack_block(float *to, const float *b, Int rows, Int columns, Int bk, Int bn) {
    for (Int c = 0; c < columns; c += PANEL)
        pack(to + c * DEEP, b + c * bn, rows, least(columns - c, PANEL), bk, bn);
}

/* The m rows of a from row `begin` on: the first DEEP numbers of each, then the next ones. `starts` (blocks of DEEP
   numbers, m) and a last one: where in the list what is where. */
static void list_rows(const Step *s, Int begin, Int m, float *panels, List list, Int *starts) {
    const Int k = s->n[2], am = s->n[3], ak = s->n[4];
    for (Int p = 0; p < k; p += DEEP) {
        const Int width = least(k - p, DEEP);
        for (Int first = 0; first < m; first += DEEP) {
            const float *a = (const float *)s->at[1] + (begin + first) * am + p * ak;
            const Int rows = least(m - first, DEEP);
            pack_block(panels, a, rows, width, am, ak);
            for (Int i = 0; i < rows; i++) {
                *starts++ = list.count;
                for (Int c = 0; c < width; c += LANES)
                    append(&list, load(panels + c / PANEL * DEEP * PANEL + i * PANEL + c % PANEL), c);
            }
        }
    }
    *starts = list.count;
}

/* sums (WIDE) += the numbers from `begin` to `end` of the list times their rows of b (DEEP, WIDE), packed. Where b has
   fewer columns, its last ones are anything, and nobody asks for those sums. */
INLINE void add(List list, Int begin, Int end, const float *b, float *sums) {
    Vec sum[WIDE / LANES];
    for (int v = 0; v < WIDE / LANES; v++) sum[v] = load(sums + v * LANES);
    for (Int e = begin; e < end; e++) {
        const float *row = b + list.at[e];
        for (int v = 0; v < WIDE / LANES; v++)
            sum[v] = plus_product(sum[v], list.x[e], load(row + v / 2 * DEEP * PANEL + v % 2 * LANES));
    }
    for (int v = 0; v < WIDE / LANES; v++) store(sums + v * LANES, sum[v]);
}

/* Of the result, row i and `width` columns from column j on: the finished sums. */
INLINE void finish(const Step *s, Int i, Int j, Int width, const float *sums) {
    const Int om = s->n[7];
    float *out = (float *)s->at[0] + i * om + j;
    const float *y = s->at[4] ? (const float *)s->at[4] + i * om + j : NULL;
    const int relu = s->n[11] != 0;
#pragma omp simd
    for (Int c = 0; c < width; c++) out[c] = (relu && sums[c] < 0) || (y && y[c] <= 0) ? 0 : sums[c];
}

/* Of the product, m rows from row `begin` on. */
static void sparse_rows(const Step *s, Int begin, Int m) {
    const Int n = s->n[1], k = s->n[2], bk = s->n[5], bn = s->n[6];
    const Int starting = m * parts(k, DEEP) + 1, listed = m * k + LANES;
    float *panels = room(DEEP * DEEP + m * WIDE + 2 * starting + 2 * listed), *sums = panels + DEEP * DEEP;
    Int *starts = (Int *)(sums + m * WIDE);
    float *numbers = (float *)(starts + starting);
    const List list = {numbers, (int32_t *)(numbers + listed), 0};
    list_rows(s, begin, m, panels, list, starts);
    for (Int j = 0; j < n; j += WIDE) {
        const Int width = least(n - j, WIDE);
        float bias[WIDE] = {0};
        if (s->n[10])
            for (Int c = 0; c < width; c++) bias[c] += ((const float *)s->at[3])[j + c]; /* 0 + -0 is 0, as in dense */
        for (Int i = 0; i < m; i++) memcpy(sums + i * WIDE, bias, sizeof bias);
        for (Int p = 0; p < k; p += DEEP) {
            const float *b = (const float *)s->at[2] + p * bk + j * bn;
            const Int *from = starts + p / DEEP * m;
            pack_block(panels, b, least(k - p, DEEP), width, bk, bn);
            for (Int i = 0; i < m; i++) add(list, from[i], from[i + 1], panels, sums + i * WIDE);
        }
        for (Int i = 0; i < m; i++) finish(s, begin + i, j, width, sums + i * WIDE);
    }
}

/* The product. The rows of out lie in one piece, and a bias is one number for each column. */
static void sparse(const Step *s, Team team) {
    Int begin, end;
    share(s->n[0], team, &begin, &end);
    Int tall = TALL;
    while (tall > 1 && tall * s->n[2] > LISTED) tall /= 2;
    for (; begin < end; begin += tall) sparse_rows(s, begin, least(end - begin, tall));
}

/* Whether all numbers of a matrix are finite, whose rows are in one piece, `apart` from each other. */
static int all_finite(const float *x, Int rows, Int columns, Int apart) {
    Int others = 0;
    for (Int i = 0; i < rows; i++) {
        int32_t here = 0;
        for (Int j = 0; j < columns; j++) here += !isfinite(x[i * apart + j]);
        others += here;
    }
    return others == 0;
}

/* The part that is zero of such a matrix, by every fourth row. */
static double zeros(const float *x, Int rows, Int columns, Int apart) {
    Int found = 0, seen = 0;
    for (Int i = 0; i < rows; i += 4, seen += columns) {
        int32_t here = 0;
        for (Int j = 0; j < columns; j++) here += x[i * apart + j] == 0;
        found += here;
    }
    return (double)found / (double)seen;
}

/* Whether `sparse` is faster: for each number that is not zero it takes 8/5 of the time (measured on an AMD EPYC of the
   fourth generation), for whole blocks of WIDE columns, and each thread needs PANEL rows. Not where b has NaN or
   infinity, since 0 times those is NaN. */
static int worth_leaving_out(const Step *s, Team team) {
    const Int m = s->n[0], n = s->n[1], k = s->n[2], am = s->n[3], ak = s->n[4], bk = s->n[5], bn = s->n[6];
    const int able = s->n[8] == 1 && !s->n[9], in_pieces = (am == 1 || ak == 1) && (bk == 1 || bn == 1);
    const int fitting = m >= PANEL * team.of && n >= 2 * WIDE && k >= PANEL && k <= LISTED / 32;
    const float *a = s->at[1], *b = s->at[2];
    if (!able || !in_pieces || !fitting) return 0;
    const double done = 1 - (ak == 1 ? zeros(a, m, k, am) : zeros(a, k, m, ak));
    if (8 * done * (double)(parts(n, WIDE) * WIDE) > 5 * (double)n) return 0;
    return bn == 1 ? all_finite(b, k, n, bk) : all_finite(b, n, k, bn);
}
