/* Sums over rows, batch norm and layer norm, in single precision. */

#ifndef DDPG_NORMALIZATION_H
#define DDPG_NORMALIZATION_H

#include <math.h>
#include <string.h>

#include "operands.h"
#include "step.h"

enum { BLOCK = 64 };

/* A kernel of n columns from one for `width` of them, from the j-th on: BLOCK usually, so that loops are vectors. */
#define BY_COLUMNS(OPERANDS, NAME)                                             \
    static void NAME(const OPERANDS *o, Team team) {                           \
        Int begin, end;                                                        \
        share(parts(o->n, BLOCK), team, &begin, &end);                         \
        for (Int j = begin * BLOCK; j < least(o->n, end * BLOCK); j += BLOCK)  \
            if (o->n - j >= BLOCK) NAME##_columns(o, j, BLOCK);                \
            else NAME##_columns(o, j, o->n - j);                               \
    }

INLINE void sum_rows_columns(const RowReduction *r, Int j, Int width) {
    const float factor = (float)r->factor;
    float sum[BLOCK] = {0};
    for (Int i = 0; i < r->m; i++) {
        const float *a = r->a + i * r->am + j;
        for (Int c = 0; c < width; c++) sum[c] += a[c];
    }
    for (Int c = 0; c < width; c++) r->out[j + c] = factor * sum[c];
}
BY_COLUMNS(RowReduction, sum_rows)

/* NaN wins, as in torch. */
INLINE void min_rows_columns(const RowReduction *r, Int j, Int width) {
    float found[BLOCK];
    memcpy(found, r->a + j, width * sizeof(float));
    for (Int i = 1; i < r->m; i++) {
        const float *a = r->a + i * r->am + j;
        for (Int c = 0; c < width; c++) found[c] = a[c] < found[c] || a[c] != a[c] ? a[c] : found[c];
    }
    memcpy(r->out + j, found, width * sizeof(float));
}
BY_COLUMNS(RowReduction, min_rows)

static void sum(const Sum *s, Team team) {
    const float *a = s->a;
    double total = 0;
    if (team.me) return;
#pragma omp simd reduction(+ : total)
    for (Int i = 0; i < s->n; i++) total += a[i];
    *s->out = (float)(s->factor * total);
}

INLINE void batch_norm_columns(const BatchNorm *b, Int j, Int width) {
    const Int m = b->m;
    const float *weight = b->weight, *bias = b->bias, momentum = (float)b->momentum;
    float *running_mean = b->running_mean, *running_var = b->running_var, *means = b->means, *scales = b->scales;
    float mean[BLOCK] = {0}, var[BLOCK] = {0};
    const float *x = b->x + j;
    float *out = b->out + j;
    if (means) {
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) mean[c] += x[i * b->xm + c];
        for (Int c = 0; c < width; c++) mean[c] /= m;
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) {
                const float off = x[i * b->xm + c] - mean[c];
                var[c] += off * off;
            }
        for (Int c = 0; c < width; c++) {
            running_mean[j + c] += momentum * (mean[c] - running_mean[j + c]);
            running_var[j + c] += momentum * (var[c] / (m - 1) - running_var[j + c]);
            var[c] /= m;
        }
    } else {
        memcpy(mean, running_mean + j, width * sizeof(float));
        memcpy(var, running_var + j, width * sizeof(float));
    }
    float scale[BLOCK], shift[BLOCK];
    for (Int c = 0; c < width; c++) {
        const float inverse = 1 / sqrtf(var[c] + (float)b->eps);
        if (means) means[j + c] = mean[c], scales[j + c] = inverse;
        scale[c] = inverse * weight[j + c];
        shift[c] = bias[j + c] - mean[c] * scale[c];
    }
    for (Int i = 0; i < m; i++)
        for (Int c = 0; c < width; c++) out[i * b->om + c] = x[i * b->xm + c] * scale[c] + shift[c];
}
BY_COLUMNS(BatchNorm, batch_norm)

INLINE void batch_norm_backward_columns(const BatchNormBackward *b, Int j, Int width) {
    const Int m = b->m, n = b->n;
    const float *weight = b->weight, *means = b->means, *scales = b->scales;
    float sum[BLOCK] = {0}, dot[BLOCK] = {0};
    const float *grad = b->grad + j, *x = b->x + j;
    for (Int i = 0; i < m; i++)
        for (Int c = 0; c < width; c++) {
            sum[c] += grad[i * n + c];
            dot[c] += grad[i * n + c] * ((x[i * n + c] - means[j + c]) * scales[j + c]);
        }
    memcpy(b->grad_weight + j, dot, width * sizeof(float));
    memcpy(b->grad_bias + j, sum, width * sizeof(float));
    if (b->grad_x)
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) {
                const float normal = (x[i * n + c] - means[j + c]) * scales[j + c];
                b->grad_x[i * n + j + c] =
                    (grad[i * n + c] - (sum[c] + normal * dot[c]) / m) * scales[j + c] * weight[j + c];
            }
}
BY_COLUMNS(BatchNormBackward, batch_norm_backward)

static void layer_norm(const LayerNorm *l, Team team) {
    const Int n = l->n;
    const float *weight = l->weight, *bias = l->bias;
    Int begin, end;
    share(l->m, team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *x = l->x + i * n;
        float *out = l->out + i * n, mean = 0, var = 0;
#pragma omp simd reduction(+ : mean)
        for (Int c = 0; c < n; c++) mean += x[c];
        mean /= n;
#pragma omp simd reduction(+ : var)
        for (Int c = 0; c < n; c++) var += (x[c] - mean) * (x[c] - mean);
        const float scale = 1 / sqrtf(var / n + (float)l->eps);
        l->means[i] = mean;
        l->scales[i] = scale;
#pragma omp simd
        for (Int c = 0; c < n; c++) out[c] = (x[c] - mean) * scale * weight[c] + bias[c];
    }
}

static void layer_norm_backward(const LayerNormBackward *l, Team team) {
    const Int n = l->n;
    const float *weight = l->weight;
    Int begin, end;
    share(l->m, team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *grad = l->grad + i * n, *x = l->x + i * n;
        const float mean = l->means[i], scale = l->scales[i];
        float *out = l->grad_x + i * n, sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
        for (Int c = 0; c < n; c++) {
            const float g = grad[c] * weight[c];
            sum += g;
            dot += g * (x[c] - mean) * scale;
        }
#pragma omp simd
        for (Int c = 0; c < n; c++) {
            const float normal = (x[c] - mean) * scale;
            out[c] = (grad[c] * weight[c] - (sum + normal * dot) / n) * scale;
        }
    }
}

INLINE void layer_norm_params_columns(const LayerNormParams *l, Int j, Int width) {
    const Int n = l->n;
    float sum[BLOCK] = {0}, dot[BLOCK] = {0};
    for (Int i = 0; i < l->m; i++) {
        const float *grad = l->grad + i * n + j, *x = l->x + i * n + j;
        const float mean = l->means[i], scale = l->scales[i];
        for (Int c = 0; c < width; c++) {
            sum[c] += grad[c];
            dot[c] += grad[c] * ((x[c] - mean) * scale);
        }
    }
    memcpy(l->grad_weight + j, dot, width * sizeof(float));
    memcpy(l->grad_bias + j, sum, width * sizeof(float));
}
BY_COLUMNS(LayerNormParams, layer_norm_params)

#endif
