#include "story.h"

#include "callers.h"
#include "child.h"
#include "clock.h"
#include "control.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct story {
    const struct options *options;
    struct control control;
    struct server server;
    struct credentials alice;
    struct credentials nobody;
    char folder[PATH_MAX];
    char store[PATH_MAX + 16];
    char token_endpoint[256];
    char revocation_endpoint[256];
    char url[256];
    struct callers callers;
};

static long counter(struct story *story, const char *name)
{
    return control_ask(&story->control, NULL, name);
}

static void order(struct story *story, const char *order)
{
    control_ask(&story->control, order, NULL);
}

/* Waits until the server has seen something, so that the story does not depend on luck. */
static void await_server(struct story *story, const char *name, long more_than)
{
    uint64_t until = clock_now().monotonic + PATIENCE_MS;

    while (counter(story, name) <= more_than && clock_now().monotonic < until)
        callers_run(&story->callers);
}

static int await_sign_in(struct story *story)
{
    while (app_is_signing_in(story->callers.app))
        callers_run(&story->callers);
    if (!app_has_failed(story->callers.app))
        return 0;
    fprintf(stderr, "%s: the user could not sign in\n", story->options->program);
    return -1;
}

static int sign_in(struct story *story)
{
    app_sign_in(story->callers.app, &story->alice);
    return await_sign_in(story);
}

static int open_app(struct story *story)
{
    struct app_options with;
    const char *error = NULL;

    with.store = story->store;
    with.server = &story->server;
    /* The user sees a login page; what is asked for before is refused, unless the login is under way. */
    with.credentials = &story->nobody;
    with.refuses_when_signed_out = 1;
    /* This server takes a refresh token once. */
    with.reuse_grace_ms = 0;
    story->callers.app = app_open(&with, &error);
    if (story->callers.app == NULL)
        fprintf(stderr, "%s: %s\n", story->options->program, error);
    return story->callers.app == NULL ? -1 : 0;
}

/* Twenty requests of four callers while the login is under way. */
static int before_the_login(struct story *story)
{
    unsigned long before = story->callers.unauthorized;

    order(story, "{\"do\":\"delay_next_login\",\"ms\":400}");
    app_sign_in(story->callers.app, &story->alice);
    await_server(story, "password_requests", 0);
    callers_begin(&story->callers, 4, 5);
    callers_settle(&story->callers);
    if (await_sign_in(story) != 0)
        return -1;
    printf("  1  20 requests before the login has answered: %ld left without a token, %lu came back as 401\n",
           counter(story, "sent_without_token"), story->callers.unauthorized - before);
    return 0;
}

/* The token has expired, and eight callers find out at the same time. */
static void burst(struct story *story)
{
    long before;

    callers_get(&story->callers);
    before = counter(story, "refresh_requests");
    order(story, "{\"do\":\"expire_access_now\"}");
    callers_begin(&story->callers, 8, 1);
    callers_settle(&story->callers);
    printf("  2  8 requests on an expired token, refreshes: %ld\n", counter(story, "refresh_requests") - before);
}

/* One request left with the old token, and its 401 comes when the others have renewed it long ago. */
static void late_401(struct story *story)
{
    long before;
    long faults;
    uint64_t until;

    callers_get(&story->callers);
    before = counter(story, "refresh_requests");
    faults = counter(story, "faults");
    order(story, "{\"do\":\"fault\",\"target\":\"api\",\"fault\":\"slow\",\"ms\":400}");
    order(story, "{\"do\":\"expire_access_now\"}");
    callers_begin(&story->callers, 1, 1);
    await_server(story, "faults", faults);
    /* The second caller is done before the first. */
    story->callers.left[1] = 1;
    until = clock_now().monotonic + PATIENCE_MS;
    while (callers_are_busy(&story->callers, 1) && clock_now().monotonic < until)
        callers_run(&story->callers);
    callers_settle(&story->callers);
    printf("  3  a 401 that arrives after the refresh, refreshes: %ld\n",
           counter(story, "refresh_requests") - before);
}

/* Another process on the same store, until the token has expired under both. */
static int second_process(struct story *story)
{
    long refreshes = counter(story, "refresh_requests");
    long replayed = counter(story, "replayed");
    unsigned long unauthorized = story->callers.unauthorized;
    uint64_t until = clock_now().monotonic + 2 * PATIENCE_MS;
    struct child child;
    struct child_report report;
    const char *words[] = {
        story->options->program, "--json", "--quiet",
        "--token-endpoint", story->token_endpoint, "--client-id", "native-app",
        "--username", "alice", "--password", "wonderland",
        "--store", story->store, "--get", story->url,
        "--concurrency", "2", "--repeat", "30", "--pause-ms", "150", NULL,
    };

    if (child_start(&child, words) != 0) {
        fprintf(stderr, "%s: the second process did not start\n", story->options->program);
        return -1;
    }
    while (child_is_running(&child)) {
        if (clock_now().monotonic > until)
            child_kill(&child);
        callers_get(&story->callers);
        callers_rest(&story->callers, 150);
    }
    child_finish(&child, &report);
    if (report.is_broken) {
        /* Not the story's: a sanitizer or a signal has ended it. */
        fprintf(stderr, "%s: the second process ended with status %d\n", story->options->program, report.status);
        return -1;
    }
    story->callers.started += 30;
    /* Without a report it was stuck. */
    story->callers.settled += report.requests == 30 ? 30u : 0u;
    story->callers.unauthorized += report.unexpected_401;
    printf("  4  two processes on one store, refreshes: %ld, refresh tokens used twice: %ld, "
           "requests with a 401: %lu\n",
           counter(story, "refresh_requests") - refreshes, counter(story, "replayed") - replayed,
           story->callers.unauthorized - unauthorized);
    return 0;
}

