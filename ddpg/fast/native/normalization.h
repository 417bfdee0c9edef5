/* Sums over rows, batch norm and layer norm, in single precision. */

enum { BLOCK = 64 };

/* A kernel of n[1] columns from one for `width` of them, from the j-th on: BLOCK usually, so that loops are vectors. */
#define BY_COLUMNS(NAME)                                           \
    static void NAME(const Step *s, Team team) {                   \
        const Int n = s->n[1];                                     \
        Int begin, end;                                            \
        share((n + BLOCK - 1) / BLOCK, team, &begin, &end);        \
        for (Int j = begin * BLOCK; j < least(n, end * BLOCK); j += BLOCK) \
            if (n - j >= BLOCK) NAME##_columns(s, j, BLOCK);       \
            else NAME##_columns(s, j, n - j);                      \
    }

/* sum_rows: at out (n), a (m, n) with rows in one piece; n: m, n, stride am; a factor. */
INLINE void sum_rows_columns(const Step *s, Int j, Int width) {
    const float factor = (float)s->x[0];
    float sum[BLOCK] = {0};
    for (Int i = 0; i < s->n[0]; i++) {
        const float *a = (const float *)s->at[1] + i * s->n[2] + j;
        for (Int c = 0; c < width; c++) sum[c] += a[c];
    }
    for (Int c = 0; c < width; c++) ((float *)s->at[0])[j + c] = factor * sum[c];
}
BY_COLUMNS(sum_rows)

/* min_rows: the same for the least of each column; NaN wins, as in torch. */
INLINE void min_rows_columns(const Step *s, Int j, Int width) {
    float found[BLOCK];
    memcpy(found, (const float *)s->at[1] + j, width * sizeof(float));
    for (Int i = 1; i < s->n[0]; i++) {
        const float *a = (const float *)s->at[1] + i * s->n[2] + j;
        for (Int c = 0; c < width; c++) found[c] = a[c] < found[c] || a[c] != a[c] ? a[c] : found[c];
    }
    memcpy((float *)s->at[0] + j, found, width * sizeof(float));
}
BY_COLUMNS(min_rows)

/* sum: at out, a in one piece; n: how many; a factor. */
static void sum(const Step *s, Team team) {
    const float *a = s->at[1];
    double total = 0;
    if (team.me) return;
#pragma omp simd reduction(+ : total)
    for (Int i = 0; i < s->n[0]; i++) total += a[i];
    *(float *)s->at[0] = (float)(s->x[0] * total);
}

/* batch_norm: at out (m, n), x (m, n), weight, bias, running mean, running variance, and for training the minibatch's
   mean and 1 / deviation or else NULL; n: m, n, strides out_m, x_m; momentum, eps. */
INLINE void batch_norm_columns(const Step *s, Int j, Int width) {
    const Int m = s->n[0];
    const float *weight = s->at[2], *bias = s->at[3], momentum = (float)s->x[0];
    float *running_mean = s->at[4], *running_var = s->at[5], *means = s->at[6], *scales = s->at[7];
    float mean[BLOCK] = {0}, var[BLOCK] = {0};
    const float *x = (const float *)s->at[1] + j;
    float *out = (float *)s->at[0] + j;
    if (means) {
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) mean[c] += x[i * s->n[3] + c];
        for (Int c = 0; c < width; c++) mean[c] /= m;
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) {
                const float off = x[i * s->n[3] + c] - mean[c];
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
        const float inverse = 1 / sqrtf(var[c] + (float)s->x[1]);
        if (means) means[j + c] = mean[c], scales[j + c] = inverse;
        scale[c] = inverse * weight[j + c];
        shift[c] = bias[j + c] - mean[c] * scale[c];
    }
    for (Int i = 0; i < m; i++)
        for (Int c = 0; c < width; c++) out[i * s->n[2] + c] = x[i * s->n[3] + c] * scale[c] + shift[c];
}
BY_COLUMNS(batch_norm)

/* batch_norm_backward, of training: at grad of x or NULL, of weight, of bias, of out (m, n), x (m, n), weight, the
   minibatch's mean and 1 / deviation; n: m, n; all in one piece. */
