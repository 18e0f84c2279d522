#include "host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often the store is looked at for changes that other processes made. */
#define WATCH_MS 200

/* How often the lock is tried while another process has it. */
#define LEASE_MS 15

/* Room for any header line, and for any other token, with a zero byte. */
#define TOKEN_ROOM (TL_TOKEN_CAPACITY + 1)

static void report(const char *what, const char *why)
{
    /* The latch goes on as well as it can; a person should know. */
    fprintf(stderr, "%s %s\n", what, why);
}

void host_configure(tl_config *config)
{
    tl_config_init(config);
    config->lease = TL_LEASE_HOST;
    /* Half of the budget may leave at once, and the other half is spread over the minute. The test server's tokens
       live for 2 s, so that 40 renewals a minute are normal; where they live for an hour, keep the default. */
    config->budget = 120;
    /* A refused token is renewed at once, even a new one: it was revoked. Where replicas lag behind the server that
       issued it, keep the default, which tries it again first. */
    config->fresh_window_ms = 0;
}

int host_open(struct host *host, const tl_config *config, const char *store, const struct server *server,
              const struct credentials *credentials, const struct hooks *hooks, const char **error)
{
    struct moment now = clock_now();
    uint64_t seed = 0;
    int32_t made;

    memset(host, 0, sizeof *host);
    if (store_open(&host->store, store) != 0 || lease_open(&host->lease.lock, store) != 0) {
        *error = "the path of the store is too long";
        return -1;
    }
    if (getentropy(&seed, sizeof seed) != 0) {
        *error = "there is no entropy";
        return -1;
    }
    made = tl_latch_init(&host->latch, config, seed);
    if (made != TL_OUTCOME_DONE) {
        *error = tl_strerror(made);
        return -1;
    }
    if (network_open(&host->network) != 0) {
        *error = "curl can't be started";
        tl_latch_wipe(&host->latch);
        return -1;
    }
    host->server = server;
    host->credentials = credentials;
    host->hooks = *hooks;
    host->seen = store_version(&host->store);
    host->looked = now.monotonic;
    tl_opened(&host->latch, now.monotonic, now.wall);
    return 0;
}

/* The record is only ever in this function's own memory, and not for long. */
static void load(struct host *host, uint32_t ticket)
{
    uint8_t record[TL_RECORD_CAPACITY + 1]; /* One more: a file that is too long must be seen to be. */
    size_t length = 0;
    enum store_found found;
    struct moment now;

    /* Looked at before it is read: a change in between is seen by the next watch. */
    host->seen = store_version(&host->store);
    found = store_load(&host->store, record, sizeof record, &length);
    now = clock_now();
    switch (found) {
    case STORE_FOUND:
        tl_loaded(&host->latch, now.monotonic, now.wall, ticket, record, length);
        break;
    case STORE_EMPTY:
        tl_loaded(&host->latch, now.monotonic, now.wall, ticket, NULL, 0);
        break;
    case STORE_FAILED:
        report(host->store.path, "can't be read");
        tl_load_failed(&host->latch, now.monotonic, now.wall, ticket);
        break;
    }
    tl_wipe(record, sizeof record);
}

static void save(struct host *host, uint32_t ticket)
{
    uint8_t record[TL_RECORD_CAPACITY];
    size_t length = 0;
    struct moment now;
    int saved;

    if (tl_record(&host->latch, ticket, record, sizeof record, &length) != TL_OUTCOME_DONE)
        return; /* Superseded: a newer order follows. */
    saved = store_save(&host->store, record, length);
    tl_wipe(record, sizeof record);
    host->seen = store_version(&host->store);
    now = clock_now();
    if (saved == 0) {
        tl_stored(&host->latch, now.monotonic, now.wall, ticket);
    } else {
        report(host->store.path, "can't be written");
        tl_store_failed(&host->latch, now.monotonic, now.wall, ticket);
    }
}

static void refreshed(void *context, struct transfer *transfer)
{
    struct host *host = context;
    uint32_t failure = TL_FAILURE_NOT_SENT;
    uint32_t retry_after_s = TL_NO_RETRY_AFTER;

    host->jobs--;
    /* If it failed, the latch knows what comes next. */
    host_take_tokens(host, transfer, &failure, &retry_after_s);
}

