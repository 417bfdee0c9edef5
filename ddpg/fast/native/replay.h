/* Kernels that sample from a replay buffer. */

#ifndef DDPG_REPLAY_H
#define DDPG_REPLAY_H

#include <stdint.h>
#include <string.h>

#include "operands.h"
#include "step.h"

/* The same as range[0] + generator.integers(range[1], size=n) (Lemire, "Fast random integer generation in an interval",
   2019). */
static void draw(const Draw *d, Team team) {
    const Generator *generator = d->generator;
    const Int oldest = d->range[0], count = d->range[1];
    const uint32_t bound = (uint32_t)count, least_fair = bound ? (uint32_t)-bound % bound : 0;
    if (team.me) return;
    for (Int i = 0; i < d->n; i++) {
        uint64_t product = 0;
        if (count > 1) /* of one number there is nothing to draw */
            do product = (uint64_t)generator->next_uint32(generator->state) * bound;
            while ((uint32_t)product < least_fair);
        d->first[i] = oldest + (Int)(product >> 32);
    }
}

/* Fetches `bytes` bytes, which lie anywhere in main memory, ahead of their use. */
INLINE void prefetch(const char *at, Int bytes) {
    for (Int b = 0; b < bytes; b += 64) __builtin_prefetch(at + b);
    __builtin_prefetch(at + bytes - 1);
}

static void gather(const Gather *g, Team team) {
    const Int n = g->n, slots = g->slots, bytes = g->bytes, width = g->width, action = width - 3, ahead = 16;
    const char *obs = g->obs;
    const float *numbers = g->numbers;
    const Int *first = g->first;
    char *to_obs = g->to_obs, *to_next = g->to_next_obs;
    float *to_action = g->to_action, *to_rest = g->to_rest;
    Int *ended = g->ended, found = 0;
    if (team.me) return;
    for (Int i = -ahead; i < n; i++) {
        if (i + ahead < n) {
            const Int slot = first[i + ahead] % slots;
            prefetch(obs + slot * bytes, slot + 1 == slots ? bytes : 2 * bytes);
            prefetch((const char *)(numbers + slot * width), width * 4);
        }
        if (i < 0) continue;
        const Int slot = first[i] % slots, after = slot + 1 == slots ? 0 : slot + 1;
        const float *row = numbers + slot * width;
        memcpy(to_obs + i * bytes, obs + slot * bytes, (size_t)bytes);
        memcpy(to_next + i * bytes, obs + after * bytes, (size_t)bytes);
        memcpy(to_action + i * action, row, (size_t)action * 4);
        to_rest[i] = row[action];
        to_rest[n + i] = row[action + 1];
        if (row[action + 2] != 0) ended[++found] = i;
    }
    ended[0] = found;
}

#endif
