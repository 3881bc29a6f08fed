/* The user's own parameters in a rendered main.cf. */
#ifndef POSTERN_EXTRA_H
#define POSTERN_EXTRA_H

#include "confgen/topology/model.h"

/*
 * Takes out of a rendered main.cf what the node's `extra` sets anew or leaves at Postfix's default,
 * so that each parameter is set once; what the text has last of a parameter with a value is the
 * user's and stays. Where that undoes something, a warning goes to `list`. The text is
 * NUL-terminated and belongs to `arena`.
 */
const char *extra_apply(struct arena *arena, const char *text, const struct node *node,
			struct diagnostics *list);

#endif
