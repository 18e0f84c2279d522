#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

int lease_open(struct lease *lease, const char *store_path)
{
    /* A file of its own: the store's file is replaced with every record, and a lock would stay on the old one. */
    int written = snprintf(lease->path, sizeof lease->path, "%s.lock", store_path);

    lease->file = -1;
    return written < 0 || (size_t)written >= sizeof lease->path ? -1 : 0;
}

int lease_try(struct lease *lease)
{
    int file;

    if (lease->file >= 0)
        return 1;
    /* Closed on exec: the lock belongs to the open file, and a child that inherits it would hold it too. */
    file = open(lease->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        int is_taken = errno == EWOULDBLOCK || errno == EINTR;
        close(file);
        return is_taken ? 0 : -1;
    }
    lease->file = file;
    return 1;
}

int lease_is_held(const struct lease *lease)
{
    return lease->file >= 0;
}

void lease_release(struct lease *lease)
{
    /* Closing unlocks. Should this process die, the system closes the file for it. */
    if (lease->file >= 0)
        close(lease->file);
    lease->file = -1;
}
