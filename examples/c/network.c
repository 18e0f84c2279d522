#include "network.h"

#include <string.h>

int network_open(struct network *network)
{
    memset(network, 0, sizeof *network);
    network->multi = curl_multi_init();
    return network->multi == NULL ? -1 : 0;
}

int network_start(struct network *network, struct transfer *transfer,
                  void (*done)(void *context, struct transfer *transfer), void *context)
{
    if (transfer == NULL)
        return -1;
    if (curl_multi_add_handle(network->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return -1;
    }
    transfer->done = done;
    transfer->context = context;
    transfer->next = network->running;
    network->running = transfer;
    return 0;
}

static void forget(struct network *network, struct transfer *transfer)
{
    struct transfer **link = &network->running;

    curl_multi_remove_handle(network->multi, transfer->easy);
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
}

void network_turn(struct network *network)
{
    CURLMsg *message;
    int count = 0;

    curl_multi_perform(network->multi, &count);
    while ((message = curl_multi_info_read(network->multi, &count)) != NULL) {
        struct transfer *transfer;
        char *private = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        transfer = (void *)private;
        /* The message does not outlive this call. */
        forget(network, transfer);
        transfer_finish(transfer, code);
        transfer->done(transfer->context, transfer);
        transfer_free(transfer);
    }
}

void network_sleep(struct network *network, unsigned ms)
{
    /* Also ends early for what curl itself has to do at a time. */
    curl_multi_poll(network->multi, NULL, 0, (int)ms, NULL);
}

void network_wake(struct network *network)
{
    curl_multi_wakeup(network->multi);
}

void network_close(struct network *network)
{
    while (network->running != NULL) {
        struct transfer *transfer = network->running;
        forget(network, transfer);
        transfer_free(transfer);
    }
    curl_multi_cleanup(network->multi);
}
