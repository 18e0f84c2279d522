/* The lease between the processes that share a store: a lock on a file beside it. */
#ifndef LEASE_H
#define LEASE_H

#include <limits.h>

struct lease {
    char path[PATH_MAX];
    int file; /* -1: not held */
};

/* Only remembers the name; -1 if it is too long. */
int lease_open(struct lease *lease, const char *store_path);

/* Tries to get it, without waiting: 1 it is ours, 0 another process has it, -1 it can't be had. */
int lease_try(struct lease *lease);

int lease_is_held(const struct lease *lease);

/* Gives it up. Harmless where it is not held. */
void lease_release(struct lease *lease);

#endif
