/* Convolutions of 3x3 at stride 1 by Winograd's minimal filtering, F(6x6, 3x3), in float32.
 *
 * A block of 6x6 outputs takes 64 products for each pair of channels instead of 324. Pictures and
 * features lie in channels-last; they are float32 or bf16, and everything in between is float32.
 *
 * Sources: Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, "Fast
 * Algorithms for Convolutional Neural Networks".
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "threads.h"
#include "vectors.h"

enum { IN = 8, OUT = 6, SPOTS = IN * IN, ROWS = 6 };
#ifdef __AVX512F__
enum { BLOCK = 64 }; /* of a product: what all registers hold of 6 rows */
#else
enum { BLOCK = 16 };
#endif

/* The three transforms: of 8 numbers of a picture, 3 of a kernel, 8 products. */

static inline void of_picture(const vec *d, vec *r, int step)
{
    vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    vec d4 = d[4 * step], d5 = d[5 * step], d6 = d[6 * step], d7 = d[7 * step];
    r[0] = d0 - d6 + (d4 - d2) * 5.25f;
    r[7 * step] = d7 - d1 + (d3 - d5) * 5.25f;
    vec even = d2 + d6 - d4 * 4.25f, odd = d1 + d5 - d3 * 4.25f;
    r[step] = even + odd;
    r[2 * step] = even - odd;
    even = d6 + d2 * 0.25f - d4 * 1.25f, odd = d1 * 0.5f - d3 * 2.5f + d5 * 2.0f;
    r[3 * step] = even + odd;
    r[4 * step] = even - odd;
    even = d6 + (d2 - d4 * 1.25f) * 4.0f, odd = d1 * 2.0f - d3 * 2.5f + d5 * 0.5f;
    r[5 * step] = even + odd;
    r[6 * step] = even - odd;
}

static inline void of_kernel(const vec *g, vec *r, int from, int to)
{
    vec g0 = g[0], g1 = g[from], g2 = g[2 * from];
    r[0] = g0;
    r[7 * to] = g2;
    r[to] = (g0 + g1 + g2) * (-2.0f / 9);
    r[2 * to] = (g0 - g1 + g2) * (-2.0f / 9);
    r[3 * to] = g0 * (1.0f / 90) + g1 * (1.0f / 45) + g2 * (2.0f / 45);
    r[4 * to] = g0 * (1.0f / 90) - g1 * (1.0f / 45) + g2 * (2.0f / 45);
    r[5 * to] = g0 * (32.0f / 45) + g1 * (16.0f / 45) + g2 * (8.0f / 45);
    r[6 * to] = g0 * (32.0f / 45) - g1 * (16.0f / 45) + g2 * (8.0f / 45);
}

static inline void of_products(const vec *m, vec *r, int from, int to)
{
    vec s1 = m[from] + m[2 * from], t1 = m[from] - m[2 * from];
    vec s2 = m[3 * from] + m[4 * from], t2 = m[3 * from] - m[4 * from];
    vec s3 = m[5 * from] + m[6 * from], t3 = m[5 * from] - m[6 * from];
    r[0] = m[0] + s1 + s2 + s3;
    r[to] = t1 + t2 * 2.0f + t3 * 0.5f;
    r[2 * to] = s1 + s2 * 4.0f + s3 * 0.25f;
    r[3 * to] = t1 + t2 * 8.0f + t3 * 0.125f;
    r[4 * to] = s1 + s2 * 16.0f + s3 * 0.0625f;
    r[5 * to] = t1 + t2 * 32.0f + t3 * 0.03125f + m[7 * from];
}

