/* Matrix products, in single precision.

   A tile of the result is kept in registers: ROWS x PANEL numbers, each the sum over k of a number of a times a number
   of b, so every number that is loaded is used ROWS or PANEL times. b is copied to panels first, PANEL columns side by
   side, which the first-level cache can hold (Goto and van de Geijn, "Anatomy of high-performance matrix
   multiplication", 2008). The order of all sums is fixed: results do not depend on the number of threads. */

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 8 };
#define EVEN 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ODD 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#else
enum { LANES = 8, ROWS = 6 };
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

/* Columns, rounded up to panels. */
INLINE Int whole_panels(Int n) { return (n + PANEL - 1) / PANEL * PANEL; }

INLINE Vec load(const float *from) { return *(const Vec *)from; }

INLINE void store(float *to, Vec numbers) { *(Vec *)to = numbers; }

/* A square of LANES x LANES numbers, mirrored at its diagonal: log2(LANES) perfect shuffles of its rows. */
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

/* A panel of b, (k, PANEL), side by side; columns from `width` on are zero. */
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

/* The gradient through a ReLU whose result was y. */
INLINE Vec through_relu(Vec grad, Vec y) { return (Vec)((Bits)grad & ~(Bits)(y <= (Vec){0})); }

/* NaN stays NaN, as in torch. */
INLINE Vec relu_of(Vec x) { return (Vec)((Bits)x & ~(Bits)(x < (Vec){0})); }

/* ROWS or fewer rows of a and a panel of b: (rows, PANEL) numbers of out, whose rows are om apart. */
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
            left[r] += x * b_left;
            right[r] += x * b_right;
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

/* The tile at row i and column j, also where it is not whole or its rows do not lie in one piece. */
static void tile_at(const Step *s, Int i, Int j, const float *panel) {
    const Int om = s->n[7], on = s->n[8], rows = least(s->n[0] - i, ROWS), width = least(s->n[1] - j, PANEL);
    const float *a = (const float *)s->at[1] + i * s->n[3], *bias = s->at[3];
    const float *y = s->at[4] ? (const float *)s->at[4] + i * om + j * on : NULL;
    float *out = (float *)s->at[0] + i * om + j * on, apart[ROWS * PANEL];
    float row_bias[ROWS] = {0}, column_bias[PANEL] = {0};
    const int whole = width == PANEL && on == 1;
    if (s->n[9]) memcpy(row_bias, bias + i, (size_t)rows * 4);
    if (s->n[10]) memcpy(column_bias, bias + j, (size_t)width * 4);
    TILES[rows - 1](
        s->n[2], a, s->n[3], s->n[4], panel, row_bias, column_bias, whole ? out : apart, whole ? om : PANEL, s->n[11],
        whole ? y : NULL);
    if (whole) return;
    for (Int r = 0; r < rows; r++)
        for (Int c = 0; c < width; c++)
            out[r * om + c * on] = y && y[r * om + c * on] <= 0 ? 0 : apart[r * PANEL + c];
}

/* The product, or that of the transposed matrices where fewer columns of panels are then left empty. */
static Step well_turned(const Step *s) {
    const Int m = s->n[0], n = s->n[1];
    Step turned = *s;
    if (4 * m * whole_panels(n) < 5 * n * whole_panels(m)) return turned;
    const Int order[] = {1, 0, 2, 6, 5, 4, 3, 8, 7, 10, 9, 11};
    for (int i = 0; i < 12; i++) turned.n[i] = s->n[order[i]];
    turned.at[1] = s->at[2], turned.at[2] = s->at[1];
    return turned;
}

/* Memory of this thread's own for so many numbers, until the next call. */
static float *room(Int numbers) {
    static _Thread_local float *memory;
    static _Thread_local Int size;
    if (size < numbers) {
        free(memory);
        size = numbers;
        memory = aligned_alloc(64, (size_t)(numbers * 4 + 63) / 64 * 64);
    }
    return memory;
}

/* product: at out (m, n), a (m, k), b (k, n), bias or NULL, and NULL or y (m, n), laid out as out is: what it gives is a
   gradient, and goes through the ReLU that had the result y; n: m, n, k, strides am, ak, bk, bn, out_m, out_n, bias_m,
   bias_n; and whether a ReLU follows. The bias is one number for each row (bias_m = 1) or column (bias_n = 1). */
static void product(const Step *given, Team team) {
    const Step turned = well_turned(given), *s = &turned;
    const Int m = s->n[0], n = s->n[1], k = s->n[2], tiles = (m + ROWS - 1) / ROWS;
    float *panel = room(k * PANEL);
    Int begin, end, packed = -1;
    share(whole_panels(n) / PANEL * tiles, team, &begin, &end);
    for (Int t = begin; t < end; t++) {
        const Int i = t % tiles * ROWS, j = t / tiles * PANEL;
        if (j != packed) pack(panel, (const float *)s->at[2] + j * s->n[6], k, least(n - j, PANEL), s->n[5], s->n[6]);
        packed = j;
        tile_at(s, i, j, panel);
    }
}

/* dots: at out (m), a (m, k) with rows in one piece, x (k) in one piece, bias or NULL; n: m, k, strides am, out_m,
   bias_m; and whether a ReLU follows. */
static void dots(const Step *s, Team team) {
    const Int k = s->n[1];
    const float *x = s->at[2], *bias = s->at[3];
    float *out = s->at[0];
    Int begin, end;
    share(s->n[0], team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *a = (const float *)s->at[1] + i * s->n[2];
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Int p = 0; p < k; p++) sum += a[p] * x[p];
        if (bias) sum += bias[i * s->n[4]];
        out[i * s->n[3]] = s->n[5] && sum < 0 ? 0 : sum;
    }
}
