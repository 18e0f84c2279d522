/* The event loop: transfers that run at the same time in one thread, with libcurl's multi interface. */
#ifndef NETWORK_H
#define NETWORK_H

#include "transfer.h"

struct network {
    CURLM *multi;
    struct transfer *running;
};

int network_open(struct network *network);

/* Starts a transfer. `done` is called from network_turn when it is over, and the transfer is freed after that.
   -1 if it can't be started, or is NULL: then it is freed at once, and `done` is not called. */
int network_start(struct network *network, struct transfer *transfer,
                  void (*done)(void *context, struct transfer *transfer), void *context);

/* Does what can be done now. Never waits. */
void network_turn(struct network *network);

/* Waits until there is something to do, at most this long. */
void network_sleep(struct network *network, unsigned ms);

/* Ends a network_sleep. The only function here that another thread may call. */
void network_wake(struct network *network);

/* Ends what still runs; nobody is told. */
void network_close(struct network *network);

#endif
