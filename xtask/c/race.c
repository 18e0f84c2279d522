/* One latch and two threads. With an argument, nothing keeps them apart. */
#include <pthread.h>
#include <tokenlatch.h>

static tl_latch latch;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int is_guarded = 1;

static void *go_offline(void *context)
{
    (void)context;
    if (is_guarded)
        pthread_mutex_lock(&mutex);
    tl_went_offline(&latch, 1, TL_NO_WALL);
    if (is_guarded)
        pthread_mutex_unlock(&mutex);
    return NULL;
}

int main(int count, char **words)
{
    pthread_t threads[2];
    tl_config config;
    int i;

    (void)words;
    is_guarded = count == 1;
    tl_config_init(&config);
    if (tl_latch_init(&latch, &config, 1) != TL_OUTCOME_DONE || tl_opened(&latch, 0, TL_NO_WALL) < 0)
        return 1;
    for (i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, go_offline, NULL) != 0)
            return 1;
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    tl_latch_wipe(&latch);
    return 0;
}
