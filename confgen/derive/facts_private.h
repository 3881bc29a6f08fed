/* What the parts of facts_derive() share; see facts.h. */
#ifndef POSTERN_FACTS_PRIVATE_H
#define POSTERN_FACTS_PRIVATE_H

#include "confgen/derive/facts.h"

/* Adds a row, unless there is one for the key already. */
void facts_push_entry(struct arena *arena, struct entry_list *list, const char *key,
		      const char *value, struct position at);

/* The row of that key, or NULL. */
const struct entry *facts_find_entry(const struct entry_list *list, const char *key);

/* Adds a network, unless it is there already. */
void facts_push_trusted(struct arena *arena, struct trusted_list *list, struct ip_network network,
			const char *peer, struct position at);

/* The limit of that name, or NULL. */
struct sender_limit *facts_find_limit(const struct facts *facts, const char *name, bool network);

/* The limit of that name, made if need be; `network` tells a network's from a node's. */
struct sender_limit *facts_limit(struct arena *arena, struct facts *facts, const char *name,
				 bool network, struct position at);

/* What follows from the clients that may submit mail at the node. */
void facts_derive_clients(struct arena *arena, struct facts *facts);

/* Where mail leaves to by sender, and what stands in for a way that fails; ways_out.c. */
void facts_derive_ways_out(struct arena *arena, struct facts *facts);

/* The same for sub-domains that no route names, by pattern; subdomains.c. */
void facts_derive_subdomains(struct arena *arena, struct facts *facts);

/* Which address families it uses, beyond those of its own addresses. */
void facts_derive_families(struct facts *facts);

#endif
