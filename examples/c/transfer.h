/* One HTTP request and its answer, with libcurl. Run it in an event loop (network.h) or by itself in a thread. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "bytes.h"

#include <curl/curl.h>
#include <stdint.h>

struct transfer {
    /* The answer, when it is over. */
    long status;       /* HTTP status; 0: there was no whole answer */
    int has_left;      /* where there was none: whether the request may have reached the server. If in doubt, yes */
    const char *error; /* where there was none: why */
    struct bytes body;
    struct bytes challenge; /* the values of all WWW-Authenticate headers, one a line */
    char date[64];
    char retry_after[64];

    /* The request. */
    CURL *easy;
    struct curl_slist *headers;
    struct bytes form;

    /* Of the event loop that it runs in; the number is the caller's own. */
    uint32_t number;
    void (*done)(void *context, struct transfer *transfer);
    void *context;
    struct transfer *next;
};

/* A GET with this header line, which may be NULL. NULL if there is no memory. */
struct transfer *transfer_get(const char *url, const char *header);

/* A POST to a token or revocation endpoint. Takes the form over and frees it in the end, whatever happens. */
struct transfer *transfer_post(const char *url, struct bytes *form);

/* Runs it to its end. */
void transfer_perform(struct transfer *transfer);

/* Reads what came of it, once curl is done with it. */
void transfer_finish(struct transfer *transfer, CURLcode code);

void transfer_free(struct transfer *transfer);

#endif
