#include "bytes.h"

#include <stdlib.h>
#include <string.h>
#include <tokenlatch.h>

int bytes_add(struct bytes *bytes, const void *more, size_t length)
{
    size_t needed = bytes->length + length + 1;

    if (needed > bytes->capacity) {
        size_t capacity = needed < 512 ? 1024 : needed * 2;
        /* Not realloc, which may leave the old bytes where they were. */
        char *text = malloc(capacity);
        if (text == NULL)
            return -1;
        if (bytes->text != NULL)
            memcpy(text, bytes->text, bytes->length);
        tl_wipe(bytes->text, bytes->capacity);
        free(bytes->text);
        bytes->text = text;
        bytes->capacity = capacity;
    }
    memcpy(bytes->text + bytes->length, more, length);
    bytes->length += length;
    bytes->text[bytes->length] = '\0';
    return 0;
}

void bytes_free(struct bytes *bytes)
{
    tl_wipe(bytes->text, bytes->capacity);
    free(bytes->text);
    memset(bytes, 0, sizeof *bytes);
}
