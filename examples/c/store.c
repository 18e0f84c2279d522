#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int store_open(struct store *store, const char *path)
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash - path);
    int written;

    /* Both files are in one folder: a rename is atomic within a file system only. */
    written = snprintf(store->path, sizeof store->path, "%s", path);
    if (written < 0 || (size_t)written >= sizeof store->path)
        return -1;
    written = snprintf(store->temporary, sizeof store->temporary, "%s.new", path);
    if (written < 0 || (size_t)written >= sizeof store->temporary)
        return -1;
    if (slash == NULL)
        snprintf(store->folder, sizeof store->folder, ".");
    else
        snprintf(store->folder, sizeof store->folder, "%.*s/", length, path);
    return 0;
}

enum store_found store_load(const struct store *store, uint8_t *record, size_t capacity, size_t *length)
{
    int file = open(store->path, O_RDONLY | O_CLOEXEC);
    size_t filled = 0;

    if (file < 0)
        return errno == ENOENT ? STORE_EMPTY : STORE_FAILED;
    while (filled < capacity) {
        ssize_t got = read(file, record + filled, capacity - filled);
        if (got == 0)
            break;
        if (got < 0) {
            if (errno == EINTR)
                continue;
            close(file);
            return STORE_FAILED;
        }
        filled += (size_t)got;
    }
    close(file);
    *length = filled;
    return STORE_FOUND;
}

static int write_all(int file, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* The new name is in the folder, so the folder must reach the disk too. */
static int sync_folder(const char *folder)
{
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;

    if (file < 0)
        return -1;
    result = fsync(file);
    close(file);
    return result;
}

int store_save(const struct store *store, const uint8_t *record, size_t length)
{
    /* One name is enough for the temporary file, because one process at a time has the lease. */
    int file = open(store->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result;

    if (file < 0)
        return -1;
    result = write_all(file, record, length);
    /* Without this the rename could reach the disk before the bytes do. */
    if (result == 0)
        result = fsync(file);
    if (close(file) != 0)
        result = -1;
    if (result == 0)
        result = rename(store->temporary, store->path);
    if (result == 0)
        result = sync_folder(store->folder);
    return result;
}

struct store_version store_version(const struct store *store)
{
    struct store_version version;
    struct stat status;

    memset(&version, 0, sizeof version);
    if (stat(store->path, &status) == 0) {
        version.file = status.st_ino;
        version.modified = status.st_mtim;
    }
    return version;
}

int store_is_same(struct store_version a, struct store_version b)
{
    return a.file == b.file && a.modified.tv_sec == b.modified.tv_sec &&
           a.modified.tv_nsec == b.modified.tv_nsec;
}
