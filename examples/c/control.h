/* What the story tells the test server, and what it asks it. Blocking: only tests need it. */
#ifndef CONTROL_H
#define CONTROL_H

struct control {
    const char *base_url;
};

/* Gives an order, and the number of this name in the answer; without an order, a counter of the server. A name of NULL
   asks for none, and 0 is given. -1: the server did not answer, or has no such number. */
long control_ask(const struct control *control, const char *order, const char *name);

#endif
