#include "form.h"

#include <string.h>

static int add_encoded(struct bytes *form, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        char encoded[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        int failed = strchr(plain, byte) != NULL ? bytes_add(form, text, 1) : bytes_add(form, encoded, 3);
        if (failed)
            return -1;
    }
    return 0;
}

int form_add(struct bytes *form, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    if (form->length > 0 && bytes_add(form, "&", 1) != 0)
        return -1;
    if (add_encoded(form, name) != 0 || bytes_add(form, "=", 1) != 0)
        return -1;
    return add_encoded(form, value);
}
