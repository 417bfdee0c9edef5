/* One call of a kernel, the threads that share it, and memory that each of them has for it. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t Int;

#define INLINE static inline __attribute__((always_inline))

/* One call of a kernel: operands, sizes and strides (in numbers, not bytes), and constants. What each place holds is
   said at the kernel. The same as STEP in library.py. */
typedef struct {
    Int kind;
    void *at[8];
    Int n[12];
    double x[6];
} Step;

/* The threads that share a step: this one's number, and how many there are. */
typedef struct {
    int me, of;
} Team;

/* This thread's part of n things: [*begin, *end). */
INLINE void share(Int n, Team team, Int *begin, Int *end) {
    *begin = n * team.me / team.of;
    *end = n * (team.me + 1) / team.of;
}

/* How many parts of so much n things need. */
INLINE Int parts(Int n, Int of) { return (n + of - 1) / of; }

INLINE Int least(Int a, Int b) { return a < b ? a : b; }

/* Memory of this thread's own for so many numbers, until the next call. */
static float *room(Int numbers) {
    static _Thread_local float *memory;
    static _Thread_local Int size;
    if (size < numbers) {
        free(memory);
        size = numbers;
        memory = aligned_alloc(64, (size_t)(numbers * 4 + 63) / 64 * 64);
        if (!memory) abort();
    }
    return memory;
}
