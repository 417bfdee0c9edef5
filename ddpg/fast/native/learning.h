/* What changes parameters. */

/* adam: at parameter, gradient, mean, mean square, the number of steps (one number), the step size or NULL (one
   double); n: how many; step size, beta1, beta2, eps, weight decay. */
static void adam(const Step *s, Team team) {
    float *param = s->at[0], *mean = s->at[2], *square = s->at[3];
    const float *grads = s->at[1];
    const double steps = *(const float *)s->at[4], lr = s->at[5] ? *(const double *)s->at[5] : s->x[0];
    const float size = (float)(lr / (1 - pow(s->x[1], steps))), root = (float)sqrt(1 - pow(s->x[2], steps));
    const float keep1 = (float)(1 - s->x[1]), beta2 = (float)s->x[2], keep2 = (float)(1 - s->x[2]);
    const float eps = (float)s->x[3], decay = (float)s->x[4];
    Int begin, end;
    share(s->n[0], team, &begin, &end);
#pragma omp simd
    for (Int i = begin; i < end; i++) {
        const float grad = grads[i] + decay * param[i];
        mean[i] += keep1 * (grad - mean[i]);
        square[i] = beta2 * square[i] + keep2 * grad * grad;
        param[i] -= size * mean[i] / (sqrtf(square[i]) / root + eps);
    }
}

/* lerp: at target, towards; n: how many; the part of the way. */
static void lerp(const Step *s, Team team) {
    float *target = s->at[0];
    const float *towards = s->at[1], part = (float)s->x[0];
    Int begin, end;
    share(s->n[0], team, &begin, &end);
#pragma omp simd
    for (Int i = begin; i < end; i++) { /* all the way is there exactly */
        const float way = towards[i] - target[i];
        target[i] = part < 0.5f ? target[i] + part * way : towards[i] - way * (1 - part);
    }
}
