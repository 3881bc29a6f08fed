/*
 * Turning DKIM keys over: each key of a domain that signs without an end gets a successor, which
 * takes over at the very moment at which the old one retires.
 *
 * What changes is written as fixes of the topology's text, so that comments and layout stay. They
 * go to a list of diagnostics, for fixes_collect(). The caller parses the result and has
 * rotation_is_sound() say whether it is what was meant.
 */
#ifndef POSTERN_KEYS_ROTATE_H
#define POSTERN_KEYS_ROTATE_H

#include "confgen/keys/store.h"
#include "confgen/yaml/tree.h"

/* A key and its successor. */
struct successor {
	const char *from, *selector;
	enum dkim_type type;
};

struct rotation {
	const struct domain *domain;  /* the first of them */
	const struct domain_set *set; /* or NULL: the domain alone */
	const char *at;		      /* the date of the switch, as it is written */
	struct successor *items;      /* in the order of the keys */
	size_t count;
	const struct yaml_node *changed; /* what must differ afterwards, and nothing else */
};

struct rotation_options {
	const char *folder;	   /* of keys: names of files there are not used again */
	const char *selector;	   /* of the successor; NULL: one is found */
	const char *at;		   /* RFC 3339 */
	const struct choice *type; /* of the successors; NULL or not given: that of the old ones */
};

/*
 * Plans it. `tree` is that of the topology's text. Adds the fixes to `list`; or errors, and returns
 * false, when there is nothing to turn over, a turn-over is under way, or the text is such that
 * only a person can change it.
 */
bool rotation_plan(struct arena *arena, const struct yaml_node *tree,
		   const struct topology *topology, const struct domain *domain,
		   const struct rotation_options *options, time_t now, struct diagnostics *list,
		   struct rotation *out);

/*
 * Whether `after`, made of the new text with its tree, differs from `before` by that rotation and
 * nothing else.
 */
bool rotation_is_sound(const struct rotation *rotation, const struct yaml_node *old_tree,
		       const struct yaml_node *new_tree, const struct topology *before,
		       const struct topology *after);

#endif
