/* The client of the command line: sends its requests and counts what became of them. */
#ifndef CLIENT_H
#define CLIENT_H

#include "options.h"

/* 0 if every request got its answer; else 1. */
int client_run(const struct options *options);

#endif