/* Six rows of one matrix times a few columns of another. */
#define PRODUCT(NAME, COLUMNS)                                                                     \
    static void NAME(const float *a, const float *b, float *r, int64_t depth, int64_t outputs)     \
    {                                                                                              \
        vec sum[ROWS][COLUMNS];                                                                    \
        for (int i = 0; i < ROWS; i++)                                                             \
            for (int k = 0; k < COLUMNS; k++)                                                      \
                sum[i][k] = (vec){0};                                                              \
        for (int64_t d = 0; d < depth; d++) {                                                      \
            vec column[COLUMNS];                                                                   \
            for (int k = 0; k < COLUMNS; k++)                                                      \
                column[k] = *(const vec *)(b + (d * COLUMNS + k) * LANES);                         \
            for (int i = 0; i < ROWS; i++)                                                         \
                for (int k = 0; k < COLUMNS; k++)                                                  \
                    sum[i][k] += column[k] * a[i * depth + d];                                     \
        }                                                                                          \
        for (int i = 0; i < ROWS; i++)                                                             \
            for (int k = 0; k < COLUMNS; k++)                                                      \
                *(vec *)(r + i * outputs + k * LANES) = sum[i][k];                                 \
    }
PRODUCT(product4, 4)
PRODUCT(product3, 3)
PRODUCT(product2, 2)
PRODUCT(product1, 1)

typedef struct {
    const void *x;
    const float *weight, *bias;
    void *y;
    int64_t x_step[3], y_step[3]; /* between pictures, rows and pixels */
    int64_t height, width, inputs, outputs, pad; /* of x; beyond its border are zeros */
    int64_t down, across, count, tiles;
    int bf16;
    atomic_llong next;
    atomic_int failed;
} task;

static void gather(const task *t, int64_t tile, float *v, int64_t spot)
{
    int64_t picture = tile / (t->down * t->across);
    int64_t top = tile / t->across % t->down * OUT - t->pad;
    int64_t left = tile % t->across * OUT - t->pad;
    int inside = top >= 0 && left >= 0 && top + IN <= t->height && left + IN <= t->width;
    for (int64_t k = 0; k < t->inputs; k += LANES) {
        int64_t corner =
            picture * t->x_step[0] + top * t->x_step[1] + left * t->x_step[2] + k;
        vec d[SPOTS], e[SPOTS];
        for (int i = 0; i < IN; i++) {
            for (int j = 0; j < IN; j++) {
                int there = inside || (top + i >= 0 && top + i < t->height && left + j >= 0 &&
                                       left + j < t->width);
                int64_t place = corner + i * t->x_step[1] + j * t->x_step[2];
                d[i * IN + j] = there ? load(t->x, place, t->bf16) : (vec){0};
            }
        }
        for (int j = 0; j < IN; j++)
            of_picture(d + j, e + j, IN);
        for (int i = 0; i < IN; i++) {
            of_picture(e + i * IN, d + i * IN, 1);
            for (int j = 0; j < IN; j++)
                *(vec *)(v + (i * IN + j) * spot + k) = d[i * IN + j];
        }
    }
}

static void multiply(const task *t, const float *v, const float *u, float *m, int64_t rows)
{
    for (int64_t k = 0; k < t->outputs; k += BLOCK) {
        for (int64_t row = 0; row < rows; row += ROWS) {
            const float *a = v + row * t->inputs, *b = u + k * t->inputs;
            float *r = m + row * t->outputs + k;
            switch (least(BLOCK, t->outputs - k) / LANES) {
            case 4: product4(a, b, r, t->inputs, t->outputs); break;
            case 3: product3(a, b, r, t->inputs, t->outputs); break;
            case 2: product2(a, b, r, t->inputs, t->outputs); break;
            default: product1(a, b, r, t->inputs, t->outputs);
            }
        }
    }
}

static void scatter(const task *t, int64_t tile, const float *m, int64_t spot)
{
    int64_t picture = tile / (t->down * t->across);
    int64_t top = tile / t->across % t->down * OUT, left = tile % t->across * OUT;
    int64_t tall = least(OUT, t->height + 2 * t->pad - 2 - top);
    int64_t broad = least(OUT, t->width + 2 * t->pad - 2 - left);
    int64_t corner = picture * t->y_step[0] + top * t->y_step[1] + left * t->y_step[2];
    for (int64_t k = 0; k < t->outputs; k += LANES) {
        vec d[SPOTS], e[OUT * IN];
        for (int i = 0; i < SPOTS; i++)
            d[i] = *(const vec *)(m + i * spot + k);
        for (int j = 0; j < IN; j++)
            of_products(d + j, e + j, IN, IN);
        vec bias = t->bias ? *(const vec *)(t->bias + k) : (vec){0};
        for (int i = 0; i < tall; i++) {
            vec r[OUT];
            of_products(e + i * IN, r, 1, 1);
            for (int j = 0; j < broad; j++)
                store(t->y, corner + i * t->y_step[1] + j * t->y_step[2] + k, r[j] + bias, t->bf16);
        }
    }
}

