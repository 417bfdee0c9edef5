/* Matrix products, in single precision: out = a b + bias. The order of all sums is fixed, so that results depend
   neither on the number of threads nor on whether zeros are left out, but for the sign of a zero. */

/* The product, or that of the transposed matrices where fewer columns of panels are then left empty. */
static Step well_turned(const Step *s) {
    const Int m = s->n[0], n = s->n[1];
    Step turned = *s;
    if (4 * m * parts(n, PANEL) < 5 * n * parts(m, PANEL)) return turned;
    const Int order[] = {1, 0, 2, 6, 5, 4, 3, 8, 7, 10, 9, 11};
    for (int i = 0; i < 12; i++) turned.n[i] = s->n[order[i]];
    turned.at[1] = s->at[2], turned.at[2] = s->at[1];
    return turned;
}

/* product: at out (m, n), a (m, k), b (k, n), bias or NULL, and NULL or y (m, n), laid out as out is: what it gives is
   a gradient, and goes through the ReLU that had the result y; n: m, n, k, strides am, ak, bk, bn, out_m, out_n, bias_m,
   bias_n; and whether a ReLU follows. The bias is one number for each row (bias_m = 1) or column (bias_n = 1). */
static void product(const Step *s, Team team) {
    if (worth_leaving_out(s, team)) {
        sparse(s, team);
        return;
    }
    const Step turned = well_turned(s);
    dense(&turned, team);
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
