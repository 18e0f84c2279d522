/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "server.h"

#define MOST_URLS 16

struct options {
    const char *program;
    const char *story; /* the test server's address: play the story */
    struct server server;
    struct credentials credentials;
    const char *store;
    const char *urls[MOST_URLS];
    unsigned url_count;
    unsigned concurrency;
    unsigned repeat;
    unsigned pause_ms;
    long reuse_grace_ms;
    int logs_out;
    int is_json;
    int is_quiet;
};

extern const char *const options_usage;

/* 0, or -1 with a reason in `error`. */
int options_parse(struct options *options, int count, char **words, const char **error);

#endif
