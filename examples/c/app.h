/* The application, as the story and the command line use it. There are three, one in each program: loop.c and threads.c
 * with the latch, and naive.c without it. */
#ifndef APP_H
#define APP_H

#include "server.h"

#include <stdint.h>
#include <tokenlatch.h>

struct app;

struct app_options {
    const char *store;
    const struct server *server;
    const struct credentials *credentials; /* what it may sign in with by itself */
    long reuse_grace_ms;                   /* -1: the default */
    int refuses_when_signed_out;           /* requests that come then; else they wait */
};

/* The configuration of a latch for such an application. */
void app_configure(tl_config *config, const struct app_options *options);

/* What a request came to. */
struct answer {
    long status;       /* 0: there is none, or none that may be shown */
    uint32_t cause;    /* what the latch says of it, or TL_CAUSE_NONE */
    const char *error; /* what curl says of it, or NULL */
    const char *body;
    size_t length;
};

typedef void answer_function(void *context, const struct answer *answer);

/* Starts as the program does: with what is in the store. NULL with a reason in `error`. */
struct app *app_open(const struct app_options *options, const char **error);

/* Starts to sign in, whoever was signed in before. */
void app_sign_in(struct app *app, const struct credentials *credentials);
int app_is_signing_in(struct app *app);
/* Whether the last of them has failed. */
int app_has_failed(struct app *app);

/* Starts a GET with the token. `done` is called from app_run or app_close, or from here, where it is refused at once. */
void app_get(struct app *app, const char *url, answer_function *done, void *context);

/* Lets things happen, at most for this long; less when something has happened. */
void app_run(struct app *app, unsigned ms);

/* Signs out. On return no request can leave. */
void app_sign_out(struct app *app);

/* Waits for what is under way, then ends. How many times a refresh token was sent, or a login repeated instead. */
unsigned long app_close(struct app *app);

#endif
