/* Is this machine the node? By its host name and its addresses. Thread-safe. */
#ifndef CONFGEN_APPLY_HOST_H
#define CONFGEN_APPLY_HOST_H

#include "confgen/topology/model.h"

/* Whether the machine bears the node's host name, or has one of its addresses. */
bool host_is(struct arena *arena, const struct node *node);

/* The one node of ours that this machine is; NULL for none or several. */
const struct node *host_find(struct arena *arena, const struct topology *topology);

/* The node of that name that files are rendered for, or NULL. */
const struct node *host_named(const struct topology *topology, const char *name);

/* What the machine is called. */
const char *host_name(struct arena *arena);

#endif
