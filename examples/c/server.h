/* The authorization server: its endpoints, who we are to it, and the requests that it takes. */
#ifndef SERVER_H
#define SERVER_H

#include "transfer.h"

/* What does not apply is NULL. */
struct server {
    const char *token_endpoint;
    const char *revocation_endpoint;
    const char *client_id;
    const char *client_secret;
    const char *scope;
};

/* What a user or a service signs in with. */
struct credentials {
    enum { CREDENTIALS_NONE, CREDENTIALS_PASSWORD, CREDENTIALS_REFRESH_TOKEN, CREDENTIALS_CLIENT } kind;
    const char *username;
    const char *password;
    const char *refresh_token;
};

/* Whether they work any number of times. A refresh token works once. */
int credentials_are_lasting(const struct credentials *credentials);

/* A token request of a login (RFC 6749 4.3, 4.4, or 6 with a refresh token from elsewhere). */
struct transfer *server_login(const struct server *server, const struct credentials *credentials);

/* A token request of a renewal (RFC 6749 6). */
struct transfer *server_refresh(const struct server *server, const char *refresh_token);

/* A revocation (RFC 7009). NULL also if the server has none. */
struct transfer *server_revocation(const struct server *server, const char *token);

#endif
