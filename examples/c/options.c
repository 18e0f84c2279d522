#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *const options_usage =
    "usage: PROGRAM --story URL [--json]\n"
    "       plays the story of a user against the test server at this address\n"
    "\n"
    "       PROGRAM --token-endpoint URL --client-id ID --store FILE --get URL [--get URL...] and one of\n"
    "         --refresh-token R | --client-credentials | --username U --password P\n"
    "       and optionally\n"
    "         --client-secret S         of a confidential client\n"
    "         --scope S                 asked for at the sign-in and at renewals\n"
    "         --revocation-endpoint URL RFC 7009\n"
    "         --concurrency N           requests at a time (1)\n"
    "         --repeat N                requests for each URL (1)\n"
    "         --pause-ms M              between two requests of a place (0)\n"
    "         --reuse-grace-ms M        how long the server takes a used refresh token again\n"
    "         --logout                  sign out in the end\n"
    "         --json                    end with a line of JSON\n"
    "         --quiet                   say nothing of single requests\n"
    "       Several of these may run on one store at once.\n";

static int is(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

static int number(const char *text, unsigned long most, unsigned long *value)
{
    char *end = NULL;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return errno != 0 || end == text || *end != '\0' || *text == '-' || *value > most ? -1 : 0;
}

/* An option with a value; 0 if there is no such option. */
static int take(struct options *options, const char *name, const char *value, int *is_wrong)
{
    unsigned long n = 0;

    if (is(name, "--story"))
        options->story = value;
    else if (is(name, "--token-endpoint"))
        options->server.token_endpoint = value;
    else if (is(name, "--revocation-endpoint"))
        options->server.revocation_endpoint = value;
    else if (is(name, "--client-id"))
        options->server.client_id = value;
    else if (is(name, "--client-secret"))
        options->server.client_secret = value;
    else if (is(name, "--scope"))
        options->server.scope = value;
    else if (is(name, "--refresh-token"))
        options->credentials.refresh_token = value;
    else if (is(name, "--username"))
        options->credentials.username = value;
    else if (is(name, "--password"))
        options->credentials.password = value;
    else if (is(name, "--store"))
        options->store = value;
    else if (is(name, "--get") && options->url_count < MOST_URLS)
        options->urls[options->url_count++] = value;
    else if (is(name, "--concurrency") && (*is_wrong = number(value, 64, &n)) == 0 && n > 0)
        options->concurrency = (unsigned)n;
    else if (is(name, "--repeat") && (*is_wrong = number(value, 1000000, &n)) == 0)
        options->repeat = (unsigned)n;
    else if (is(name, "--pause-ms") && (*is_wrong = number(value, 3600000, &n)) == 0)
        options->pause_ms = (unsigned)n;
    else if (is(name, "--reuse-grace-ms") && (*is_wrong = number(value, INT_MAX, &n)) == 0)
        options->reuse_grace_ms = (long)n;
    else
        return 0;
    return 1;
}

static int check(struct options *options, int uses_client, const char **error)
{
    struct credentials *credentials = &options->credentials;
    int ways = (credentials->refresh_token != NULL) + (credentials->username != NULL) + uses_client;

    if (options->story != NULL)
        return 0;
    *error = "one of --refresh-token, --client-credentials, --username with --password";
    if (ways != 1 || (credentials->username != NULL) != (credentials->password != NULL))
        return -1;
    if (credentials->refresh_token != NULL)
        credentials->kind = CREDENTIALS_REFRESH_TOKEN;
    else
        credentials->kind = uses_client ? CREDENTIALS_CLIENT : CREDENTIALS_PASSWORD;
    *error = "--token-endpoint, --client-id or --store is missing";
    if (options->server.token_endpoint == NULL || options->server.client_id == NULL || options->store == NULL)
        return -1;
    *error = "--get is missing";
    return options->url_count == 0 && !options->logs_out ? -1 : 0;
}

int options_parse(struct options *options, int count, char **words, const char **error)
{
    int uses_client = 0;
    int at;

    memset(options, 0, sizeof *options);
    options->program = words[0];
    options->concurrency = 1;
    options->repeat = 1;
    options->reuse_grace_ms = -1;
    for (at = 1; at < count; at++) {
        int is_wrong = 0;

        *error = words[at];
        if (is(words[at], "--client-credentials")) {
            uses_client = 1;
        } else if (is(words[at], "--logout")) {
            options->logs_out = 1;
        } else if (is(words[at], "--json")) {
            options->is_json = 1;
        } else if (is(words[at], "--quiet")) {
            options->is_quiet = 1;
        } else {
            if (at + 1 == count || !take(options, words[at], words[at + 1], &is_wrong) || is_wrong)
                return -1;
            at++;
        }
    }
    return check(options, uses_client, error);
}
