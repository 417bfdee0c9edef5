/* What a replay memory does. */

/* numpy's interface to its generators (numpy/random/bitgen.h). */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *);
    uint32_t (*next_uint32)(void *);
    double (*next_double)(void *);
    uint64_t (*next_raw)(void *);
} Generator;

/* draw: at a generator, `from` (oldest, count), to transitions' numbers (n), uniform in [oldest, oldest + count), the
   same as oldest + generator.integers(count, size=n) (Lemire, "Fast random integer generation in an interval", 2019).
   n: n. */
static void draw(const Step *s, Team team) {
    const Generator *generator = s->at[0];
    const Int oldest = ((const Int *)s->at[1])[0], count = ((const Int *)s->at[1])[1];
    const uint32_t bound = (uint32_t)count, least_fair = bound ? (uint32_t)-bound % bound : 0;
    if (team.me) return;
    for (Int i = 0; i < s->n[0]; i++) {
        uint64_t product = 0;
        if (count > 1) /* of one number there is nothing to draw */
            do product = (uint64_t)generator->next_uint32(generator->state) * bound;
            while ((uint32_t)product < least_fair);
        ((Int *)s->at[2])[i] = oldest + (Int)(product >> 32);
    }
}

/* Asks for `bytes` bytes, which lie anywhere in main memory, ahead of their use. */
INLINE void ask_for(const char *at, Int bytes) {
    for (Int b = 0; b < bytes; b += 64) __builtin_prefetch(at + b);
    __builtin_prefetch(at + bytes - 1);
}

/* gather: at observations (slots, of so many bytes), numbers (slots, width: action, reward, terminated, ends), the
   transitions' numbers first (n); to obs, next obs, action (n, width - 3), reward and terminated (2, n), and `ended`:
   how many of the rows end an episode, and which. n: n, slots, bytes, width. */
static void gather(const Step *s, Team team) {
    const Int n = s->n[0], slots = s->n[1], bytes = s->n[2], width = s->n[3], action = width - 3, ahead = 16;
    const char *obs = s->at[0];
    const float *numbers = s->at[1];
    const Int *first = s->at[2];
    char *to_obs = s->at[3], *to_next = s->at[4];
    float *to_action = s->at[5], *to_reward = s->at[6];
    Int *ended = s->at[7], found = 0;
    if (team.me) return;
    for (Int i = -ahead; i < n; i++) {
        if (i + ahead < n) {
            const Int slot = first[i + ahead] % slots;
            ask_for(obs + slot * bytes, slot + 1 == slots ? bytes : 2 * bytes);
            ask_for((const char *)(numbers + slot * width), width * 4);
        }
        if (i < 0) continue;
        const Int slot = first[i] % slots, after = slot + 1 == slots ? 0 : slot + 1;
        const float *of = numbers + slot * width;
        memcpy(to_obs + i * bytes, obs + slot * bytes, (size_t)bytes);
        memcpy(to_next + i * bytes, obs + after * bytes, (size_t)bytes);
        memcpy(to_action + i * action, of, (size_t)action * 4);
        to_reward[i] = of[action];
        to_reward[n + i] = of[action + 1];
        if (of[action + 2] != 0) ended[++found] = i;
    }
    ended[0] = found;
}
