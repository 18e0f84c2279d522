/* The other client, without the latch: the token in a variable, an interceptor that refreshes on 401.
 *
 * Written as such clients usually are, with the care that is usual too: requests that fail together share one refresh,
 * each is sent again once, the refresh token is rotated and kept in a file. Not to be copied.
 */
#include "app.h"

#include "clock.h"
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    struct app *app;
    char *url;
    answer_function *done;
    void *context;
    int is_second;
    struct request *next; /* of those that wait for the refresh */
};

struct app {
    struct network network;
    char store[4096];
    const struct server *server;
    char access[512]; /* empty: none */
    char refresh[512];
    int is_signing_in;
    int has_failed;
    int is_refreshing;
    struct request *waiting;
};

/* A text member of a JSON object. */
static int find_text(const char *json, const char *name, char *text, size_t capacity)
{
    char key[64];
    const char *at;
    size_t length;

    text[0] = '\0';
    snprintf(key, sizeof key, "\"%s\":\"", name);
    at = json == NULL ? NULL : strstr(json, key);
    if (at == NULL)
        return 0;
    at += strlen(key);
    length = strcspn(at, "\"");
    if (length >= capacity)
        return 0;
    memcpy(text, at, length);
    text[length] = '\0';
    return 1;
}

static void keep(struct app *app, const char *json)
{
    FILE *file;

    if (!find_text(json, "access_token", app->access, sizeof app->access) ||
        !find_text(json, "refresh_token", app->refresh, sizeof app->refresh)) {
        app->access[0] = '\0';
        app->refresh[0] = '\0';
        unlink(app->store);
        return;
    }
    file = fopen(app->store, "w");
    if (file == NULL)
        return;
    fprintf(file, "{\"access_token\":\"%s\",\"refresh_token\":\"%s\"}", app->access, app->refresh);
    fclose(file);
}

static void send_request(struct request *request);

static void finish(struct request *request, const struct answer *answer)
{
    request->done(request->context, answer);
    free(request->url);
    free(request);
}

static void refreshed(void *context, struct transfer *transfer)
{
    struct app *app = context;
    struct request *waiting = app->waiting;
    struct answer unauthorized = {401, TL_CAUSE_NONE, NULL, NULL, 0};

    /* Without tokens the server has refused: signed out. Without an answer the session may live on. */
    if (transfer->status != 0)
        keep(app, transfer->body.text);
    app->is_refreshing = 0;
    app->waiting = NULL;
    while (waiting != NULL) {
        struct request *request = waiting;

        waiting = request->next;
        if (transfer->status != 0 && app->access[0] != '\0')
            send_request(request);
        else
            finish(request, &unauthorized);
    }
}

/* The response interceptor: one refresh at a time, the others wait for it. */
static void answered(void *context, struct transfer *transfer)
{
    struct request *request = context;
    struct app *app = request->app;
    struct answer answer = {transfer->status, TL_CAUSE_NONE, transfer->error, transfer->body.text,
                            transfer->body.length};

    if (transfer->status != 401 || request->is_second || (app->refresh[0] == '\0' && !app->is_refreshing)) {
        finish(request, &answer);
        return;
    }
    request->is_second = 1;
    request->next = app->waiting;
    app->waiting = request;
    if (!app->is_refreshing) {
        app->is_refreshing = 1;
        network_start(&app->network, server_refresh(app->server, app->refresh), refreshed, app);
    }
}

/* The request interceptor. */
static void send_request(struct request *request)
{
    char header[1024];

    snprintf(header, sizeof header, "Authorization: Bearer %s", request->app->access);
    network_start(&request->app->network,
                  transfer_get(request->url, request->app->access[0] == '\0' ? NULL : header), answered, request);
}

struct app *app_open(const struct app_options *options, const char **error)
{
    struct app *app = calloc(1, sizeof *app);
    char text[2048] = {0};
    FILE *file;

    *error = "it can't be started";
    if (app == NULL || network_open(&app->network) != 0) {
        free(app);
        return NULL;
    }
    app->server = options->server;
    snprintf(app->store, sizeof app->store, "%s", options->store);
    file = fopen(app->store, "r");
    if (file != NULL) {
        if (fread(text, 1, sizeof text - 1, file) > 0) {
            find_text(text, "access_token", app->access, sizeof app->access);
            find_text(text, "refresh_token", app->refresh, sizeof app->refresh);
        }
        fclose(file);
    }
    return app;
}

static void signed_in(void *context, struct transfer *transfer)
{
    struct app *app = context;

    app->is_signing_in = 0;
    app->has_failed = transfer->status != 200;
    keep(app, transfer->body.text);
}

void app_sign_in(struct app *app, const struct credentials *credentials)
{
    app->is_signing_in = 1;
    network_start(&app->network, server_login(app->server, credentials), signed_in, app);
}

int app_is_signing_in(struct app *app)
{
    return app->is_signing_in;
}

int app_has_failed(struct app *app)
{
    return app->has_failed;
}

void app_get(struct app *app, const char *url, answer_function *done, void *context)
{
    struct request *request = calloc(1, sizeof *request);

    if (request == NULL || (request->url = strdup(url)) == NULL)
        abort();
    request->app = app;
    request->done = done;
    request->context = context;
    send_request(request);
}

void app_run(struct app *app, unsigned ms)
{
    network_turn(&app->network);
    network_sleep(&app->network, ms);
    network_turn(&app->network);
}

static void forgotten(void *context, struct transfer *transfer)
{
    (void)context;
    (void)transfer;
}

/* Tells the server, without the interceptors, so that a sign-out never starts a refresh. */
void app_sign_out(struct app *app)
{
    size_t length = strlen(app->server->token_endpoint) - strlen("token");
    char header[1024];
    char url[512];
    struct transfer *transfer;

    snprintf(header, sizeof header, "Authorization: Bearer %s", app->access);
    snprintf(url, sizeof url, "%.*slogout", (int)length, app->server->token_endpoint);
    if (app->access[0] != '\0' && (transfer = transfer_get(url, header)) != NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, "");
        network_start(&app->network, transfer, forgotten, app);
    }
    keep(app, NULL);
}

unsigned long app_close(struct app *app)
{
    uint64_t until = clock_now().monotonic + 25000;

    while (app->network.running != NULL && clock_now().monotonic < until)
        app_run(app, 20);
    network_close(&app->network);
    free(app);
    return 0; /* The story asks the server. */
}
