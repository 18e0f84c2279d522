/* The body of a token request: application/x-www-form-urlencoded. */
#ifndef FORM_H
#define FORM_H

#include "bytes.h"

/* Adds a field, unless its value is NULL; -1 if there is no memory. */
int form_add(struct bytes *form, const char *name, const char *value);

#endif
