/* What the C tests share: a check that names itself, and a world of a disk and a server in memory. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(CONDITION)                                                           \
  do {                                                                             \
    if (!(CONDITION)) {                                                            \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #CONDITION); \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

#endif
