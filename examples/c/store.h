/* The store: one file. A reader finds the old record or the new one, never a part of either. */
#ifndef STORE_H
#define STORE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct store {
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    char folder[PATH_MAX];
};

/* Differs when somebody has written the file in between. */
struct store_version {
    ino_t file;
    struct timespec modified;
};

enum store_found { STORE_FAILED = -1, STORE_EMPTY = 0, STORE_FOUND = 1 };

/* Only remembers the names; -1 if they are too long. */
int store_open(struct store *store, const char *path);

/* What stands in the file. The length is as much of it as there is room for. */
enum store_found store_load(const struct store *store, uint8_t *record, size_t capacity, size_t *length);

/* Replaces the record; after a 0 it survives a crash. Only who holds the lease may call it. */
int store_save(const struct store *store, const uint8_t *record, size_t length);

struct store_version store_version(const struct store *store);
int store_is_same(struct store_version a, struct store_version b);

#endif
