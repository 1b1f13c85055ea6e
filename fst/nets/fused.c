/* What lies between two convolutions, each in one pass over memory: an instance norm's moments, and
 * what it does with them.
 *
 * Features lie in channels-last; they are float32 or bf16, and everything in between is float32.
 *
 * Source: Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".
 */
#include <math.h>
#include <stdatomic.h>
#include <stddef.h>

#include "threads.h"
#include "vectors.h"

enum {
    GROUP = 4,    /* registers of channels that are taken along a row at once */
    BLOCK = 64,   /* positions that stay in the nearest cache for a second look */
    LEAST = 1 << 16 /* numbers a thread is begun for */
};

typedef struct {
    const void *x;
    void *y;
    const void *added;
    int64_t x_step[2], y_step[2], added_step[2]; /* between rows and pixels */
    int64_t height, width, channels, parts;
    const float *scale, *offset;
    float *mean, *squares; /* of every row and part */
    int relu, bf16;
    atomic_llong next;
} task;

/* The places of a row's features, and of where they go: of four parts each is every other pixel of
 * every other row. */
static inline int64_t from(const task *t, int64_t row, int64_t part)
{
    return row * t->x_step[0] + part * t->channels;
}

static inline int64_t to(const task *t, int64_t row, int64_t part)
{
    if (t->parts == 1)
        return row * t->y_step[0];
    return (2 * row + part / 2) * t->y_step[0] + part % 2 * t->y_step[1];
}

/* Sums of some registers' channels over a block of pixels, copied on the way; then of the squares
 * of what they are from their mean, while they are at hand. Arguments
 * that are constants where it is called cost nothing inside. */
static inline __attribute__((always_inline)) void block_moments(
    int count, int bf16, int copies, const char *x, int64_t x_step, char *y, int64_t y_step,
    int64_t pixels, vec *mean, vec *squares)
{
    vec sum[GROUP] = {{0}}, square[GROUP] = {{0}};
    for (int64_t i = 0; i < pixels; i++) {
        const char *of = x + i * x_step;
        char *into = copies ? y + i * y_step : y;
        for (int k = 0; k < count; k++) {
            sum[k] += load(of, k * LANES, bf16);
            if (copies && bf16)
                *(half *)((uint16_t *)into + k * LANES) = *(const half *)((const uint16_t *)of + k * LANES);
            else if (copies)
                *(vec *)((float *)into + k * LANES) = *(const vec *)((const float *)of + k * LANES);
        }
    }
    for (int k = 0; k < count; k++)
        mean[k] = sum[k] / (float)pixels;
    for (int64_t i = 0; i < pixels; i++) {
        for (int k = 0; k < count; k++) {
            vec away = load(x + i * x_step, k * LANES, bf16) - mean[k];
            square[k] += away * away;
        }
    }
    for (int k = 0; k < count; k++)
        squares[k] = square[k];
}

/* How many registers of channels are taken next. */
static inline int group(int64_t channels)
{
    return channels >= 4 * LANES ? 4 : channels >= 2 * LANES ? 2 : 1;
}

#define ONE_MOMENTS(NUMBER, COUNT, BF16, COPIES)                                                   \
    case NUMBER + COUNT:                                                                           \
        block_moments(COUNT, BF16, COPIES, x, x_bytes, y, y_bytes, pixels, mean, squares);         \
        break;
#define ALL_MOMENTS(NUMBER, BF16, COPIES)                                                             \
    ONE_MOMENTS(NUMBER, 4, BF16, COPIES)                                                           \
    ONE_MOMENTS(NUMBER, 2, BF16, COPIES)                                                           \
    ONE_MOMENTS(NUMBER, 1, BF16, COPIES)

static void row_moments(const task *t, int64_t row, int64_t part)
{
    int64_t x_row = from(t, row, part), y_row = to(t, row, part);
    int64_t size = t->bf16 ? 2 : 4, y_step = (t->parts == 1 ? 1 : 2) * t->y_step[1];
    float *row_mean = t->mean + (row * t->parts + part) * t->channels;
    float *row_squares = t->squares + (row * t->parts + part) * t->channels;
    for (int64_t first = 0; first < t->width; first += BLOCK) {
        int64_t pixels = least(BLOCK, t->width - first);
        int count;
        for (int64_t c = 0; c < t->channels; c += count * LANES) {
            const char *x = (const char *)t->x + size * (x_row + first * t->x_step[1] + c);
            char *y = t->y ? (char *)t->y + size * (y_row + first * y_step + c) : NULL;
            int64_t x_bytes = size * t->x_step[1], y_bytes = size * y_step;
            vec mean[GROUP], squares[GROUP];
            switch ((count = group(t->channels - c)) + (t->bf16 ? 8 : 0) + (y ? 16 : 0)) {
            ALL_MOMENTS(0, 0, 0)
            ALL_MOMENTS(8, 1, 0)
            ALL_MOMENTS(16, 0, 1)
            ALL_MOMENTS(24, 1, 1)
            }
            float share = (float)pixels / (float)(first + pixels);
            for (int k = 0; k < count; k++) {
                vec *m = (vec *)(row_mean + c + k * LANES), *s = (vec *)(row_squares + c + k * LANES);
                if (first) {
                    vec away = mean[k] - *m;
                    *s += squares[k] + away * away * ((float)first * share);
                    *m += away * share;
                } else {
                    *m = mean[k];
                    *s = squares[k];
                }
            }
        }
    }
}

