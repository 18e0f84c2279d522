/* Logins of the host of examples/c that nobody wants any more when they could be sent, and what a new login changes. Its
 * argument is an empty folder. Nobody listens where the server should be. */
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct server server = {"http://127.0.0.1:9/token", NULL, "app", NULL, NULL};
static const struct credentials credentials = {CREDENTIALS_CLIENT, NULL, NULL, NULL};
static const struct credentials none = {CREDENTIALS_NONE, NULL, NULL, NULL};

static struct host host;

static void ignore_release(void *context, uint32_t waiter)
{
    (void)context;
    (void)waiter;
}

static void ignore_refusal(void *context, uint32_t waiter, uint32_t cause)
{
    (void)context;
    (void)waiter;
    (void)cause;
}

static int open_host(const char *store, const struct credentials *own)
{
    const struct hooks hooks = {NULL, ignore_release, ignore_refusal};
    const char *error = NULL;
    tl_config config;

    host_configure(&config);
    return host_open(&host, &config, store, &server, own, &hooks, &error);
}

static void let_turn(void)
{
    int i;

    for (i = 0; i < 40; i++) {
        host_turn(&host);
        host_sleep(&host, 5);
    }
}

/* Nobody signs in: no login is on its way, nor was one. */
static int is_signed_out(void)
{
    return host.login.phase == LOGIN_NONE && host.login.ticket == 0 && host.jobs == 0 &&
           tl_state(&host.latch) == TL_STATE_UNAUTHENTICATED;
}

/* A sign-out while a login waits for the lock that another process has. */
static int lock_comes_too_late(const char *store)
{
    struct lease other;
    int is_well;

    if (lease_open(&other, store) != 0 || lease_try(&other) != 1 || open_host(store, &credentials) != 0)
        return 0;
    let_turn();
    is_well = host.login.phase == LOGIN_LEASE;
    host_sign_out(&host);
    lease_release(&other);
    let_turn();
    is_well = is_well && is_signed_out() && host.given_up == TL_CAUSE_SIGNED_OUT;
    host_close(&host);
    return is_well;
}

/* A sign-out in the pause of a login that has failed, while nobody is signed in; a request comes later. */
static int pause_is_over(const char *store)
{
    uint32_t waiter;
    int is_well;

    if (open_host(store, &credentials) != 0)
        return 0;
    let_turn();
    is_well = host.login.phase == LOGIN_PAUSED;
    host_sign_out(&host);
    let_turn();
    is_well = is_well && host.login.phase == LOGIN_NONE && host.given_up == TL_CAUSE_SIGNED_OUT;
    host_request(&host, &waiter, NULL);
    let_turn();
    is_well = is_well && host.login.phase == LOGIN_NONE && host.given_up == TL_CAUSE_SIGNED_OUT;
    /* Nor does a login of the application that fails, for the last time. */
    login_begin(&host, &credentials);
    host.login.attempts = 5;
    let_turn();
    is_well = is_well && host.login.phase == LOGIN_NONE && host.login.has_failed;
    host_request(&host, &waiter, NULL);
    let_turn();
    is_well = is_well && host.login.phase == LOGIN_NONE && host.given_up == TL_CAUSE_SIGNED_OUT;
    host_close(&host);
    return is_well;
}

/* A sign-out right after the application began to sign in. */
static int changes_its_mind(const char *store)
{
    int is_well;

    if (open_host(store, &none) != 0)
        return 0;
    let_turn();
    login_begin(&host, &credentials);
    host_sign_out(&host);
    let_turn();
    is_well = is_signed_out() && host.login.has_failed;
    host_close(&host);
    return is_well;
}

/* Requests need not wait where nobody can sign in, and may once somebody can. The lock has no place at first. */
static int is_tried_again(const char *store, const char *folder)
{
    uint32_t waiter;
    int is_well;

    if (open_host(store, &credentials) != 0)
        return 0;
    let_turn();
    is_well = host.given_up == TL_CAUSE_LEASE_UNAVAILABLE && mkdir(folder, 0700) == 0;
    host_request(&host, &waiter, NULL);
    let_turn();
    is_well = is_well && host.given_up == TL_CAUSE_NONE && host.login.phase == LOGIN_PAUSED;
    login_begin(&host, &credentials);
    is_well = is_well && host.given_up == TL_CAUSE_NONE;
    host_close(&host);
    return is_well;
}

static int judge(int is_well, const char *failure)
{
    if (!is_well)
        puts(failure);
    return is_well;
}

int main(int count, char **words)
{
    char store[2][PATH_MAX];
    char folder[PATH_MAX];
    int is_well = 1;

    if (count != 2)
        return 2;
    snprintf(store[0], sizeof store[0], "%s/store", words[1]);
    snprintf(folder, sizeof folder, "%s/no folder", words[1]);
    snprintf(store[1], sizeof store[1], "%s/no folder/store", words[1]);
    is_well &= judge(lock_comes_too_late(store[0]), "a sign-out did not end a login that waited for the lock");
    is_well &= judge(changes_its_mind(store[0]), "a sign-out did not end a login that was due");
    is_well &= judge(pause_is_over(store[0]), "a sign-out did not end a login that had failed");
    is_well &= judge(is_tried_again(store[1], folder), "a login that could not be locked was not tried again");
    return is_well ? 0 : 1;
}
