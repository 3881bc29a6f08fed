/* The user's own parameters in rendered files. */
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

/*
 * Warns where `extra` of the node's listeners undoes something in a rendered file that makes their
 * services: master.cf, or docker-mailserver's overrides. There the later of two settings holds, so
 * the text stays as it is.
 */
void extra_compare(struct arena *arena, const char *text, const struct node *node,
		   struct diagnostics *list);

#endif
