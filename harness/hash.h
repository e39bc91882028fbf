/* hash.h: the mixing that turns identities into choices. SplitMix64's finaliser (Steele, Lea, Flood 2014). */
#ifndef DURESS_HASH_H
#define DURESS_HASH_H

#include <stdint.h>

static inline uint64_t mix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t mix64_pair(uint64_t a, uint64_t b)
{
    return mix64(mix64(a) ^ b);
}

/* Maps 64 random bits to [0, n) without division bias worth speaking of (Lemire 2019, without rejection). */
static inline uint64_t mix64_below(uint64_t bits, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)bits * n) >> 64);
}

uint64_t hash_text(const char *text); /* XXH3-64; NULL hashes as "" */

#endif