static void send_token_request(struct host *host, const tl_effect *effect)
{
    struct transfer *transfer;
    struct moment now = clock_now();

    if (effect->grant_type == TL_GRANT_TYPE_LOGIN) {
        transfer = server_login(host->server, host->credentials);
    } else {
        char token[TOKEN_ROOM];
        size_t length = 0;

        if (tl_refresh_token(&host->latch, effect->ticket, token, TL_TOKEN_CAPACITY, &length) != TL_OUTCOME_DONE)
            return; /* Superseded. */
        token[length] = '\0';
        transfer = server_refresh(host->server, token);
        tl_wipe(token, sizeof token);
    }
    host->refreshes++;
    if (transfer != NULL)
        transfer->number = effect->ticket;
    if (network_start(&host->network, transfer, refreshed, host) == 0)
        host->jobs++;
    else
        tl_token_failed(&host->latch, now.monotonic, now.wall, effect->ticket, TL_FAILURE_NOT_SENT,
                        TL_NO_RETRY_AFTER);
}

static void revoked(void *context, struct transfer *transfer)
{
    struct host *host = context;
    struct moment now = clock_now();

    host->jobs--;
    if (transfer->status >= 200 && transfer->status < 300)
        tl_revoked(&host->latch, now.monotonic, now.wall, transfer->number);
    else
        tl_revoke_failed(&host->latch, now.monotonic, now.wall, transfer->number);
}

static void send_revocation(struct host *host, uint32_t ticket)
{
    char token[TOKEN_ROOM];
    size_t length = 0;
    struct transfer *transfer;
    struct moment now = clock_now();

    if (tl_revocation(&host->latch, ticket, token, TL_TOKEN_CAPACITY, &length) != TL_OUTCOME_DONE)
        return; /* Superseded. */
    token[length] = '\0';
    if (host->server->revocation_endpoint == NULL) {
        tl_wipe(token, sizeof token);
        /* Nothing is left to do then. */
        tl_revoked(&host->latch, now.monotonic, now.wall, ticket);
        return;
    }
    transfer = server_revocation(host->server, token);
    tl_wipe(token, sizeof token);
    if (transfer != NULL)
        transfer->number = ticket;
    if (network_start(&host->network, transfer, revoked, host) == 0)
        host->jobs++;
    else
        tl_revoke_failed(&host->latch, now.monotonic, now.wall, ticket);
}

static void carry_out(struct host *host, const tl_effect *effect)
{
    switch (effect->kind) {
    case TL_EFFECT_LOAD:
        load(host, effect->ticket);
        break;
    case TL_EFFECT_STORE:
        save(host, effect->ticket);
        break;
    case TL_EFFECT_ACQUIRE_LEASE:
        host->lease.for_latch = 1;
        host->lease.ticket = effect->ticket;
        host->lease.is_told = 0;
        break;
    case TL_EFFECT_RELEASE_LEASE:
        if (host->lease.ticket == effect->ticket)
            host->lease.for_latch = 0;
        break;
    case TL_EFFECT_SEND_TOKEN_REQUEST:
        send_token_request(host, effect);
        break;
    case TL_EFFECT_REVOKE:
        send_revocation(host, effect->ticket);
        break;
    case TL_EFFECT_REQUIRE_LOGIN:
        login_required(host, effect->cause);
        break;
    case TL_EFFECT_REFUSE:
        host->hooks.refused(host->hooks.context, effect->waiter, effect->cause);
        break;
    case TL_EFFECT_RELEASE:
        host->hooks.released(host->hooks.context, effect->waiter);
        break;
    case TL_EFFECT_STATE_CHANGED:
        if (effect->state == TL_STATE_READY) {
            host->is_signed_out = 0;
            host->given_up = TL_CAUSE_NONE;
        }
        break;
    default:
        /* Nothing to announce: the others watch the file. And no probe is configured. */
        break;
    }
}

