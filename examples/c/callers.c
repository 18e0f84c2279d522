#include "callers.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

struct call {
    struct callers *callers;
    unsigned caller;
};

static void take_answer(void *context, const struct answer *answer)
{
    struct call *call = context;
    struct callers *callers = call->callers;
    const char *reason = answer->error != NULL ? answer->error : tl_cause_sentence(answer->cause);

    callers->is_calling[call->caller] = 0;
    callers->settled++;
    if (answer->status == 401)
        callers->unauthorized++;
    callers->last_status = answer->status;
    snprintf(callers->last_reason, sizeof callers->last_reason, "%s", reason);
    free(call);
}

void callers_begin(struct callers *callers, unsigned count, unsigned each)
{
    unsigned i;

    for (i = 0; i < count; i++)
        callers->left[i] = each;
}

int callers_are_busy(const struct callers *callers, unsigned caller)
{
    return callers->left[caller] > 0 || callers->is_calling[caller];
}

int callers_run(struct callers *callers)
{
    int is_busy = 0;
    unsigned i;

    for (i = 0; i < MOST_CALLERS; i++) {
        if (callers->left[i] > 0 && !callers->is_calling[i]) {
            struct call *call = malloc(sizeof *call);

            if (call == NULL)
                abort();
            call->callers = callers;
            call->caller = i;
            callers->left[i]--;
            callers->is_calling[i] = 1;
            callers->started++;
            app_get(callers->app, callers->url, take_answer, call);
        }
        is_busy |= callers_are_busy(callers, i);
    }
    app_run(callers->app, 2);
    return is_busy;
}

void callers_settle(struct callers *callers)
{
    uint64_t until = clock_now().monotonic + PATIENCE_MS;

    while (callers_run(callers) && clock_now().monotonic < until)
        ;
}

void callers_get(struct callers *callers)
{
    callers_begin(callers, 1, 1);
    callers_settle(callers);
}

void callers_rest(struct callers *callers, unsigned ms)
{
    uint64_t until = clock_now().monotonic + ms;

    while (clock_now().monotonic < until)
        callers_run(callers);
}
