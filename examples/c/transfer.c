#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tokenlatch.h>

/* Far more than a token endpoint sends. */
#define BODY_LIMIT ((size_t)1024 * 1024)

/* The latch gives a token request 30 s: it should hear from us before that. */
#define TIMEOUT_MS 20000L

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    if (length > BODY_LIMIT - transfer->body.length)
        return 0;
    return bytes_add(&transfer->body, bytes, length) == 0 ? length : 0;
}

/* The value of a header line, if that is its name. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *value_length)
{
    size_t at = strlen(name);

    if (length <= at || line[at] != ':' || strncasecmp(line, name, at) != 0)
        return NULL;
    for (at++; at < length && (line[at] == ' ' || line[at] == '\t'); at++)
        ;
    while (length > at && strchr("\r\n \t", line[length - 1]) != NULL)
        length--;
    *value_length = length - at;
    return line + at;
}

static void copy(char *to, size_t capacity, const char *value, size_t length)
{
    /* One that does not fit is none: half of a date is another date. */
    if (length >= capacity)
        length = 0;
    memcpy(to, value, length);
    to[length] = '\0';
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    size_t value_length = 0;
    const char *value;

    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* The first line of an answer: what came before it was an interim one. */
        bytes_free(&transfer->challenge);
        transfer->date[0] = '\0';
        transfer->retry_after[0] = '\0';
    } else if ((value = value_of(line, length, "Date", &value_length)) != NULL) {
        copy(transfer->date, sizeof transfer->date, value, value_length);
    } else if ((value = value_of(line, length, "Retry-After", &value_length)) != NULL) {
        copy(transfer->retry_after, sizeof transfer->retry_after, value, value_length);
    } else if ((value = value_of(line, length, "WWW-Authenticate", &value_length)) != NULL) {
        if (transfer->challenge.length > 0 && bytes_add(&transfer->challenge, "\n", 1) != 0)
            return 0;
        if (bytes_add(&transfer->challenge, value, value_length) != 0)
            return 0;
    }
    return length;
}

static int add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *headers = curl_slist_append(transfer->headers, line);

    if (headers == NULL)
        return -1;
    transfer->headers = headers;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, headers);
    return 0;
}

static struct transfer *transfer_new(const char *url, const char *header)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        return NULL;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL || curl_easy_setopt(transfer->easy, CURLOPT_URL, url) != CURLE_OK ||
        (header != NULL && add_header(transfer, header) != 0)) {
        transfer_free(transfer);
        return NULL;
    }
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    /* No signals: there may be threads. No redirects, as is the default: they would carry secrets elsewhere. */
    curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_FOLLOWLOCATION, 0L);
    return transfer;
}

struct transfer *transfer_get(const char *url, const char *header)
{
    return transfer_new(url, header);
}

struct transfer *transfer_post(const char *url, struct bytes *form)
{
    struct transfer *transfer = transfer_new(url, "Accept: application/json");

    if (transfer == NULL) {
        bytes_free(form);
        return NULL;
    }
    transfer->form = *form;
    memset(form, 0, sizeof *form);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)transfer->form.length);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->form.text == NULL ? "" : transfer->form.text);
    /* A connection of its own: on one that the server is just closing, a request would look like a lost answer. */
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    return transfer;
}

void transfer_perform(struct transfer *transfer)
{
    transfer_finish(transfer, curl_easy_perform(transfer->easy));
}

void transfer_finish(struct transfer *transfer, CURLcode code)
{
    double sending = 0.0;

    if (code == CURLE_OK) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
        return;
    }
    /* An answer that breaks off is none: the tokens stand in its body. */
    transfer->error = curl_easy_strerror(code);
    /* When name, connection and TLS were done with. */
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME, &sending);
    transfer->has_left = sending > 0.0;
}

void transfer_free(struct transfer *transfer)
{
    struct curl_slist *header;

    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    /* The header with the token. The copies inside of curl are out of our reach. */
    for (header = transfer->headers; header != NULL; header = header->next)
        tl_wipe(header->data, strlen(header->data));
    curl_slist_free_all(transfer->headers);
    bytes_free(&transfer->form);
    bytes_free(&transfer->body);
    bytes_free(&transfer->challenge);
    free(transfer);
}
