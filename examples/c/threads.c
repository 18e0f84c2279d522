/* The application with threads: one latch behind a mutex, four workers that send requests, and one thread, the driver,
 * that carries out what the latch orders.
 *
 * What is shared is in `struct app`, and is used with the mutex only. The mutex is never held while a thread waits for
 * the network: the driver sleeps without it, and a worker sends its request without it.
 */
#include "app.h"

#include "host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS 4

/* How long work under way may take when the application is closed. */
#define CLOSE_LIMIT_MS 25000

/* A request of the application. One that a worker has taken belongs to it alone, but for what is marked as shared. */
struct job {
    char *url;
    answer_function *done;
    void *context;
    uint32_t waiter;  /* shared: under which it waits */
    uint32_t refused; /* shared: the cause, if it was refused while it waited */
    struct answer answer;
    struct transfer *transfer; /* holds what the answer points to */
    struct job *next;
};

struct worker {
    struct app *app;
    struct job *job; /* what it works on */
    pthread_t thread;
};

struct app {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* anything below has changed */
    struct host host;
    struct job *waiting; /* for a worker, in their order */
    struct worker workers[WORKERS];
    struct job *finished; /* to be told by app_run */
    unsigned turns; /* that the driver has had */
    int is_closing;

    pthread_t driver;
};

/* After anything that the driver may have to do something about. */
static void wake_all(struct app *app)
{
    pthread_cond_broadcast(&app->changed);
    host_wake(&app->host);
}

/* Called by the driver, in host_turn, with the mutex. The worker that waits claims the permit itself. */
static void released(void *context, uint32_t waiter)
{
    struct app *app = context;

    (void)waiter;
    pthread_cond_broadcast(&app->changed);
}

static void refused(void *context, uint32_t waiter, uint32_t cause)
{
    struct app *app = context;
    int i;

    for (i = 0; i < WORKERS; i++)
        if (app->workers[i].job != NULL && app->workers[i].job->waiter == waiter)
            app->workers[i].job->refused = cause;
    pthread_cond_broadcast(&app->changed);
}

static void *drive(void *context)
{
    struct app *app = context;
    unsigned pause;

    pthread_mutex_lock(&app->mutex);
    while (!app->is_closing) {
        pause = host_turn(&app->host);
        app->turns++;
        /* What app_run and app_close wait for may have changed in this turn. */
        pthread_cond_broadcast(&app->changed);
        pthread_mutex_unlock(&app->mutex);
        /* Uses nothing that the mutex guards, and ends at once if somebody has called host_wake meanwhile. */
        host_sleep(&app->host, pause);
        pthread_mutex_lock(&app->mutex);
    }
    pthread_mutex_unlock(&app->mutex);
    return NULL;
}

static uint32_t some(uint32_t cause)
{
    return cause == TL_CAUSE_NONE ? TL_CAUSE_UNKNOWN : cause;
}

/* Waits, with the mutex, until the latch lets this request leave: writes the header and the receipt. Or the cause. */
static uint32_t await_permit(struct app *app, struct job *job, int is_retry, char *header, uint64_t *receipt)
{
    struct host *host = &app->host;
    struct moment now;
    size_t length = 0;
    int32_t told;

    job->refused = TL_CAUSE_NONE;
    while ((told = host_request(host, &job->waiter, is_retry ? receipt : NULL)) == TL_ERR_QUEUE_FULL) {
        if (host->given_up != TL_CAUSE_NONE)
            return host->given_up;
        pthread_cond_wait(&app->changed, &app->mutex); /* Somebody who leaves the queue wakes us. */
    }
    wake_all(app);
    if (told != TL_OUTCOME_ADMITTED)
        return some(told > 0 ? TL_OUTCOME_CAUSE(told) : TL_CAUSE_UNKNOWN);
    while (job->refused == TL_CAUSE_NONE) {
        now = clock_now();
        told = tl_permit_header(&host->latch, now.monotonic, now.wall, job->waiter, header, TL_HEADER_CAPACITY,
                                &length, receipt);
        if (told != TL_ERR_NOT_READY) {
            wake_all(app);
            return told == TL_OUTCOME_DONE ? TL_CAUSE_NONE : some(TL_ERR_CAUSE(told));
        }
        if (host->given_up != TL_CAUSE_NONE) {
            tl_waiter_cancelled(&host->latch, now.monotonic, now.wall, job->waiter);
            wake_all(app);
            return host->given_up;
        }
        pthread_cond_wait(&app->changed, &app->mutex);
    }
    return job->refused;
}

