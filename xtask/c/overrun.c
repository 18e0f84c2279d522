/* A latch on the heap. With an argument, Rust code writes one byte behind it. */
#include <stdlib.h>
#include <tokenlatch.h>

void tl_overrun(tl_latch *latch);

int main(int count, char **words)
{
    tl_latch *latch = malloc(sizeof *latch);
    tl_config config;

    (void)words;
    tl_config_init(&config);
    if (latch == NULL || tl_latch_init(latch, &config, 1) != TL_OUTCOME_DONE)
        return 1;
    if (count > 1)
        tl_overrun(latch);
    tl_latch_wipe(latch);
    free(latch);
    return 0;
}
