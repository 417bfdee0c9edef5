/* Matrix products, in single precision: out = a b + bias. The order of all sums is fixed, so that results depend
   neither on the number of threads nor on whether zeros are left out, but for the sign of a zero. */

#ifndef DDPG_PRODUCT_H
#define DDPG_PRODUCT_H

#include "dense.h"
#include "operands.h"
#include "panels.h"
#include "sparse.h"
#include "step.h"

/* Returns the product, or that of the transposed matrices where it leaves fewer columns of panels empty. */
static Product transposed_if_narrow(const Product *p) {
    if (4 * p->m * parts(p->n, PANEL) < 5 * p->n * parts(p->m, PANEL)) return *p;
    return (Product){
        .out = p->out, .om = p->on, .on = p->om, .m = p->n, .n = p->m, .k = p->k,
        .a = p->b, .am = p->bn, .ak = p->bk,
        .b = p->a, .bk = p->ak, .bn = p->am,
        .bias = p->bias, .row_bias = p->column_bias, .column_bias = p->row_bias,
        .y = p->y, .relu = p->relu,
    };
}

static void product(const Product *p, Team team) {
    if (use_sparse(p, team)) {
        sparse(p, team);
        return;
    }
    const Product narrow = transposed_if_narrow(p);
    dense(&narrow, team);
}

static void dots(const Dots *d, Team team) {
    Int begin, end;
    share(d->m, team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *a = d->a + i * d->am, *x = d->x;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Int p = 0; p < d->k; p++) sum += a[p] * x[p];
        if (d->bias) sum += d->bias[i * d->bias_m];
        d->out[i * d->om] = d->relu && sum < 0 ? 0 : sum;
    }
}

#endif
