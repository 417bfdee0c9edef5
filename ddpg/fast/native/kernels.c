/* The kernels that a step of learning is made of, and `play`, which runs a list of them. */

#ifdef _OPENMP
#include <omp.h>
#endif

/* each needs some of those before it */
#include "step.h"
#include "panels.h"
#include "dense.h"
#include "sparse.h"
#include "product.h"

#include "learning.h"
#include "memory.h"
#include "normalization.h"
#include "pointwise.h"

#define NAMED(NAME) {#NAME, NAME}
static const struct {
    const char *name;
    void (*run)(const Step *, Team);
} KERNELS[] = {
    NAMED(product), NAMED(dense), NAMED(sparse), NAMED(dots), NAMED(copy_float), NAMED(copy_double),
    NAMED(add_float), NAMED(add_double), NAMED(sub_float), NAMED(sub_double), NAMED(mul_float), NAMED(mul_double),
    NAMED(div_float), NAMED(div_double), NAMED(neg_float), NAMED(neg_double), NAMED(abs_float), NAMED(abs_double),
    NAMED(relu_float), NAMED(relu_double), NAMED(threshold_backward_float), NAMED(threshold_backward_double),
    NAMED(tanh_backward_float), NAMED(tanh_backward_double), NAMED(clamp_float), NAMED(clamp_double),
    NAMED(maximum_float), NAMED(maximum_double), NAMED(minimum_float), NAMED(minimum_double), NAMED(tanh_float),
    NAMED(tanh_double), NAMED(sqrt_float), NAMED(sqrt_double), NAMED(pow_double), NAMED(copy_Int), NAMED(add_Int),
    NAMED(widen), NAMED(narrow), NAMED(sum_rows), NAMED(min_rows), NAMED(sum), NAMED(batch_norm),
    NAMED(batch_norm_backward), NAMED(layer_norm), NAMED(layer_norm_backward), NAMED(layer_norm_params),
    NAMED(adam), NAMED(lerp), NAMED(draw), NAMED(gather),
};
enum { KINDS = sizeof KERNELS / sizeof *KERNELS };

/* The `kind` of the kernel of that name, or -1. */
Int kind_of(const char *name) {
    for (Int kind = 0; kind < KINDS; kind++)
        if (strcmp(KERNELS[kind].name, name) == 0) return kind;
    return -1;
}

/* Does the steps one after the other, each with so many threads. */
void play(const Step *steps, Int count, int threads) {
#ifdef _OPENMP
    if (threads > 1) {
        const unsigned int rounding = __builtin_ia32_stmxcsr(); /* whether denormals are zero, for all threads alike */
#pragma omp parallel num_threads(threads)
        {
            const Team team = {omp_get_thread_num(), omp_get_num_threads()};
            __builtin_ia32_ldmxcsr(rounding);
            for (Int i = 0; i < count; i++) {
                KERNELS[steps[i].kind].run(steps + i, team);
#pragma omp barrier
            }
        }
        return;
    }
#endif
    (void)threads;
    for (Int i = 0; i < count; i++) KERNELS[steps[i].kind].run(steps + i, (Team){0, 1});
}
