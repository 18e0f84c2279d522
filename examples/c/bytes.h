/* Bytes that grow and that may be secret: no copy of them is left behind. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>

/* Begins as all zeros. `text` is NULL while there are none, and ends with a zero byte that `length` does not count. */
struct bytes {
    char *text;
    size_t length;
    size_t capacity;
};

/* Adds to the end; -1 if there is no memory, and then nothing was added. */
int bytes_add(struct bytes *bytes, const void *more, size_t length);

/* Wipes and frees them. */
void bytes_free(struct bytes *bytes);

#endif