static void convolve_tiles(void *given)
{
    task *t = given;
    int64_t start = atomic_fetch_add(&t->next, t->tiles);
    if (start >= t->count)
        return; /* others do it all */
    /* no power of two apart, which would fall on the same lines of a cache */
    int64_t spot_in = t->tiles * t->inputs + LANES, spot_out = t->tiles * t->outputs + LANES;
    float *v = aligned_alloc(64, sizeof(float) * SPOTS * (spot_in + spot_out));
    if (!v) {
        atomic_store(&t->failed, 1);
        return;
    }
    float *m = v + SPOTS * spot_in;
    for (; start < t->count; start = atomic_fetch_add(&t->next, t->tiles)) {
        int64_t rows = least(t->tiles, t->count - start);
        for (int64_t i = 0; i < rows; i++)
            gather(t, start + i, v + i * t->inputs, spot_in);
        for (int64_t s = 0; s < SPOTS; s++)
            multiply(t, v + s * spot_in, t->weight + s * t->inputs * t->outputs, m + s * spot_out,
                     rows);
        for (int64_t i = 0; i < rows; i++)
            scatter(t, start + i, m + i * t->outputs, spot_out);
    }
    free(v);
}

/* A kernel in the order of its products. weight: (inputs, 3, 3, outputs); turned by half a circle,
 * and with inputs and outputs exchanged by the caller, it is the kernel of the gradient. */
void fst_pack(const float *weight, int64_t outputs, int64_t inputs, int turned, float *packed)
{
    for (int64_t k = 0; k < outputs; k += LANES) {
        int64_t block = k / BLOCK * BLOCK, broad = least(BLOCK, outputs - block);
        for (int64_t c = 0; c < inputs; c++) {
            vec g[9], e[3 * IN], r[IN];
            for (int i = 0; i < 9; i++)
                g[i] = *(const vec *)(weight + (c * 9 + (turned ? 8 - i : i)) * outputs + k);
            for (int j = 0; j < 3; j++)
                of_kernel(g + j, e + j, 3, 3);
            for (int i = 0; i < IN; i++) {
                of_kernel(e + 3 * i, r, 1, 1);
                for (int j = 0; j < IN; j++)
                    *(vec *)(packed + (i * IN + j) * inputs * outputs + block * inputs +
                             c * broad + k - block) = r[j];
            }
        }
    }
}

/* 0, or 1 where there is no memory. sizes: pictures, height, width, inputs, outputs, pad. */
int fst_convolve(const void *x, const int64_t *x_step, const float *packed, const float *bias,
                 void *y, const int64_t *y_step, const int64_t *sizes, int bf16,
                 int threads)
{
    task t = {.x = x, .weight = packed, .bias = bias, .y = y, .bf16 = bf16};
    for (int i = 0; i < 3; i++)
        t.x_step[i] = x_step[i], t.y_step[i] = y_step[i];
    t.height = sizes[1], t.width = sizes[2], t.inputs = sizes[3], t.outputs = sizes[4];
    t.pad = sizes[5];
    t.down = (t.height + 2 * t.pad - 2 + OUT - 1) / OUT;
    t.across = (t.width + 2 * t.pad - 2 + OUT - 1) / OUT;
    t.count = sizes[0] * t.down * t.across;
    t.tiles = t.inputs * t.outputs < 256 * 256 ? 4 * ROWS : 8 * ROWS; /* a large kernel is read less */
    on_threads(convolve_tiles, &t, threads, (t.count + t.tiles - 1) / t.tiles);
    return atomic_load(&t.failed);
}
