/* Work on several threads: on torch's own where they can be had. Its threads spin for a while after
 * each of its operations, and others would wait for the cores on which they do. */
#ifndef FST_THREADS_H
#define FST_THREADS_H
#include <pthread.h>
#include <stdint.h>

enum { MOST_THREADS = 256 };

typedef void (*work)(void *task);

/* As GNU's OpenMP has it: what to do, with what, on how many threads, flags. */
typedef void (*team)(work, void *, unsigned, unsigned);

static team torchs;

void fst_team(void *given) { torchs = (team)given; }

typedef struct {
    work what;
    void *task;
} errand;

static void *run_errand(void *given)
{
    errand *one = given;
    one->what(one->task);
    return NULL;
}

/* The work is begun on several threads at once, which share it among themselves: on as many of those
 * that there are as have something to do. torch's are all called: OpenMP ends those that are not, and
 * makes them anew for the next who calls more. */
static void on_threads(work what, void *task, int64_t threads, int64_t useful)
{
    if (threads > 1 && useful > 1 && torchs) {
        torchs(what, task, (unsigned)threads, 0);
        return;
    }
    threads = threads < useful ? threads : useful;
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    errand one = {what, task};
    pthread_t others[MOST_THREADS];
    int begun = 0;
    while (begun < threads - 1 && !pthread_create(&others[begun], NULL, run_errand, &one))
        begun++;
    what(task);
    for (int i = 0; i < begun; i++)
        pthread_join(others[i], NULL);
}

#endif
