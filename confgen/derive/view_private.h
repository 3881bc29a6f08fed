/* Parts of view_of_node(); see view.h. The caller owns what they return. */
#ifndef POSTERN_VIEW_PRIVATE_H
#define POSTERN_VIEW_PRIVATE_H

#include "confgen/derive/view.h"

/* What the container is made of and mounts; false on a host. */
json_t *view_of_container(struct arena *arena, const struct facts *facts);

/* Where it is said who may submit mail; false: nobody. */
json_t *view_of_clients(struct arena *arena, const struct node *node);

/* The value of masquerade_domains, with its origin; false: none. */
json_t *view_of_masquerade(struct arena *arena, const struct node *node);

/* The user's own parameters. */
json_t *view_of_extra(struct arena *arena, const struct node *node);

#endif