/* Sends a request with the token, as often as the latch says. With the mutex, which it gives up meanwhile. */
static void fetch(struct app *app, struct job *job)
{
    struct host *host = &app->host;
    char header[TL_HEADER_CAPACITY];
    const char *error = NULL;
    uint64_t receipt = 0;
    int is_retry = 0;
    struct moment now;
    int32_t told;

    for (;;) {
        struct transfer *transfer;
        uint32_t cause = await_permit(app, job, is_retry, header, &receipt);

        if (cause != TL_CAUSE_NONE) {
            job->answer.cause = cause;
            job->answer.error = cause == TL_CAUSE_RETRIES_EXHAUSTED ? error : NULL;
            break;
        }
        pthread_mutex_unlock(&app->mutex);
        transfer = transfer_get(job->url, header);
        tl_wipe(header, sizeof header);
        if (transfer != NULL)
            transfer_perform(transfer);
        pthread_mutex_lock(&app->mutex);
        if (transfer == NULL) {
            job->answer.cause = TL_CAUSE_UNKNOWN;
            break;
        }
        is_retry = 1;
        if (transfer->status == 0) {
            /* A GET may be sent again; the latch allows it once with the same token. */
            error = transfer->error;
            transfer_free(transfer);
            continue;
        }
        now = clock_now();
        told = tl_answered(&host->latch, now.monotonic, now.wall, receipt, (uint16_t)transfer->status,
                           transfer->challenge.text, transfer->challenge.length);
        wake_all(app);
        if (told == TL_OUTCOME_RETRY) {
            transfer_free(transfer);
            continue;
        }
        /* TL_OUTCOME_STALE: the sign-in ended meanwhile. It is still the answer to what was asked. */
        job->answer.status = transfer->status;
        job->answer.cause = told > 0 ? TL_OUTCOME_CAUSE(told) : TL_CAUSE_NONE;
        job->answer.body = transfer->body.text;
        job->answer.length = transfer->body.length;
        job->transfer = transfer;
        break;
    }
    tl_wipe(header, sizeof header);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct app *app = worker->app;

    pthread_mutex_lock(&app->mutex);
    while (!app->is_closing) {
        struct job *job = app->waiting;

        if (job == NULL) {
            pthread_cond_wait(&app->changed, &app->mutex);
            continue;
        }
        app->waiting = job->next;
        worker->job = job;
        fetch(app, job);
        worker->job = NULL;
        job->next = app->finished;
        app->finished = job;
        pthread_cond_broadcast(&app->changed);
    }
    pthread_mutex_unlock(&app->mutex);
    return NULL;
}

static int start_threads(struct app *app)
{
    int i;

    if (pthread_create(&app->driver, NULL, drive, app) != 0)
        return -1;
    for (i = 0; i < WORKERS; i++) {
        app->workers[i].app = app;
        if (pthread_create(&app->workers[i].thread, NULL, work, &app->workers[i]) != 0)
            return -1;
    }
    return 0;
}

/* A condition that is waited for by the clock that nobody sets. */
static int make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int failed;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
}

/* With the mutex: waits until anything has changed, or for this long. */
static void await_change(struct app *app, unsigned ms)
{
    struct timespec until = clock_after(ms);

    pthread_cond_timedwait(&app->changed, &app->mutex, &until);
}

struct app *app_open(const struct app_options *options, const char **error)
{
    struct app *app = calloc(1, sizeof *app);
    struct hooks hooks = {app, released, refused};
    tl_config config;

