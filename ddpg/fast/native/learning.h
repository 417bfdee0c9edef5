/* Kernels that change parameters. */

#ifndef DDPG_LEARNING_H
#define DDPG_LEARNING_H

#include <math.h>

#include "operands.h"
#include "step.h"

static void adam(const Adam *a, Team team) {
    float *param = a->param, *mean = a->mean, *square = a->square;
    const float *grads = a->grad;
    const double steps = *a->step, lr = a->lr_tensor ? *a->lr_tensor : a->lr;
    const float size = (float)(lr / (1 - pow(a->beta1, steps))), root = (float)sqrt(1 - pow(a->beta2, steps));
    const float keep1 = (float)(1 - a->beta1), beta2 = (float)a->beta2, keep2 = (float)(1 - a->beta2);
    const float eps = (float)a->eps, decay = (float)a->weight_decay;
    Int begin, end;
    share(a->n, team, &begin, &end);
#pragma omp simd
    for (Int i = begin; i < end; i++) {
        const float grad = grads[i] + decay * param[i];
        mean[i] += keep1 * (grad - mean[i]);
        square[i] = beta2 * square[i] + keep2 * grad * grad;
        param[i] -= size * mean[i] / (sqrtf(square[i]) / root + eps);
    }
}

static void lerp(const Lerp *l, Team team) {
    float *target = l->target;
    const float *towards = l->end, weight = (float)l->weight;
    Int begin, end;
    share(l->n, team, &begin, &end);
#pragma omp simd
    for (Int i = begin; i < end; i++) { /* with a weight of 1 it arrives exactly */
        const float way = towards[i] - target[i];
        target[i] = weight < 0.5f ? target[i] + weight * way : towards[i] - way * (1 - weight);
    }
}

#endif
