#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int child_start(struct child *child, const char *const *words)
{
    posix_spawn_file_actions_t actions;
    char *copies[32] = {NULL};
    int ends[2];
    int failed;
    size_t i;

    /* posix_spawn wants words that it could write to. */
    for (i = 0; words[i] != NULL && i + 1 < sizeof copies / sizeof *copies; i++)
        copies[i] = strdup(words[i]);
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    failed = posix_spawn(&child->id, words[0], &actions, NULL, copies, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    for (i = 0; copies[i] != NULL; i++)
        free(copies[i]);
    child->out = ends[0];
    child->status = 0;
    child->is_running = !failed;
    if (failed)
        close(ends[0]);
    return failed ? -1 : 0;
}

int child_is_running(struct child *child)
{
    if (child->is_running && waitpid(child->id, &child->status, WNOHANG) != 0)
        child->is_running = 0;
    return child->is_running;
}

void child_kill(struct child *child)
{
    kill(child->id, SIGKILL);
}

static unsigned long number(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10);
}

void child_finish(struct child *child, struct child_report *report)
{
    /* One line, which the pipe holds. */
    char text[4096] = {0};
    size_t filled = 0;
    ssize_t got;

    while (filled + 1 < sizeof text && (got = read(child->out, text + filled, sizeof text - 1 - filled)) > 0)
        filled += (size_t)got;
    close(child->out);
    report->status = child->status;
    /* 1: some request got no answer. One that was killed was stuck, and said nothing. */
    report->is_broken = WIFEXITED(child->status) ? WEXITSTATUS(child->status) > 1
                                                 : WTERMSIG(child->status) != SIGKILL;
    report->requests = number(text, "\"requests\":");
    report->unexpected_401 = number(text, "\"unexpected_401\":");
}
