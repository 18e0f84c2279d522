/* The callers of the story: each makes one request after the other, and what they get is counted. */
#ifndef CALLERS_H
#define CALLERS_H

#include "app.h"

#define MOST_CALLERS 8

/* A request that takes longer counts as one that never ends. */
#define PATIENCE_MS 15000

struct callers {
    struct app *app;
    const char *url;
    unsigned left[MOST_CALLERS]; /* requests that each has still to make */
    unsigned is_calling[MOST_CALLERS];
    unsigned long started;
    unsigned long settled;
    unsigned long unauthorized;
    long last_status;
    char last_reason[160];
};

/* The first so many callers make so many requests each. */
void callers_begin(struct callers *callers, unsigned count, unsigned each);

/* Whether this one has a request to make or to wait for. */
int callers_are_busy(const struct callers *callers, unsigned caller);

/* Lets things happen for a moment; true while anybody is busy. */
int callers_run(struct callers *callers);

/* Waits for all requests, but not for ever: what hangs is counted. */
void callers_settle(struct callers *callers);

/* Makes one request, and waits for it. */
void callers_get(struct callers *callers);

/* Lets things happen for so long. */
void callers_rest(struct callers *callers, unsigned ms);

#endif
