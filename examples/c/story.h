/* A user's story, told with the application that this program is linked with. */
#ifndef STORY_H
#define STORY_H

#include "options.h"

/* Plays it and ends with a line of JSON: what went wrong. 0 unless it could not be played. */
int story_run(const struct options *options);

#endif