    if (app == NULL) {
        *error = "there is no memory";
        return NULL;
    }
    app_configure(&config, options);
    if (host_open(&app->host, &config, options->store, options->server, options->credentials, &hooks, error) != 0) {
        free(app);
        return NULL;
    }
    pthread_mutex_init(&app->mutex, NULL);
    if (make_condition(&app->changed) != 0 || start_threads(app) != 0) {
        /* Those that did start still use it: the program ends. */
        *error = "there are no threads";
        return NULL;
    }
    return app;
}

void app_sign_in(struct app *app, const struct credentials *credentials)
{
    pthread_mutex_lock(&app->mutex);
    login_begin(&app->host, credentials);
    wake_all(app);
    pthread_mutex_unlock(&app->mutex);
}

int app_is_signing_in(struct app *app)
{
    int is_signing_in;

    pthread_mutex_lock(&app->mutex);
    is_signing_in = app->host.login.phase != LOGIN_NONE;
    pthread_mutex_unlock(&app->mutex);
    return is_signing_in;
}

int app_has_failed(struct app *app)
{
    int has_failed;

    pthread_mutex_lock(&app->mutex);
    has_failed = app->host.login.has_failed;
    pthread_mutex_unlock(&app->mutex);
    return has_failed;
}

void app_get(struct app *app, const char *url, answer_function *done, void *context)
{
    struct job *job = calloc(1, sizeof *job);
    struct job **last = &app->waiting;
    size_t size = strlen(url) + 1;
    struct answer none = {0, TL_CAUSE_UNKNOWN, "there is no memory", NULL, 0};

    if (job == NULL || (job->url = malloc(size)) == NULL) {
        free(job);
        done(context, &none);
        return;
    }
    memcpy(job->url, url, size);
    job->done = done;
    job->context = context;
    pthread_mutex_lock(&app->mutex);
    while (*last != NULL)
        last = &(*last)->next;
    *last = job;
    pthread_cond_broadcast(&app->changed);
    pthread_mutex_unlock(&app->mutex);
}

void app_run(struct app *app, unsigned ms)
{
    struct job *finished;

    pthread_mutex_lock(&app->mutex);
    if (app->finished == NULL)
        await_change(app, ms);
    finished = app->finished;
    app->finished = NULL;
    pthread_mutex_unlock(&app->mutex);
    while (finished != NULL) {
        struct job *job = finished;

        finished = job->next;
        job->done(job->context, &job->answer);
        if (job->transfer != NULL)
            transfer_free(job->transfer);
        free(job->url);
        free(job);
    }
}

void app_sign_out(struct app *app)
{
    pthread_mutex_lock(&app->mutex);
    host_sign_out(&app->host);
    wake_all(app);
    pthread_mutex_unlock(&app->mutex);
}

unsigned long app_close(struct app *app)
{
    uint64_t until = clock_now().monotonic + CLOSE_LIMIT_MS;
    unsigned long refreshes;
    unsigned turns;
    int i;

    pthread_mutex_lock(&app->mutex);
    /* After the driver's next turn, what the last fact has ordered is under way. */
    turns = app->turns;
    host_wake(&app->host);
    while ((app->turns == turns || host_is_busy(&app->host)) && clock_now().monotonic < until)
        await_change(app, 50);
    app->is_closing = 1;
    /* A worker whose request still waits must find out. */
    app->host.given_up = TL_CAUSE_UNKNOWN;
    wake_all(app);
    pthread_mutex_unlock(&app->mutex);
    pthread_join(app->driver, NULL);
    for (i = 0; i < WORKERS; i++)
        pthread_join(app->workers[i].thread, NULL);
    while (app->waiting != NULL) {
        /* No worker took it. */
        struct job *job = app->waiting;

        app->waiting = job->next;
        job->answer.cause = TL_CAUSE_UNKNOWN;
        job->next = app->finished;
        app->finished = job;
    }
    app_run(app, 0);
    refreshes = app->host.refreshes;
    host_close(&app->host);
    pthread_cond_destroy(&app->changed);
    pthread_mutex_destroy(&app->mutex);
    free(app);
    return refreshes;
}