INLINE void batch_norm_backward_columns(const Step *s, Int j, Int width) {
    const Int m = s->n[0], n = s->n[1];
    const float *weight = s->at[5], *means = s->at[6], *scales = s->at[7];
    float sum[BLOCK] = {0}, dot[BLOCK] = {0};
    const float *grad = (const float *)s->at[3] + j, *x = (const float *)s->at[4] + j;
    for (Int i = 0; i < m; i++)
        for (Int c = 0; c < width; c++) {
            sum[c] += grad[i * n + c];
            dot[c] += grad[i * n + c] * ((x[i * n + c] - means[j + c]) * scales[j + c]);
        }
    memcpy((float *)s->at[1] + j, dot, width * sizeof(float));
    memcpy((float *)s->at[2] + j, sum, width * sizeof(float));
    if (s->at[0])
        for (Int i = 0; i < m; i++)
            for (Int c = 0; c < width; c++) {
                const float normal = (x[i * n + c] - means[j + c]) * scales[j + c];
                ((float *)s->at[0])[i * n + j + c] =
                    (grad[i * n + c] - (sum[c] + normal * dot[c]) / m) * scales[j + c] * weight[j + c];
            }
}
BY_COLUMNS(batch_norm_backward)

/* layer_norm: at out (m, n), means (m), 1 / deviations (m), x (m, n), weight, bias; n: m, n; eps. */
static void layer_norm(const Step *s, Team team) {
    const Int n = s->n[1];
    const float *weight = s->at[4], *bias = s->at[5];
    Int begin, end;
    share(s->n[0], team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *x = (const float *)s->at[3] + i * n;
        float *out = (float *)s->at[0] + i * n, mean = 0, var = 0;
#pragma omp simd reduction(+ : mean)
        for (Int c = 0; c < n; c++) mean += x[c];
        mean /= n;
#pragma omp simd reduction(+ : var)
        for (Int c = 0; c < n; c++) var += (x[c] - mean) * (x[c] - mean);
        const float scale = 1 / sqrtf(var / n + (float)s->x[0]);
        ((float *)s->at[1])[i] = mean;
        ((float *)s->at[2])[i] = scale;
#pragma omp simd
        for (Int c = 0; c < n; c++) out[c] = (x[c] - mean) * scale * weight[c] + bias[c];
    }
}

/* layer_norm_backward: at grad of x, of out (m, n), x (m, n), means (m), 1 / deviations (m), weight; n: m, n. */
static void layer_norm_backward(const Step *s, Team team) {
    const Int n = s->n[1];
    const float *weight = s->at[5];
    Int begin, end;
    share(s->n[0], team, &begin, &end);
    for (Int i = begin; i < end; i++) {
        const float *grad = (const float *)s->at[1] + i * n, *x = (const float *)s->at[2] + i * n;
        const float mean = ((const float *)s->at[3])[i], scale = ((const float *)s->at[4])[i];
        float *out = (float *)s->at[0] + i * n, sum = 0, dot = 0;
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

/* layer_norm_params: at grad of weight, of bias, of out (m, n), x (m, n), means (m), 1 / deviations (m); n: m, n. */
INLINE void layer_norm_params_columns(const Step *s, Int j, Int width) {
    const Int n = s->n[1];
    float sum[BLOCK] = {0}, dot[BLOCK] = {0};
    for (Int i = 0; i < s->n[0]; i++) {
        const float *grad = (const float *)s->at[2] + i * n + j, *x = (const float *)s->at[3] + i * n + j;
        const float mean = ((const float *)s->at[4])[i], scale = ((const float *)s->at[5])[i];
        for (Int c = 0; c < width; c++) {
            sum[c] += grad[c];
            dot[c] += grad[c] * ((x[c] - mean) * scale);
        }
    }
    memcpy((float *)s->at[0] + j, dot, width * sizeof(float));
    memcpy((float *)s->at[1] + j, sum, width * sizeof(float));
}
BY_COLUMNS(layer_norm_params)
