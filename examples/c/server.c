#include "server.h"

#include "form.h"

#include <stddef.h>

int credentials_are_lasting(const struct credentials *credentials)
{
    return credentials->kind != CREDENTIALS_REFRESH_TOKEN;
}

static struct transfer *post(const struct server *server, const char *url, struct bytes *form)
{
    if (form_add(form, "client_id", server->client_id) != 0 ||
        form_add(form, "client_secret", server->client_secret) != 0) {
        bytes_free(form);
        return NULL;
    }
    return transfer_post(url, form);
}

static struct transfer *request_token(const struct server *server, struct bytes *form)
{
    if (form_add(form, "scope", server->scope) != 0) {
        bytes_free(form);
        return NULL;
    }
    return post(server, server->token_endpoint, form);
}

struct transfer *server_login(const struct server *server, const struct credentials *credentials)
{
    struct bytes form = {NULL, 0, 0};
    int failed = -1;

    switch (credentials->kind) {
    case CREDENTIALS_PASSWORD:
        failed = form_add(&form, "grant_type", "password") != 0 ||
                 form_add(&form, "username", credentials->username) != 0 ||
                 form_add(&form, "password", credentials->password) != 0;
        break;
    case CREDENTIALS_REFRESH_TOKEN:
        return server_refresh(server, credentials->refresh_token);
    case CREDENTIALS_CLIENT:
        failed = form_add(&form, "grant_type", "client_credentials");
        break;
    case CREDENTIALS_NONE:
        break;
    }
    if (failed) {
        bytes_free(&form);
        return NULL;
    }
    return request_token(server, &form);
}

struct transfer *server_refresh(const struct server *server, const char *refresh_token)
{
    struct bytes form = {NULL, 0, 0};

    if (form_add(&form, "grant_type", "refresh_token") != 0 ||
        form_add(&form, "refresh_token", refresh_token) != 0) {
        bytes_free(&form);
        return NULL;
    }
    return request_token(server, &form);
}

struct transfer *server_revocation(const struct server *server, const char *token)
{
    struct bytes form = {NULL, 0, 0};

    if (server->revocation_endpoint == NULL || form_add(&form, "token", token) != 0) {
        bytes_free(&form);
        return NULL;
    }
    return post(server, server->revocation_endpoint, &form);
}
