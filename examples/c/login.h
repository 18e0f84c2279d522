/* Signing in: for the application, or by itself with credentials that need no person. */
#ifndef LOGIN_H
#define LOGIN_H

#include "clock.h"
#include "server.h"

#include <stdint.h>

struct host;

enum login_phase {
    LOGIN_NONE,
    LOGIN_DUE,     /* to be sent in the next turn */
    LOGIN_SENT,    /* until its answer */
    LOGIN_PAUSED,  /* it failed, and is tried again at `until` */
    LOGIN_LEASE,   /* until this process has the lease */
    LOGIN_SIBLING, /* until another process has signed in, or `until` */
};

struct login {
    enum login_phase phase;
    const struct credentials *credentials;
    uint32_t ticket;
    unsigned attempts;
    uint64_t until;
    uint32_t cause;
    uint32_t sign_in; /* the latch's generation when it asked for it */
    uint32_t serial;
    int is_alone;    /* nobody asked for it but the latch */
    int is_unwanted; /* somebody has signed out since */
    int has_failed;
};

/* Signs in, whoever was signed in before. Any thread that may use the host may call it. */
void login_begin(struct host *host, const struct credentials *credentials);

/* The latch wants a login, and there may be credentials at hand. */
void login_required(struct host *host, uint32_t cause);

/* Does what is due; true if the latch was told something. */
int login_tend(struct host *host, struct moment now);

/* When there is something to do, by the monotonic clock. */
uint64_t login_timeout(const struct login *login);

#endif
