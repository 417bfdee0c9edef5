/* One call of a kernel, the threads that share it, and scratch memory for each of them. */

#ifndef DDPG_STEP_H
#define DDPG_STEP_H

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#if defined __FAST_MATH__ || __FINITE_MATH_ONLY__
#error "this compiler takes no number for NaN or infinity, by an option in CC or by default"
#endif

typedef int64_t Int;

#define INLINE static inline __attribute__((always_inline))

/* One call of a kernel: its place in the table of kernels.c, and what it works on, a structure of operands.h.
   The same as STEP in library.py. */
typedef struct {
    Int kind;
    const void *operands;
} Step;

/* The threads that share a step: the number of this one, and how many there are. */
typedef struct {
    int me, of;
} Team;

/* This thread's part of n things: [*begin, *end). */
INLINE void share(Int n, Team team, Int *begin, Int *end) {
    *begin = n * team.me / team.of;
    *end = n * (team.me + 1) / team.of;
}

/* How many parts of a size n things need. */
INLINE Int parts(Int n, Int size) { return (n + size - 1) / size; }

INLINE Int least(Int a, Int b) { return a < b ? a : b; }

/* Where the system finds the scratch memory of a thread that ends, to free it. */
static pthread_key_t of_thread;
static int frees;
__attribute__((constructor)) static void make_key(void) { frees = pthread_key_create(&of_thread, free) == 0; }

/* Memory of this thread for `numbers` floats, until its next call of this function. */
static float *scratch(Int numbers) {
    static _Thread_local float *memory;
    static _Thread_local Int size;
    if (size < numbers) {
        free(memory);
        size = numbers;
        memory = aligned_alloc(64, (size_t)(numbers * 4 + 63) / 64 * 64);
        if (!memory) abort();
        if (frees) pthread_setspecific(of_thread, memory);
    }
    return memory;
}

#endif
