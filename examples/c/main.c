/* A native program: linked with loop.c, with threads.c or with naive.c. */
#include "client.h"
#include "options.h"
#include "story.h"

#include <curl/curl.h>
#include <stdio.h>

int main(int count, char **words)
{
    struct options options;
    const char *error = NULL;
    int status;

    if (options_parse(&options, count, words, &error) != 0) {
        fprintf(stderr, "%s: %s\n%s", words[0], error, options_usage);
        return 2;
    }
    /* Before there are threads. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fprintf(stderr, "%s: curl can't be started\n", words[0]);
        return 2;
    }
    status = options.story != NULL ? story_run(&options) : client_run(&options);
    curl_global_cleanup();
    return status;
}
