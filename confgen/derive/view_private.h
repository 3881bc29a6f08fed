/*
 * Parts of view_of_node(), and what they share; see view.h. The caller owns the JSON that they
 * return. view.c puts the parts together; none of them calls it.
 */
#ifndef POSTERN_VIEW_PRIVATE_H
#define POSTERN_VIEW_PRIVATE_H

#include "confgen/derive/view.h"

/* The topology's file name without folders, fit for a comment. */
const char *view_file_name(struct arena *arena, const struct source *source);

/* The name of the restriction class and table of a limit. */
const char *view_limit_class(struct arena *arena, const struct sender_limit *limit);

/* What main.cf calls the table: TYPE:${config_directory}/NAME, or the rows themselves. */
const char *view_lookup(struct arena *arena, const struct node *node, const struct table *table);

/* Its parts about proxies: what is behind one on the node, and the node itself, if it is one. */
json_t *view_proxied(struct arena *arena, const struct facts *facts);
json_t *view_proxy(struct arena *arena, const struct facts *facts);

/* The services and the bound peers that postern-milter distinguishes. */
json_t *view_milter_listeners(struct arena *arena, const struct facts *facts);
json_t *view_milter_bindings(struct arena *arena, const struct facts *facts);

/* What the container is made of and mounts; false on a host. */
json_t *view_of_container(struct arena *arena, const struct facts *facts);

/* Where it is said who may submit mail; false: nobody. */
json_t *view_of_clients(struct arena *arena, const struct node *node);

/* The value of masquerade_domains, with its origin; false: none. */
json_t *view_of_masquerade(struct arena *arena, const struct node *node);

/* The user's own parameters. */
json_t *view_of_extra(struct arena *arena, const struct node *node);

#endif
