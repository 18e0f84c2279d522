/* The application as one event loop: nothing in it ever waits but host_sleep. */
#include "app.h"

#include "host.h"

#include <stdlib.h>
#include <string.h>

/* How long work under way may take when the application is closed. */
#define CLOSE_LIMIT_MS 25000

/* A request of the application, until its answer is given. */
struct request {
    struct app *app;
    char *url;
    answer_function *done;
    void *context;
    enum { NEEDS_ROOM, WAITS, IS_SENT } phase;
    uint32_t waiter;  /* while it waits */
    int is_retry;     /* whether it was sent before; then there are: */
    uint64_t receipt;
    const char *error;
    struct request *next;
};

struct app {
    struct host host;
    struct request *requests;
};

static void finish(struct request *request, struct answer *answer)
{
    struct request **link = &request->app->requests;

    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    request->done(request->context, answer);
    free(request->url);
    free(request);
}

static void finish_without(struct request *request, uint32_t cause)
{
    struct answer answer = {0, cause, NULL, NULL, 0};

    if (cause == TL_CAUSE_NONE)
        answer.cause = TL_CAUSE_UNKNOWN;
    /* The latch only says that it may not be sent once more; what curl said is why it had to be. */
    if (cause == TL_CAUSE_RETRIES_EXHAUSTED)
        answer.error = request->error;
    finish(request, &answer);
}

/* Asks the latch for a permit. What it orders about it comes to `released` or `refused`. */
static void ask(struct request *request)
{
    const uint64_t *receipt = request->is_retry ? &request->receipt : NULL;
    int32_t told = host_request(&request->app->host, &request->waiter, receipt);

    /* Without room in the latch it asks again in the next turn. */
    request->phase = told == TL_OUTCOME_ADMITTED ? WAITS : NEEDS_ROOM;
    if (told >= TL_OUTCOME_SURFACE)
        finish_without(request, TL_OUTCOME_CAUSE(told));
}

static void answered(void *context, struct transfer *transfer)
{
    struct request *request = context;
    struct host *host = &request->app->host;
    struct moment now = clock_now();
    struct answer answer = {transfer->status, TL_CAUSE_NONE, NULL, transfer->body.text, transfer->body.length};
    int32_t told;

    request->error = transfer->error;
    if (transfer->status == 0) {
        /* A GET may be sent again; the latch allows it once with the same token. */
        request->is_retry = 1;
        ask(request);
        return;
    }
    told = tl_answered(&host->latch, now.monotonic, now.wall, request->receipt, (uint16_t)transfer->status,
                       transfer->challenge.text, transfer->challenge.length);
    if (told == TL_OUTCOME_RETRY) {
        request->is_retry = 1;
        ask(request);
        return;
    }
    /* TL_OUTCOME_STALE: the sign-in ended meanwhile. It is still the answer to what was asked. */
    answer.cause = told >= 0 ? TL_OUTCOME_CAUSE(told) : TL_CAUSE_NONE;
    finish(request, &answer);
}

static struct request *waiting(struct app *app, uint32_t waiter)
{
    struct request *request = app->requests;

    while (request != NULL && (request->phase != WAITS || request->waiter != waiter))
        request = request->next;
    return request;
}

static void released(void *context, uint32_t waiter)
{
    struct app *app = context;
    struct request *request = waiting(app, waiter);
    struct moment now = clock_now();
    char header[TL_HEADER_CAPACITY];
    size_t length = 0;
    int32_t told;

    if (request == NULL)
        return;
    told = tl_permit_header(&app->host.latch, now.monotonic, now.wall, waiter, header, sizeof header, &length,
                            &request->receipt);
    if (told == TL_ERR_NOT_READY)
        return; /* The gate closed again; another release will come. */
    if (told < 0) {
        finish_without(request, TL_ERR_CAUSE(told));
        return;
    }
    request->phase = IS_SENT;
    if (network_start(&app->host.network, transfer_get(request->url, header), answered, request) != 0)
        finish_without(request, TL_CAUSE_UNKNOWN);
    tl_wipe(header, sizeof header);
}

static void refused(void *context, uint32_t waiter, uint32_t cause)
{
    struct request *request = waiting(context, waiter);

    if (request != NULL)
        finish_without(request, cause);
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
    return app;
}

void app_sign_in(struct app *app, const struct credentials *credentials)
{
    login_begin(&app->host, credentials);
}

int app_is_signing_in(struct app *app)
{
    return app->host.login.phase != LOGIN_NONE;
}

int app_has_failed(struct app *app)
{
    return app->host.login.has_failed;
}

void app_get(struct app *app, const char *url, answer_function *done, void *context)
{
    struct request *request = calloc(1, sizeof *request);
    struct request **last = &app->requests;
    size_t size = strlen(url) + 1;
    struct answer none = {0, TL_CAUSE_UNKNOWN, "there is no memory", NULL, 0};

    if (request == NULL || (request->url = malloc(size)) == NULL) {
        free(request);
        done(context, &none);
        return;
    }
    memcpy(request->url, url, size);
    request->app = app;
    request->done = done;
    request->context = context;
    while (*last != NULL)
        last = &(*last)->next;
    *last = request;
    ask(request);
}

/* What the requests need beside what the host does. */
static void tend_requests(struct app *app)
{
    struct moment now = clock_now();
    struct request *request;
    struct request *next;

    for (request = app->requests; request != NULL; request = next) {
        next = request->next;
        if (request->phase != IS_SENT && app->host.given_up != TL_CAUSE_NONE) {
            /* Nobody will sign in. */
            if (request->phase == WAITS)
                tl_waiter_cancelled(&app->host.latch, now.monotonic, now.wall, request->waiter);
            finish_without(request, app->host.given_up);
        } else if (request->phase == NEEDS_ROOM) {
            ask(request);
        }
    }
}

void app_run(struct app *app, unsigned ms)
{
    unsigned pause;

    tend_requests(app);
    pause = host_turn(&app->host);
    host_sleep(&app->host, pause < ms ? pause : ms);
    host_turn(&app->host);
}

void app_sign_out(struct app *app)
{
    host_sign_out(&app->host);
}

unsigned long app_close(struct app *app)
{
    uint64_t until = clock_now().monotonic + CLOSE_LIMIT_MS;
    unsigned long refreshes;

    do
        app_run(app, 20);
    while (host_is_busy(&app->host) && clock_now().monotonic < until);
    refreshes = app->host.refreshes;
    host_close(&app->host);
    while (app->requests != NULL)
        finish_without(app->requests, TL_CAUSE_UNKNOWN);
    free(app);
    return refreshes;
}