/* The user signs out while a renewal is under way. */
static int logout_during_refresh(struct story *story)
{
    uint64_t begun;
    long before;

    /* A new token, so that it is not renewed by its age in the middle of this. */
    order(story, "{\"do\":\"expire_access_now\"}");
    callers_get(&story->callers);
    if (story->callers.last_status != 200) {
        printf("     (signed out by then: the user has to sign in again)\n");
        if (sign_in(story) != 0)
            return -1;
        callers_get(&story->callers);
    }
    before = counter(story, "refresh_requests");
    order(story, "{\"do\":\"fault\",\"target\":\"token\",\"fault\":\"slow\",\"ms\":400}");
    order(story, "{\"do\":\"expire_access_now\"}");
    callers_begin(&story->callers, 1, 1);
    await_server(story, "refresh_requests", before);
    begun = clock_now().monotonic;
    app_sign_out(story->callers.app);
    printf("  5  logout during a refresh, done after %lu ms\n", (unsigned long)(clock_now().monotonic - begun));
    callers_settle(&story->callers);
    return 0;
}

/* Tokens of the user that work when everything has come to rest. */
static long alive_after_logout(struct story *story)
{
    uint64_t until = clock_now().monotonic + 1600;
    long alive;

    /* The answer of the refresh, and what is done about it. */
    callers_rest(&story->callers, 600);
    do {
        alive = control_ask(&story->control, "{\"do\":\"alive_tokens\",\"user\":\"alice\"}", "alive");
        callers_rest(&story->callers, 20);
    } while (alive != 0 && clock_now().monotonic < until);
    return alive;
}

static const char *word(const struct story *story)
{
    static char status[32];

    if (story->callers.last_status == 200)
        return "still signed in";
    if (story->callers.last_status == 0)
        return story->callers.last_reason;
    snprintf(status, sizeof status, "%ld", story->callers.last_status);
    return status;
}

/* The program starts again after the sign-out, and once more after a sign-in. */
static int restart(struct story *story)
{
    long logins;

    if (open_app(story) != 0)
        return -1;
    callers_get(&story->callers);
    printf("  6  restart after the logout: %s\n", word(story));
    if (sign_in(story) != 0)
        return -1;
    callers_get(&story->callers);
    app_close(story->callers.app);
    logins = counter(story, "password_requests");
    if (open_app(story) != 0)
        return -1;
    callers_get(&story->callers);
    printf("     restart after a new sign-in: %s, logins since: %ld\n", word(story),
           counter(story, "password_requests") - logins);
    app_close(story->callers.app);
    return 0;
}

static int play(struct story *story)
{
    long alive;

    if (open_app(story) != 0 || before_the_login(story) != 0)
        return -1;
    burst(story);
    late_401(story);
    if (second_process(story) != 0 || logout_during_refresh(story) != 0)
        return -1;
    alive = alive_after_logout(story);
    app_close(story->callers.app);
    if (restart(story) != 0)
        return -1;
    printf("{\"sent_without_token\":%ld,\"unexpected_401\":%lu,\"refreshes\":%ld,\"replayed\":%ld,"
           "\"unsettled\":%lu,\"alive_after_logout\":%ld}\n",
           counter(story, "sent_without_token"), story->callers.unauthorized, counter(story, "refresh_requests"),
           counter(story, "replayed"), story->callers.started - story->callers.settled, alive);
    return 0;
}

static void remove_files(struct story *story)
{
    static const char *const ends[] = {"", ".new", ".lock"};
    char path[PATH_MAX + 32];
    size_t i;

    for (i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", story->store, ends[i]);
        unlink(path);
    }
    rmdir(story->folder);
}

int story_run(const struct options *options)
{
    static struct story story;
    const char *temporary = getenv("TMPDIR");
    int failed;

    setvbuf(stdout, NULL, _IOLBF, 0);
    story.options = options;
    story.control.base_url = options->story;
    snprintf(story.token_endpoint, sizeof story.token_endpoint, "%s/token", options->story);
    snprintf(story.revocation_endpoint, sizeof story.revocation_endpoint, "%s/revoke", options->story);
    story.callers.url = story.url;
    snprintf(story.url, sizeof story.url, "%s/api/notes", options->story);
    story.server.token_endpoint = story.token_endpoint;
    story.server.revocation_endpoint = story.revocation_endpoint;
    story.server.client_id = "native-app";
    story.alice.kind = CREDENTIALS_PASSWORD;
    story.alice.username = "alice";
    story.alice.password = "wonderland";
    snprintf(story.folder, sizeof story.folder, "%s/tokenlatch-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(story.folder) == NULL) {
        fprintf(stderr, "%s: there is no folder for the store\n", options->program);
        return 2;
    }
    snprintf(story.store, sizeof story.store, "%s/session", story.folder);
    failed = play(&story);
    remove_files(&story);
    return failed ? 2 : 0;
}
