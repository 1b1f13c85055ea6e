/* Numbers as wide as a register, float32 or bf16 in memory, float32 in between. */
#ifndef FST_VECTORS_H
#define FST_VECTORS_H
#include <immintrin.h>
#include <stdint.h>

#ifdef __AVX512F__
enum { LANES = 16 }; /* channels in a register */
#else
enum { LANES = 8 };
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t wide __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint16_t half __attribute__((vector_size(2 * LANES), aligned(2)));

/* Compilers make twice the instructions of __builtin_convertvector between 16 and 32 bits. */
#ifdef __AVX512F__
static inline wide widened(half h) { return (wide)_mm512_cvtepu16_epi32((__m256i)h); }
static inline half narrowed(wide w) { return (half)_mm512_cvtepi32_epi16((__m512i)w); }
static inline vec larger(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
#else
static inline wide widened(half h) { return (wide)_mm256_cvtepu16_epi32((__m128i)h); }
static inline half narrowed(wide w)
{
    __m256i pairs = _mm256_packus_epi32((__m256i)w, (__m256i)w);
    return (half)_mm256_castsi256_si128(_mm256_permute4x64_epi64(pairs, 0x08));
}
static inline vec larger(vec a, vec b) { return (vec)_mm256_max_ps((__m256)a, (__m256)b); }
#endif
/* If either is no number, larger() is its second. */

static inline vec load(const void *base, int64_t place, int bf16)
{
    if (!bf16) {
        return *(const vec *)((const float *)base + place);
    }
    return (vec)(widened(*(const half *)((const uint16_t *)base + place)) << 16);
}

static inline void store(void *base, int64_t place, vec value, int bf16)
{
    if (!bf16) {
        *(vec *)((float *)base + place) = value;
        return;
    }
    wide bits = (wide)value; /* to the nearest, ties to even */
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *(half *)((uint16_t *)base + place) = narrowed(bits);
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

#endif
