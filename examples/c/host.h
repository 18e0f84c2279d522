/* The host: one latch, and everything that it orders. This and what it includes is what to copy.
 *
 * It is written for one thread that calls host_turn and host_sleep for ever. Where there are more threads, put it
 * behind a mutex: host_turn with the mutex, host_sleep without it (threads.c).
 */
#ifndef HOST_H
#define HOST_H

#include "lease.h"
#include "login.h"
#include "network.h"
#include "server.h"
#include "store.h"

#include <tokenlatch.h>

/* What the latch says about the requests of the application. */
struct hooks {
    void *context;
    /* This request may leave: claim its permit. */
    void (*released)(void *context, uint32_t waiter);
    /* It will not leave, and waits no longer. */
    void (*refused)(void *context, uint32_t waiter, uint32_t cause);
};

/* The lock between processes. Two may want it: the latch, and a login that must happen in one process only. */
struct shared_lease {
    struct lease lock;
    int for_latch;
    uint32_t ticket; /* under which the latch wants it */
    int is_told;     /* whether the latch knows that it has it */
    int for_login;
    int has_failed;
    uint64_t try_at;
};

struct host {
    tl_latch latch;
    const struct server *server;
    const struct credentials *credentials; /* with these it signs in by itself, unless they are none */
    struct hooks hooks;
    struct network network;
    struct store store;
    struct store_version seen; /* the store as the latch knows it */
    uint64_t looked;
    struct shared_lease lease;
    struct login login;
    uint32_t last_waiter;
    int is_signed_out; /* here, and nobody has signed in since */
    uint32_t given_up; /* a cause: nobody will sign in, and requests need not wait */
    unsigned long refreshes;
    unsigned jobs; /* token requests and revocations under way */
};

/* The configuration of such a host. */
void host_configure(tl_config *config);

/* 0, or -1 with a reason in `error`. The server, the credentials and the hooks' context live as long as the host. */
int host_open(struct host *host, const tl_config *config, const char *store, const struct server *server,
              const struct credentials *credentials, const struct hooks *hooks, const char **error);

/* Carries out what is due, and never waits. Returns for how many milliseconds there is nothing to do. */
unsigned host_turn(struct host *host);

/* Waits until there is something to do, at most this long. */
void host_sleep(struct host *host, unsigned ms);

/* Ends a host_sleep: for other threads, after whatever they have told the host or the latch. */
void host_wake(struct host *host);

/* Asks for a permit, anew or after TL_OUTCOME_RETRY with the receipt; what the latch answers. */
int32_t host_request(struct host *host, uint32_t *waiter, const uint64_t *receipt);

/* Signs out. On return no request can leave; the store and the server are told in the turns that follow. */
void host_sign_out(struct host *host);

/* Tells the latch what came of a token request, whose ticket is the transfer's number. 1 if there are tokens; 0 if
   not, and then why (TL_FAILURE_*) and when the server wants the next one. */
int host_take_tokens(struct host *host, struct transfer *transfer, uint32_t *failure, uint32_t *retry_after_s);

/* Whether something is under way that should not be cut off: a new refresh token must reach the store. */
int host_is_busy(const struct host *host);

void host_close(struct host *host);

#endif
