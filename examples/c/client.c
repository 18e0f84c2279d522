#include "client.h"

#include "app.h"
#include "clock.h"

#include <stdio.h>

/* How often a request is made anew: its answer broke off, or our own next sign-in replaced the one it had. */
#define NEW_REQUESTS 2

#define MOST_PLACES 64

struct client;

/* One of the requests that run at a time. */
struct place {
    struct client *client;
    enum { IS_FREE, IS_BUSY, IS_AGAIN } phase;
    const char *url;
    unsigned new_requests;
    uint64_t not_before;
};

struct client {
    const struct options *options;
    struct app *app;
    struct place places[MOST_PLACES];
    unsigned long started;
    unsigned long answered;
    unsigned long unanswered;
    unsigned long unauthorized;
};

/* Whether a new request may get what this one did not. */
static int may_ask_anew(const struct options *options, const struct answer *answer)
{
    switch (answer->cause) {
    case TL_CAUSE_SIGN_IN_CHANGED:
    case TL_CAUSE_SIGNED_OUT_ELSEWHERE:
    case TL_CAUSE_SESSION_ENDED:
    case TL_CAUSE_REFRESH_RESPONSE_LOST:
    case TL_CAUSE_EXPIRED:
        /* An application would drop it: the next user may be another. This one always signs in as the same. */
        return credentials_are_lasting(&options->credentials);
    default:
        return answer->error != NULL;
    }
}

static void take_answer(void *context, const struct answer *answer)
{
    struct place *place = context;
    struct client *client = place->client;
    const struct options *options = client->options;

    if (place->new_requests < NEW_REQUESTS && may_ask_anew(options, answer)) {
        place->new_requests++;
        place->phase = IS_AGAIN;
        return;
    }
    place->phase = IS_FREE;
    place->not_before = clock_now().monotonic + options->pause_ms;
    if (answer->status == 0)
        client->unanswered++;
    else if (answer->status == 401)
        client->unauthorized++;
    else
        client->answered++;
    if (options->is_quiet)
        return;
    if (answer->status != 0 && !options->is_json)
        printf("%ld %s %lu bytes\n", answer->status, place->url, (unsigned long)answer->length);
    if (answer->cause != TL_CAUSE_NONE)
        fprintf(stderr, "%s: %s\n", place->url, tl_cause_sentence(answer->cause));
    if (answer->error != NULL)
        fprintf(stderr, "%s: %s\n", place->url, answer->error);
}

/* Starts what may start now; false when all have ended. */
static int start(struct client *client)
{
    const struct options *options = client->options;
    unsigned long requests = (unsigned long)options->url_count * options->repeat;
    uint64_t now = clock_now().monotonic;
    int is_busy = 0;
    unsigned i;

    for (i = 0; i < options->concurrency; i++) {
        struct place *place = &client->places[i];

        if (place->phase == IS_FREE && client->started < requests && now >= place->not_before) {
            place->url = options->urls[client->started++ % options->url_count];
            place->new_requests = 0;
            place->phase = IS_AGAIN;
        }
        if (place->phase == IS_AGAIN) {
            place->phase = IS_BUSY;
            app_get(client->app, place->url, take_answer, place);
        }
        is_busy |= place->phase != IS_FREE;
    }
    return is_busy || client->started < requests;
}

int client_run(const struct options *options)
{
    unsigned long requests = (unsigned long)options->url_count * options->repeat;
    struct client client = {options, NULL, {{NULL, IS_FREE, NULL, 0, 0}}, 0, 0, 0, 0};
    const char *error = NULL;
    struct app_options with;
    unsigned long refreshes;
    unsigned i;

    with.store = options->store;
    with.server = &options->server;
    with.credentials = &options->credentials;
    with.refuses_when_signed_out = 0;
    with.reuse_grace_ms = options->reuse_grace_ms;
    /* Whether a server takes a used refresh token again for a while is its own business; most do not. Who can simply
       sign in again need not try. A client with nothing else has nothing to lose, and keeps the default. */
    if (options->reuse_grace_ms < 0 && credentials_are_lasting(&options->credentials))
        with.reuse_grace_ms = 0;
    for (i = 0; i < MOST_PLACES; i++)
        client.places[i].client = &client;
    client.app = app_open(&with, &error);
    if (client.app == NULL) {
        fprintf(stderr, "%s: %s\n", options->program, error);
        return 1;
    }
    while (start(&client))
        app_run(client.app, 10);
    if (options->logs_out)
        app_sign_out(client.app);
    refreshes = app_close(client.app);
    if (options->is_json)
        printf("{\"requests\":%lu,\"answered\":%lu,\"unanswered\":%lu,\"refreshes\":%lu,\"unexpected_401\":%lu}\n",
               requests, client.answered, client.unanswered + client.unauthorized, refreshes, client.unauthorized);
    return client.answered == requests ? 0 : 1;
}
