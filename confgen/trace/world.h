/* What the parts of trace.h share: the nodes with their Postfix, and who meets whom. */
#ifndef POSTERN_TRACE_WORLD_H
#define POSTERN_TRACE_WORLD_H

#include "confgen/derive/facts.h"
#include "confgen/trace/host.h"
#include "confgen/trace/trace.h"

#include <jansson.h>

/* A node, and what it runs. */
struct actor {
	struct trace *trace;
	const struct node *node;
	struct facts *facts;		  /* NULL: no files are rendered for it */
	struct host *host;		  /* NULL: it runs no Postfix of ours */
	json_t *listeners, *bindings;	  /* of its milter, as they are rendered */
	const struct source *milter_conf; /* or NULL: it has none */
	bool guarded;			  /* a firewall keeps its PROXY ports for the proxies */
};

struct trace {
	struct arena *arena;
	const struct topology *topology;
	const struct source *files;
	size_t file_count;
	struct actor *actors; /* one for each node, in the order of the topology */
	struct name_map *by_domain;
	/* the message at hand */
	const struct request *request;
	int probes; /* that are on their way, one for the other */
};

/* The actor of a node of the topology, NULL for others; made when it is first asked for. */
struct actor *world_actor(struct trace *trace, const struct node *node);

const struct source *world_file(const struct trace *trace, const struct node *node,
				const char *name);

/* The domain of the topology, or NULL. */
const struct domain *world_domain(const struct trace *trace, const char *name);

/* Whether the recipient has a mailbox at the node. */
bool world_mailbox(struct trace *trace, const struct node *node, const char *address);

/* Whether the DNS knows the name as one that mail may come from and go to. */
bool world_knows(struct trace *trace, const char *domain);

/* Whether mail for the domain goes to hosts of others. */
bool world_is_foreign(const struct trace *trace, const char *domain);

/* The network that an address belongs to; NULL: the Internet. */
const struct network *world_network(const struct topology *topology,
				    const struct ip_address *address);

/* A host that can be reached, and by which address. */
struct reached {
	const struct node *node;
	const struct network *network; /* NULL: the Internet */
	struct ip_address address;     /* IP_NONE: some host of others */
	bool either; /* its name has addresses of both families: smtp(8) may take any first */
};

struct reached_list {
	struct reached *items;
	size_t count;
};

/* The addresses that a next hop ("[host]:port", "host:port", a domain) stands for, best first. */
void world_resolve(struct trace *trace, const char *next_hop, unsigned usual_port,
		   struct reached_list *out, unsigned *port);

/* The node's own address for connections to another, without a bound one; NULL: it has none. */
const struct ip_address *world_source(const struct node *node, const struct network *network,
				      enum ip_family family);

/* Whether connections of the node reach the Internet though it has no address there. */
bool world_is_translated(const struct trace *trace, const struct node *node);

/* What the next host says to a recipient; see struct oracle. `user` is the actor. */
int walk_probe(void *user, const char *recipient, const char **reply);

/* --- milter.c --- */

/* What postern-milter sees of a client. */
struct milter_client {
	const char *listener; /* {daemon_name} */
	struct ip_address address;
	bool local;
	const char *user;
};

/*
 * Judges the client, when it connects and when it names a sender; 0: nothing against it. A proxy
 * that connects itself may stay connected, and is only refused `*later`, at MAIL.
 */
struct answer milter_connect(struct actor *actor, const struct milter_client *client, bool *later,
			     struct steps *steps);
struct answer milter_sender(struct actor *actor, const struct milter_client *client,
			    const char *sender, struct steps *steps);

/* The end of a message: judges its author, and adds who signs it. */
struct answer milter_message(struct actor *actor, const struct milter_client *client,
			     const char *author, struct names *signed_by, struct steps *steps);

#endif
