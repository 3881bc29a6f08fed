/*
 * Which ways mail takes out of a node, by its sender; and whose differ from those of a sender that
 * no route names, which matters where Postfix does not see whose sub-domain that is. Pure questions
 * about a topology without errors.
 */
#ifndef POSTERN_TOPOLOGY_WAYS_H
#define POSTERN_TOPOLOGY_WAYS_H

#include "confgen/topology/model.h"

/* The ways of some senders: the first is taken, the others stand in for it. */
struct ways {
	struct node *nodes[MOST_WAYS];
	size_t count;		   /* 0: their mail does not leave the node */
	const struct route *route; /* the first one */
};

/* Those of a domain. */
struct ways ways_of_domain(const struct topology *topology, const struct node *node,
			   const struct domain *domain);

/* Those of an address of its own: of the routes that name it. */
struct ways ways_of_sender(const struct topology *topology, const struct node *node,
			   const char *address);

/* The null sender's: those of the first route that leaves the node, and of what it names first. */
struct ways ways_of_nobody(const struct topology *topology, const struct node *node);

/* Whether both have the same to fall back on. */
bool ways_same_fallbacks(const struct ways *a, const struct ways *b);

/* Whether some mail goes straight from the node to the hosts of its recipients. */
bool ways_are_direct(const struct topology *topology, const struct node *node);

/*
 * Whether mail by these ways leaves otherwise than that of a sender whom no route names, which goes
 * straight out where any does, and else takes the ways of nobody, `usual`.
 */
bool ways_are_apart(const struct ways *ways, const struct ways *usual, bool direct);

/* The number of domains whose mail leaves the node so. */
size_t ways_count_apart(const struct topology *topology, const struct node *node);

/* The most such domains whose sub-domains Postfix looks for: each is a pattern to be tried. */
#define MOST_APART 1000

#endif