/* Gets the lock, tells the latch, gives the lock up. True if the latch was told something. */
static int tend_lease(struct host *host, struct moment now)
{
    struct shared_lease *lease = &host->lease;
    int32_t told;

    lease->has_failed = 0;
    if (!lease->for_latch && !lease->for_login) {
        lease_release(&lease->lock);
        return 0;
    }
    if (!lease_is_held(&lease->lock)) {
        if (now.monotonic < lease->try_at)
            return 0;
        /* Not a wait for the lock: meanwhile everything else goes on, a sign-out above all. */
        lease->try_at = now.monotonic + LEASE_MS;
        lease->has_failed = lease_try(&lease->lock) < 0;
    }
    if (!lease->for_latch)
        return 0;
    if (lease->has_failed) {
        report(lease->lock.path, "can't be locked");
        lease->for_latch = 0;
        tl_lease_denied(&host->latch, now.monotonic, now.wall, lease->ticket);
        return 1;
    }
    if (lease->is_told || !lease_is_held(&lease->lock))
        return 0;
    lease->is_told = 1;
    told = tl_lease_granted(&host->latch, now.monotonic, now.wall, lease->ticket);
    if (told == TL_OUTCOME_STALE)
        lease->for_latch = 0;
    return 1;
}

/* Another process wrote the store: the latch looks at it before the next request leaves. */
static int watch(struct host *host, struct moment now)
{
    struct store_version version;

    if (now.monotonic < host->looked + WATCH_MS)
        return 0;
    host->looked = now.monotonic;
    version = store_version(&host->store);
    if (store_is_same(version, host->seen))
        return 0;
    host->seen = version;
    tl_store_changed(&host->latch, now.monotonic, now.wall);
    return 1;
}

static int tend_timeout(struct host *host, struct moment now)
{
    if (now.monotonic < tl_poll_timeout(&host->latch))
        return 0;
    tl_timeout_reached(&host->latch, now.monotonic, now.wall);
    return 1;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

unsigned host_turn(struct host *host)
{
    struct moment now;
    tl_effect effect;
    uint64_t until;
    int is_told;

    do {
        network_turn(&host->network);
        while (tl_poll_effect(&host->latch, &effect) > 0)
            carry_out(host, &effect);
        now = clock_now();
        is_told = tend_lease(host, now);
        is_told |= login_tend(host, now);
        is_told |= watch(host, now);
        is_told |= tend_timeout(host, now);
    } while (is_told);

    until = earlier(tl_poll_timeout(&host->latch), host->looked + WATCH_MS);
    until = earlier(until, login_timeout(&host->login));
    if ((host->lease.for_latch || host->lease.for_login) && !lease_is_held(&host->lease.lock))
        until = earlier(until, host->lease.try_at);
    return until > now.monotonic ? (unsigned)(until - now.monotonic) : 0;
}

void host_sleep(struct host *host, unsigned ms)
{
    network_sleep(&host->network, ms);
}

void host_wake(struct host *host)
{
    network_wake(&host->network);
}

int32_t host_request(struct host *host, uint32_t *waiter, const uint64_t *receipt)
{
    struct moment now = clock_now();
    int32_t told;

    do {
        *waiter = ++host->last_waiter;
        if (receipt == NULL)
            told = tl_access_requested(&host->latch, now.monotonic, now.wall, *waiter);
        else
            told = tl_access_retried(&host->latch, now.monotonic, now.wall, *waiter, *receipt);
    } while (told == TL_ERR_DUPLICATE_WAITER);
    return told;
}

void host_sign_out(struct host *host)
{
    struct moment now = clock_now();

    host->is_signed_out = 1;
    host->login.is_unwanted = 1;
    /* It signs in by itself, and does not now. */
    if (host->credentials->kind != CREDENTIALS_NONE)
        host->given_up = TL_CAUSE_SIGNED_OUT;
    tl_logout_requested(&host->latch, now.monotonic, now.wall);
}

int host_is_busy(const struct host *host)
{
    int is_signing_in = host->login.phase != LOGIN_NONE && host->login.phase != LOGIN_SIBLING;

    return host->jobs > 0 || is_signing_in || host->lease.for_latch || lease_is_held(&host->lease.lock);
}

void host_close(struct host *host)
{
    network_close(&host->network);
    lease_release(&host->lease.lock);
    tl_latch_wipe(&host->latch);
}
