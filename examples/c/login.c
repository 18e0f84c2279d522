#include "login.h"

#include "host.h"

/* How often a login is tried again, the first pause, and the longest. */
#define RETRIES 5
#define PAUSE_MS 250
#define LONGEST_PAUSE_MS 20000

/* How long after a sign-out elsewhere another process may sign in again. */
#define SIBLING_LIMIT_MS 3000

/* It is over, and why if it failed. */
static void end(struct host *host, uint32_t cause)
{
    struct login *login = &host->login;

    login->phase = LOGIN_NONE;
    login->has_failed = cause != TL_CAUSE_NONE;
    if (login->is_alone) {
        /* The lock goes with it, unless the latch wants it for the new session. */
        host->lease.for_login = 0;
        if (login->has_failed)
            host->given_up = cause;
    }
    login->is_alone = 0;
    /* A login that failed ends no sign-out. */
    if (login->has_failed && host->is_signed_out && host->credentials->kind != CREDENTIALS_NONE)
        host->given_up = TL_CAUSE_SIGNED_OUT;
}

/* Whether the same login may help a little later. */
static int may_repeat(uint32_t failure, const struct credentials *credentials)
{
    switch (failure) {
    case TL_FAILURE_LOST:
        /* A refresh token may be used up by then. */
        return credentials_are_lasting(credentials);
    case TL_FAILURE_NOT_SENT:
    case TL_FAILURE_RATE_LIMITED:
    case TL_FAILURE_UNAVAILABLE:
    case TL_FAILURE_UNRECOGNIZED:
        return 1;
    default:
        return 0;
    }
}

static void failed(struct host *host, uint32_t failure, uint32_t retry_after_s)
{
    struct login *login = &host->login;
    uint64_t pause = (uint64_t)PAUSE_MS << login->attempts;

    if (login->attempts >= RETRIES || !may_repeat(failure, login->credentials)) {
        end(host, TL_CAUSE_LOGIN_FAILED);
        return;
    }
    if (pause < (uint64_t)retry_after_s * 1000)
        pause = (uint64_t)retry_after_s * 1000;
    if (pause > LONGEST_PAUSE_MS)
        pause = LONGEST_PAUSE_MS;
    login->attempts++;
    login->until = clock_now().monotonic + pause;
    login->phase = LOGIN_PAUSED;
}

static void answered(void *context, struct transfer *transfer)
{
    struct host *host = context;
    uint32_t failure = TL_FAILURE_NOT_SENT;
    uint32_t retry_after_s = TL_NO_RETRY_AFTER;
    int has_tokens = host_take_tokens(host, transfer, &failure, &retry_after_s);

    host->jobs--;
    /* A newer login has superseded this one. */
    if (host->login.phase != LOGIN_SENT || host->login.ticket != transfer->number)
        return;
    if (has_tokens)
        end(host, TL_CAUSE_NONE);
    else
        failed(host, failure, retry_after_s);
}

static void send_login(struct host *host, struct moment now)
{
    struct login *login = &host->login;
    struct transfer *transfer;

    /* Told for each attempt, since the token's lifetime counts from here. */
    if (tl_login_started(&host->latch, now.monotonic, now.wall, &login->ticket) != TL_OUTCOME_LOGIN) {
        end(host, TL_CAUSE_LOGIN_FAILED);
        return;
    }
    login->phase = LOGIN_SENT;
    transfer = server_login(host->server, login->credentials);
    if (transfer != NULL)
        transfer->number = login->ticket;
    if (network_start(&host->network, transfer, answered, host) == 0) {
        host->jobs++;
        return;
    }
    tl_token_failed(&host->latch, now.monotonic, now.wall, login->ticket, TL_FAILURE_NOT_SENT,
                    TL_NO_RETRY_AFTER);
    failed(host, TL_FAILURE_NOT_SENT, TL_NO_RETRY_AFTER);
}

/* The latch asks for a login once: after one that failed, with the next request, again. */
static void not_sent(struct host *host, struct moment now)
{
    uint32_t ticket;

    if (tl_login_started(&host->latch, now.monotonic, now.wall, &ticket) == TL_OUTCOME_LOGIN)
        tl_token_failed(&host->latch, now.monotonic, now.wall, ticket, TL_FAILURE_NOT_SENT, TL_NO_RETRY_AFTER);
}

