/* Kernels that work number by number. */

#ifndef DDPG_POINTWISE_H
#define DDPG_POINTWISE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "operands.h"
#include "step.h"

/* Returns e^x for x in [0, 20], as 2^n e^r with |r| <= ln(2) / 2, and the polynomial of Cephes for e^r. */
INLINE float exp_of(float x) {
    const float n = (float)(int)(x * 1.44269504f + 0.5f), r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return (p * r * r + r + 1) * power;
}

/* Returns tanh(x) as Cephes does: by a polynomial near 0, where 1 - 2 / (e^2x + 1) would lose digits. */
INLINE float tanh_of(float x) {
    const float size = fabsf(x), y = x * x;
    float p = -5.70498872745e-3f;
    p = p * y + 2.06390887954e-2f;
    p = p * y - 5.37397155531e-2f;
    p = p * y + 1.33314422036e-1f;
    p = p * y - 3.33332819422e-1f;
    const float large = copysignf(1 - 2 / (exp_of(2 * (size > 10 ? 10 : size)) + 1), x);
    return size < 0.625f ? x + x * y * p : (size >= 0.625f ? large : x); /* the last: NaN */
}

/* Kernels of two operands a and b, which may be the same: VALUE of a, b, u and v. */
#define LOOP(OUT, A, B, VALUE)                          \
    _Pragma("omp simd") for (Int j = 0; j < e->columns; j++) { \
        const Number a = pa[j * (A)], b = pb[j * (B)];  \
        (void)b;                                        \
        out[j * (OUT)] = VALUE;                         \
    }
#define ROWS_OF(NAME, TYPE, LOOPS)                                     \
    static void NAME(const Elementwise *e, Team team) {                \
        typedef TYPE Number;                                           \
        const Number u = (Number)e->u, v = (Number)e->v;               \
        Int begin, end;                                                \
        (void)u, (void)v;                                              \
        share(e->rows, team, &begin, &end);                            \
        for (Int i = begin; i < end; i++) {                            \
            Number *out = (Number *)e->out + i * e->out_row;           \
            const Number *pa = (const Number *)e->a + i * e->a_row;    \
            const Number *pb = (const Number *)e->b + i * e->b_row;    \
            LOOPS                                                      \
        }                                                              \
    }
/* float: the usual strides are constants, so that the loops are vectors. double and int: they are single numbers. */
#define FLOAT(NAME, VALUE)                                                                                  \
    ROWS_OF(NAME##_float, float,                                                                            \
            if (e->out_column == 1 && e->a_column == 1 && e->b_column == 1) LOOP(1, 1, 1, VALUE)            \
            else if (e->out_column == 1 && e->a_column == 1 && e->b_column == 0) LOOP(1, 1, 0, VALUE)       \
            else LOOP(e->out_column, e->a_column, e->b_column, VALUE))
#define OTHER(NAME, TYPE, VALUE) \
    ROWS_OF(NAME##_##TYPE, TYPE, LOOP(e->out_column, e->a_column, e->b_column, VALUE))
#define BOTH(NAME, VALUE) FLOAT(NAME, VALUE) OTHER(NAME, double, VALUE)
BOTH(copy, a)
BOTH(add, a + b)
BOTH(sub, a - b)
BOTH(mul, a * b)
BOTH(div, a / b)
BOTH(neg, -a)
FLOAT(abs, fabsf(a))
OTHER(abs, double, fabs(a))
BOTH(relu, a < 0 ? 0 : a)
BOTH(threshold_backward, b <= u ? 0 : a)
BOTH(tanh_backward, a * (1 - b * b))
BOTH(clamp, (a < u ? u : a) > v ? v : (a < u ? u : a))
BOTH(maximum, a < b || b != b ? b : a)
BOTH(minimum, a > b || b != b ? b : a)
FLOAT(tanh, tanh_of(a))
OTHER(tanh, double, tanh(a))
FLOAT(sqrt, sqrtf(a))
OTHER(sqrt, double, sqrt(a))
OTHER(pow, double, pow(a, b))
OTHER(copy, Int, a)
OTHER(add, Int, a + b)

static void widen(const Conversion *c, Team team) {
    if (team.me == 0)
        for (Int i = 0; i < c->n; i++) ((double *)c->out)[i] = ((const float *)c->a)[i];
}

static void narrow(const Conversion *c, Team team) {
    if (team.me == 0)
        for (Int i = 0; i < c->n; i++) ((float *)c->out)[i] = (float)((const double *)c->a)[i];
}

#endif