static inline __attribute__((always_inline)) void block_normalized(
    int count, int bf16, int adds, const char *x, int64_t x_step, const char *added,
    int64_t added_step, char *y, int64_t y_step, int64_t pixels, const float *scales,
    const float *offsets, int relu)
{
    vec scale[GROUP], offset[GROUP];
    vec least_value = (vec){0} - (relu ? 0 : INFINITY);
    for (int k = 0; k < count; k++) {
        scale[k] = *(const vec *)(scales + k * LANES);
        offset[k] = *(const vec *)(offsets + k * LANES);
    }
    for (int64_t i = 0; i < pixels; i++) {
        for (int k = 0; k < count; k++) {
            vec value = load(x + i * x_step, k * LANES, bf16) * scale[k] + offset[k];
            value = larger(least_value, value); /* what is no number stays so */
            if (adds)
                value += load(added + i * added_step, k * LANES, bf16);
            store(y + i * y_step, k * LANES, value, bf16);
        }
    }
}

#define ONE_NORMALIZED(NUMBER, COUNT, BF16, ADDS)                                                  \
    case NUMBER + COUNT:                                                                           \
        block_normalized(COUNT, BF16, ADDS, x + size * c, size * t->x_step[1], added + size * c,   \
                         size * t->added_step[1], y + size * c, size * t->y_step[1], pixels,       \
                         t->scale + c, t->offset + c, t->relu);                                    \
        break;
#define ALL_NORMALIZED(NUMBER, BF16, ADDS)                                                         \
    ONE_NORMALIZED(NUMBER, 4, BF16, ADDS)                                                          \
    ONE_NORMALIZED(NUMBER, 2, BF16, ADDS)                                                          \
    ONE_NORMALIZED(NUMBER, 1, BF16, ADDS)

static void row_normalized(const task *t, int64_t row)
{
    int64_t size = t->bf16 ? 2 : 4;
    int count;
    for (int64_t first = 0; first < t->width; first += BLOCK) {
        int64_t pixels = least(BLOCK, t->width - first);
        const char *x = (const char *)t->x + size * (row * t->x_step[0] + first * t->x_step[1]);
        const char *added = t->added ? t->added : t->x;
        added += size * (row * t->added_step[0] + first * t->added_step[1]);
        char *y = (char *)t->y + size * (row * t->y_step[0] + first * t->y_step[1]);
        for (int64_t c = 0; c < t->channels; c += count * LANES) {
            switch ((count = group(t->channels - c)) + (t->bf16 ? 8 : 0) + (t->added ? 16 : 0)) {
            ALL_NORMALIZED(0, 0, 0)
            ALL_NORMALIZED(8, 1, 0)
            ALL_NORMALIZED(16, 0, 1)
            ALL_NORMALIZED(24, 1, 1)
            }
        }
    }
}

static void gather_rows(void *given)
{
    task *t = given;
    for (int64_t i; (i = atomic_fetch_add(&t->next, 1)) < t->height * t->parts;)
        row_moments(t, i / t->parts, i % t->parts);
}

static void normalize_rows(void *given)
{
    task *t = given;
    for (int64_t row; (row = atomic_fetch_add(&t->next, 1)) < t->height;)
        row_normalized(t, row);
}

static void begin(task *t, work what, int64_t threads)
{
    int64_t numbers = t->height * t->width * t->channels * t->parts;
    on_threads(what, t, threads, (numbers + LEAST - 1) / LEAST);
}

/* Means of every row and part, and the sums of the squares of what is away from them; y, where there
 * is one, becomes a copy. sizes: height, width, channels, parts. */
void fst_moments(const void *x, const int64_t *x_step, void *y, const int64_t *y_step,
                 const int64_t *sizes, int bf16, float *mean, float *squares, int threads)
{
    task t = {.x = x, .y = y, .mean = mean, .squares = squares, .bf16 = bf16};
    for (int i = 0; i < 2; i++)
        t.x_step[i] = x_step[i], t.y_step[i] = y_step[i];
    t.height = sizes[0], t.width = sizes[1], t.channels = sizes[2], t.parts = sizes[3];
    begin(&t, gather_rows, threads);
}

/* y = x * scale + offset, behind it a ReLU, behind that a sum, where they are asked for. y may be x
 * or what is added. sizes: height, width, channels. */
void fst_normalize(const void *x, const int64_t *x_step, const void *added,
                   const int64_t *added_step, void *y, const int64_t *y_step, const int64_t *sizes,
                   const float *scale, const float *offset, int relu, int bf16, int threads)
{
    task t = {.x = x, .y = y, .added = added, .scale = scale, .offset = offset, .relu = relu,
              .bf16 = bf16, .parts = 1};
    for (int i = 0; i < 2; i++)
        t.x_step[i] = x_step[i], t.y_step[i] = y_step[i], t.added_step[i] = added_step[i];
    t.height = sizes[0], t.width = sizes[1], t.channels = sizes[2];
    begin(&t, normalize_rows, threads);
}

/* Mean and variance of every channel out of those of rows of one width. */
void fst_merge(const float *means, const float *squares, int64_t rows, int64_t channels,
               int64_t width, float *mean, float *variance)
{
    for (int64_t first = 0; first < channels; first += BLOCK) {
        int64_t count = least(BLOCK, channels - first);
        double sum[BLOCK] = {0}, all[BLOCK] = {0}, among[BLOCK] = {0};
        for (int64_t row = 0; row < rows; row++) {
            for (int64_t c = 0; c < count; c++) {
                sum[c] += means[row * channels + first + c];
                all[c] += squares[row * channels + first + c];
            }
        }
        for (int64_t row = 0; row < rows; row++) {
            for (int64_t c = 0; c < count; c++) {
                double away = means[row * channels + first + c] - sum[c] / rows;
                among[c] += away * away;
            }
        }
        for (int64_t c = 0; c < count; c++) {
            mean[first + c] = sum[c] / rows;
            variance[first + c] = among[c] / rows + all[c] / (rows * width);
        }
    }
}
