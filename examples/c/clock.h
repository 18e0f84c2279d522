/* The two clocks that the latch asks for with every call. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

struct moment {
    uint64_t monotonic; /* milliseconds; runs on, whatever is done to the wall clock */
    uint64_t wall;      /* milliseconds since the Unix epoch; runs on while the machine sleeps */
};

struct moment clock_now(void);

/* So many milliseconds from now, by the monotonic clock. */
struct timespec clock_after(unsigned ms);

#endif
