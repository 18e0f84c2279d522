#include "control.h"

#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough of JSON for this server: a member of the outermost object that is a whole number. */
static long find_number(const char *json, const char *name)
{
    char key[64];
    const char *at;

    snprintf(key, sizeof key, "\"%s\":", name);
    at = json == NULL ? NULL : strstr(json, key);
    return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

long control_ask(const struct control *control, const char *order, const char *name)
{
    char url[256];
    struct transfer *transfer;
    long number = -1;

    snprintf(url, sizeof url, "%s/control", control->base_url);
    transfer = transfer_get(url, order == NULL ? NULL : "Content-Type: application/json");
    if (transfer == NULL)
        return -1;
    if (order != NULL)
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, order);
    transfer_perform(transfer);
    if (transfer->status == 200)
        number = name == NULL ? 0 : find_number(transfer->body.text, name);
    else
        fprintf(stderr, "the test server: %ld %s\n", transfer->status, order == NULL ? "" : order);
    transfer_free(transfer);
    return number;
}