/* Whether another process has signed in since the latch asked for a login. The latch may know its session by now. */
static int is_newer_stored(struct host *host)
{
    uint8_t record[TL_RECORD_CAPACITY + 1];
    size_t length = 0;
    const struct login *login = &host->login;
    tl_store_content found;
    int is_newer = 0;

    if (store_load(&host->store, record, sizeof record, &length) == STORE_FOUND &&
        tl_inspect(record, length, &found) == TL_STORE_SESSION)
        is_newer = found.sign_in > login->sign_in ||
                   (found.sign_in == login->sign_in && found.serial > login->serial);
    tl_wipe(record, sizeof record);
    return is_newer;
}

void login_begin(struct host *host, const struct credentials *credentials)
{
    struct login *login = &host->login;

    if (login->is_alone)
        host->lease.for_login = 0;
    login->is_alone = 0;
    login->has_failed = 0;
    login->is_unwanted = 0;
    host->given_up = TL_CAUSE_NONE;
    login->credentials = credentials;
    login->attempts = 0;
    login->phase = LOGIN_DUE;
}

void login_required(struct host *host, uint32_t cause)
{
    struct login *login = &host->login;
    const struct credentials *credentials = host->credentials;
    int may = 0;

    if (credentials->kind == CREDENTIALS_NONE)
        return; /* The application shows its login. */
    if (login->phase != LOGIN_NONE && login->phase != LOGIN_SIBLING)
        return;
    if (host->is_signed_out) {
        /* Whatever was before it: only somebody who signs in ends it. */
        host->given_up = TL_CAUSE_SIGNED_OUT;
        return;
    }
    switch (cause) {
    case TL_CAUSE_SIGNED_OUT_ELSEWHERE:
        login->phase = LOGIN_SIBLING;
        login->until = clock_now().monotonic + SIBLING_LIMIT_MS;
        login->cause = cause;
        return;
    case TL_CAUSE_SIGNED_OUT: /* in an earlier run */
    case TL_CAUSE_NOT_SIGNED_IN:
    case TL_CAUSE_STORE_CORRUPT:
        may = 1;
        break;
    default:
        /* A refresh token from outside was used up by the first login. */
        may = credentials_are_lasting(credentials);
        break;
    }
    if (!may) {
        login->phase = LOGIN_NONE;
        host->given_up = cause;
        return;
    }
    /* One process signs in, the others wait for the lock and then find its session: two of them must not use up
       one refresh token. */
    login_begin(host, credentials);
    login->phase = LOGIN_LEASE;
    login->is_alone = 1;
    tl_generation(&host->latch, &login->sign_in, &login->serial);
    host->lease.for_login = 1;
}

int login_tend(struct host *host, struct moment now)
{
    struct login *login = &host->login;
    int is_under_way = login->phase != LOGIN_NONE && login->phase != LOGIN_SENT;

    if (is_under_way && login->is_unwanted) {
        /* Who signs out while it waits does not want it any more. */
        end(host, TL_CAUSE_SIGNED_OUT);
        return 0;
    }
    switch (login->phase) {
    case LOGIN_LEASE:
        if (host->lease.has_failed) {
            not_sent(host, now);
            end(host, TL_CAUSE_LEASE_UNAVAILABLE);
            return 1;
        }
        if (!lease_is_held(&host->lease.lock))
            return 0;
        if (is_newer_stored(host)) {
            tl_store_changed(&host->latch, now.monotonic, now.wall);
            end(host, TL_CAUSE_NONE);
            return 1;
        }
        if (!credentials_are_lasting(login->credentials))
            host->refreshes++;
        send_login(host, now);
        return 1;
    case LOGIN_PAUSED:
        if (now.monotonic < login->until)
            return 0;
        send_login(host, now);
        return 1;
    case LOGIN_DUE:
        send_login(host, now);
        return 1;
    case LOGIN_SIBLING:
        if (tl_state(&host->latch) == TL_STATE_READY) {
            login->phase = LOGIN_NONE;
        } else if (now.monotonic >= login->until) {
            login->phase = LOGIN_NONE;
            host->given_up = login->cause;
        }
        return 0;
    default:
        return 0;
    }
}

uint64_t login_timeout(const struct login *login)
{
    int is_timed = login->phase == LOGIN_PAUSED || login->phase == LOGIN_SIBLING;

    return is_timed ? login->until : TL_NEVER;
}
