/* The second process of the story: this program again, as a client. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct child {
    pid_t id;
    int out;
    int status;
    int is_running;
};

struct child_report {
    int status;    /* as of waitpid */
    int is_broken; /* it ended by a signal, or with a status that no client gives */
    unsigned long requests;
    unsigned long unexpected_401;
};

int child_start(struct child *child, const char *const *words);
int child_is_running(struct child *child);
void child_kill(struct child *child);

/* When it has ended: what it said in its line of JSON. */
void child_finish(struct child *child, struct child_report *report);

#endif
