/* The kernels that a step of learning is made of, and `execute`, which runs a list of them. */

#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "dense.h"
#include "learning.h"
#include "normalization.h"
#include "operands.h"
#include "pointwise.h"
#include "product.h"
#include "replay.h"
#include "sparse.h"
#include "step.h"

/* X for each kernel, with the structure that it takes. No step of learning names dense and sparse, between which
   `product` chooses: they are here so that tests can compare them on the same operands. */
#define KERNELS(X)                                                                                                \
    X(Product, product) X(Product, dense) X(Product, sparse) X(Dots, dots)                                        \
    X(Elementwise, copy_float) X(Elementwise, copy_double) X(Elementwise, copy_Int)                               \
    X(Elementwise, add_float) X(Elementwise, add_double) X(Elementwise, add_Int)                                  \
    X(Elementwise, sub_float) X(Elementwise, sub_double) X(Elementwise, mul_float) X(Elementwise, mul_double)     \
    X(Elementwise, div_float) X(Elementwise, div_double) X(Elementwise, pow_double)                               \
    X(Elementwise, neg_float) X(Elementwise, neg_double) X(Elementwise, abs_float) X(Elementwise, abs_double)     \
    X(Elementwise, sqrt_float) X(Elementwise, sqrt_double) X(Elementwise, tanh_float) X(Elementwise, tanh_double) \
    X(Elementwise, tanh_backward_float) X(Elementwise, tanh_backward_double)                                      \
    X(Elementwise, relu_float) X(Elementwise, relu_double)                                                        \
    X(Elementwise, threshold_backward_float) X(Elementwise, threshold_backward_double)                            \
    X(Elementwise, clamp_float) X(Elementwise, clamp_double)                                                      \
    X(Elementwise, maximum_float) X(Elementwise, maximum_double)                                                  \
    X(Elementwise, minimum_float) X(Elementwise, minimum_double)                                                  \
    X(Conversion, widen) X(Conversion, narrow) X(RowReduction, sum_rows) X(RowReduction, min_rows) X(Sum, sum)    \
    X(BatchNorm, batch_norm) X(BatchNormBackward, batch_norm_backward) X(LayerNorm, layer_norm)                   \
    X(LayerNormBackward, layer_norm_backward) X(LayerNormParams, layer_norm_params)                               \
    X(Adam, adam) X(Lerp, lerp) X(Draw, draw) X(Gather, gather)

#define RUN(OPERANDS, NAME) \
    static void run_##NAME(const void *operands, Team team) { NAME((const OPERANDS *)operands, team); }
KERNELS(RUN)

#define ENTRY(OPERANDS, NAME) {#NAME, #OPERANDS, run_##NAME},
static const struct {
    const char *name, *operands;
    void (*run)(const void *, Team);
} TABLE[] = {KERNELS(ENTRY)};
enum { KINDS = sizeof TABLE / sizeof *TABLE };

/* The `kind` of the kernel of that name, or -1. */
Int kind_of(const char *name) {
    for (Int kind = 0; kind < KINDS; kind++)
        if (strcmp(TABLE[kind].name, name) == 0) return kind;
    return -1;
}

/* The name of the structure that a kernel takes. */
const char *operands_of(Int kind) { return TABLE[kind].operands; }

/* Whether `execute` heeds its number of threads. */
int has_threads(void) {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Runs the steps one after the other, each with so many threads. */
void execute(const Step *steps, Int count, int threads) {
#ifdef _OPENMP
    if (threads > 1) {
        const unsigned int rounding = __builtin_ia32_stmxcsr(); /* whether denormals are zero, for all threads alike */
#pragma omp parallel num_threads(threads)
        {
            const Team team = {omp_get_thread_num(), omp_get_num_threads()};
            __builtin_ia32_ldmxcsr(rounding);
            for (Int i = 0; i < count; i++) {
                TABLE[steps[i].kind].run(steps[i].operands, team);
#pragma omp barrier
            }
        }
        return;
    }
#endif
    (void)threads;
    for (Int i = 0; i < count; i++) TABLE[steps[i].kind].run(steps[i].operands, (Team){0, 1});
}
