/* host_take_tokens: the answer of a token request, and what to do with tokens that nobody owns any more. */
#include "host.h"

#include <string.h>

/* Of tokens that nobody owns, nobody waits for the end. */
static void forgotten(void *context, struct transfer *transfer)
{
    struct host *host = context;

    (void)transfer;
    host->jobs--;
}

/* Their sign-in is over: nobody may use these tokens, so nobody should be able to. */
static void revoke_orphans(struct host *host, const tl_grant *grant)
{
    const char *text = grant->refresh_token != NULL ? grant->refresh_token : grant->access_token;
    size_t length = grant->refresh_token != NULL ? grant->refresh_token_len : grant->access_token_len;
    struct bytes token = {NULL, 0, 0};

    if (bytes_add(&token, text, length) == 0 &&
        network_start(&host->network, server_revocation(host->server, token.text), forgotten, host) == 0)
        host->jobs++;
    bytes_free(&token);
}

static int tell_failure(struct host *host, uint32_t ticket, uint32_t failure, uint32_t retry_after_s)
{
    struct moment now = clock_now();

    tl_token_failed(&host->latch, now.monotonic, now.wall, ticket, failure, retry_after_s);
    return 0;
}

int host_take_tokens(struct host *host, struct transfer *transfer, uint32_t *failure, uint32_t *retry_after_s)
{
    struct moment now = clock_now();
    tl_response response;
    tl_grant grant;
    int32_t told;

    if (transfer->status == 0) {
        /* Whether it left matters: the server may have used up the refresh token. */
        *failure = transfer->has_left ? TL_FAILURE_LOST : TL_FAILURE_NOT_SENT;
        return tell_failure(host, transfer->number, *failure, TL_NO_RETRY_AFTER);
    }
    memset(&response, 0, sizeof response);
    response.status = (uint32_t)transfer->status;
    tl_http_date(transfer->date, strlen(transfer->date), &response.server_time_ms);
    tl_retry_after(transfer->retry_after, strlen(transfer->retry_after), response.server_time_ms, now.wall,
                   retry_after_s);
    /* A host that needs neither the failure nor the tokens calls tl_token_response, which does all this at once. */
    if (tl_token_response_read(&response, (uint8_t *)transfer->body.text, transfer->body.length, &grant, failure) != 1)
        return tell_failure(host, transfer->number, *failure, *retry_after_s);
    told = tl_granted(&host->latch, now.monotonic, now.wall, transfer->number, &grant);
    if (told == TL_OUTCOME_ORPHANED)
        revoke_orphans(host, &grant);
    if (told >= 0)
        return 1;
    /* Such tokens can't be used; the errors and the failures of this kind are numbered alike. */
    *failure = TL_FAILURE_UNUSABLE_EMPTY + (uint32_t)(TL_ERR_GRANT_EMPTY - told);
    return tell_failure(host, transfer->number, *failure, *retry_after_s);
}
