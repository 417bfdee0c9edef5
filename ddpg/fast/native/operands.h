/* What each kernel works on: its operands, then sizes and strides (in numbers, not bytes), then constants.

   operands.py has the same structures with the same fields in the same order: tests/fast/test_operands.py compares
   them. A pointer that may be NULL says so. Numbers are of single precision; what has no strides lies in one piece. */

#ifndef DDPG_OPERANDS_H
#define DDPG_OPERANDS_H

#include "step.h"

/* product: out (m, n) = a (m, k) b (k, n) + bias, and a ReLU if `relu`. The bias is one number for each row if
   `row_bias`, for each column if `column_bias`, else NULL. Where y (m, n), laid out as out, is not NULL, the result is
   a gradient, and goes through the ReLU whose result was y. Strides: am from one row of a to the next, ak from one of
   its columns to the next, and so on. dense and sparse, the two ways of computing it, take the same. */
typedef struct {
    float *out;
    const float *a, *b, *bias, *y;
    Int m, n, k, am, ak, bk, bn, om, on;
    Int row_bias, column_bias, relu;
} Product;

/* dots: out (m) = a (m, k) x (k) + bias (m, or NULL), and a ReLU if `relu`. The rows of a, and x, lie in one piece.
   Strides: am from one row of a to the next, om and bias_m from one number to the next (bias_m = 0: one for all). */
typedef struct {
    float *out;
    const float *a, *x, *bias;
    Int m, k, am, om, bias_m, relu;
} Dots;

/* out[i, j] = f(a[i, j], b[i, j]) for i < rows and j < columns, of the type that the kernel's name ends with; f may use
   the constants u and v. Strides of out, a and b: from one row to the next, and from one column to the next. */
typedef struct {
    void *out;
    const void *a, *b;
    Int rows, columns, out_row, out_column, a_row, a_column, b_row, b_column;
    double u, v;
} Elementwise;

/* widen, narrow: out (n) = a (n), from float to double and back. */
typedef struct {
    void *out;
    const void *a;
    Int n;
} Conversion;

/* sum_rows, min_rows: out (n), from each column of a (m, n), whose rows lie in one piece, am apart. The sum is
   multiplied by `factor`. */
typedef struct {
    float *out;
    const float *a;
    Int m, n, am;
    double factor;
} RowReduction;

/* sum: out = factor times the sum of a (n). */
typedef struct {
    float *out;
    const float *a;
    Int n;
    double factor;
} Sum;

/* batch_norm: out (m, n) of x (m, n), whose rows lie in one piece, om and xm apart. In training the minibatch's mean
   and 1 / deviation are written to means and scales (n), and the running ones follow them; else both are NULL. */
typedef struct {
    float *out;
    const float *x, *weight, *bias;
    float *running_mean, *running_var, *means, *scales;
    Int m, n, om, xm;
    double momentum, eps;
} BatchNorm;

/* batch_norm_backward, of training: the gradients of x (NULL: not wanted), weight and bias from that of the result. */
typedef struct {
    float *grad_x, *grad_weight, *grad_bias;
    const float *grad, *x, *weight, *means, *scales;
    Int m, n;
} BatchNormBackward;

/* layer_norm: out (m, n), and the mean and 1 / deviation of each row of x (m, n). */
typedef struct {
    float *out, *means, *scales;
    const float *x, *weight, *bias;
    Int m, n;
    double eps;
} LayerNorm;

/* layer_norm_backward: the gradient of x from that of the result. */
typedef struct {
    float *grad_x;
    const float *grad, *x, *means, *scales, *weight;
    Int m, n;
} LayerNormBackward;

/* layer_norm_params: the gradients of weight and bias from that of the result. */
typedef struct {
    float *grad_weight, *grad_bias;
    const float *grad, *x, *means, *scales;
    Int m, n;
} LayerNormParams;

/* adam: one step of n parameters. `step` is the number of this step, from 1 on; `lr_tensor` is one number that is
   the step size, or NULL: it is lr. */
typedef struct {
    float *param;
    const float *grad;
    float *mean, *square;
    const float *step;
    const double *lr_tensor;
    Int n;
    double lr, beta1, beta2, eps, weight_decay;
} Adam;

/* lerp: target (n) goes the part `weight` of the way towards `end` (n). */
typedef struct {
    float *target;
    const float *end;
    Int n;
    double weight;
} Lerp;

/* numpy's interface to its generators (numpy/random/bitgen.h). */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *);
    uint32_t (*next_uint32)(void *);
    double (*next_double)(void *);
    uint64_t (*next_raw)(void *);
} Generator;

/* draw: first (n), uniform in [range[0], range[0] + range[1]). */
typedef struct {
    const Generator *generator;
    const Int *range;
    Int *first;
    Int n;
} Draw;

/* gather: the transitions with the numbers first (n), of a ring of `slots`. From obs (slots, `bytes` bytes each) and
   numbers (slots, width), which are action, reward, terminated and ends; to obs, next obs, action (n, width - 3),
   reward and terminated (2, n), and `ended`: how many of them end an episode, and which. */
typedef struct {
    const char *obs;
    const float *numbers;
    const Int *first;
    char *to_obs, *to_next_obs;
    float *to_action, *to_rest;
    Int *ended;
    Int n, slots, bytes, width;
} Gather;

#endif
