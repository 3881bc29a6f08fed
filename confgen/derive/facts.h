/*
 * What follows from a topology for one node: whom it trusts, where it sends what, what it signs.
 *
 * Facts are about mail, not about file formats: the templates turn them into Postfix's words. Each
 * remembers the place in the topology that caused it. All memory belongs to the run's arena.
 */
#ifndef POSTERN_FACTS_H
#define POSTERN_FACTS_H

#include "common/name_map.h"
#include "confgen/topology/model.h"

/* A client network that may relay, beyond loopback. */
struct trusted {
	struct ip_network network;
	const char *peer; /* what the topology calls it: a node, or a network of clients */
	struct position at;
};

struct trusted_list {
	struct trusted *items;
	size_t count;
};

/* A row of a lookup table. */
struct entry {
	const char *key, *value;
	struct position at;
};

struct entry_list {
	struct entry *items;
	size_t count;
	struct name_map *index; /* of the keys; NULL while empty */
};

/* A login: as the client presents it, or as the server accepts it. */
struct login {
	const char *next_hop; /* NULL on the server's side */
	const char *username, *password;
	const struct node *peer;
	struct position at;
};

struct login_list {
	struct login *items;
	size_t count;
};

/* Which sender domains a trusted peer may use. A trusted network is one peer, whoever is in it. */
struct sender_limit {
	const char *name;	     /* of the node or network */
	bool network;		     /* it is a network */
	struct trusted_list clients; /* how it is known: by address, */
	const char *username;	     /* or by login */
	bool submits;		     /* its hosts write mail, and forward none */
	bool inbound;		   /* it also brings mail from strangers, to the relayed domains */
	struct entry_list senders; /* domain, with what is below it -> OK or REJECT */
	struct position at;
};

struct sender_limit_list {
	struct sender_limit *items;
	size_t count;
};

struct signing_key {
	const char *selector, *path;
	const char *active_from, *retire_after; /* or NULL */
};

struct signing_key_list {
	struct signing_key *items;
	size_t count;
};

/* A domain that is signed for here. */
struct signing_domain {
	const char *name;
	bool listed; /* its keys come from a list, and not from the short form */
	struct signing_key_list keys;
	struct text_list subdomains;
	struct position at;
};

struct signing_domain_list {
	struct signing_domain *items;
	size_t count;
};

/*
 * A client service of its own in master.cf: mail that leaves by it is bound, wrapped in TLS, or
 * falls back on other relays than the rest.
 */
struct client_service {
	const char *name;
	const struct egress *egress;	/* that of the route or link, or NULL */
	const char *fallbacks;		/* "" for none; NULL: as everywhere */
	const char *ipv4, *ipv6, *helo; /* NULL: as everywhere */
	bool wrapper;			/* TLS from the first octet */
	bool inward; /* it brings mail to mailboxes: there is no other way for it */
	struct position at;
};

struct client_service_list {
	struct client_service *items;
	size_t count;
};

/* A listener of the node behind a proxy. */
struct proxied {
	const struct listener *listener;
	const struct attachment *from; /* the proxy's addresses, as the node sees them */
	bool other_family;	       /* its clients may have a family that the node has not */
};

struct proxied_list {
	struct proxied *items;
	size_t count;
};

/* A port of a proxy, and the listener that it leads to. */
struct forward {
	const struct node *node;
	const struct listener *listener;
	const struct network *network; /* in which the two meet; NULL: the Internet */
	struct ip_address address;     /* of the node there */
};

struct forward_list {
	struct forward *items;
	size_t count;
};

struct facts {
	const struct topology *topology;
	const struct node *node;
	const char *hostname;
	bool internet;	     /* it takes mail from the Internet */
	bool ipv4, ipv6;     /* which families it has addresses of */
	unsigned submission; /* port on which peers log in, 0 for none */
	struct position submission_at;
	bool smtp;	  /* other hosts send to its port 25 */
	bool keeps_lines; /* mail passes that is signed by now: its lines must stay as they are */
	bool egress_ipv4; /* it has an IPv6 address, but none to send to the Internet from */

	struct proxied_list proxied;
	struct forward_list forwards; /* of a proxy */

	struct trusted_list trusted;
	struct sender_limit_list limits;
	struct login_list accounts; /* accepted here */
	struct login_list logins;   /* presented elsewhere; next_hop may be a sender */
	bool sender_logins;	    /* some are by sender */

	struct entry_list relay_domains; /* domain -> OK */
	struct entry_list transports;	 /* domain -> relay:[next hop]:port */
	struct entry_list recipients;	 /* address -> OK; @domain -> OK where none are listed */
	struct entry_list unlisted;	 /* domains whose recipients have to be asked for */
	struct entry_list postmasters;	 /* role addresses of the host itself -> where they go */

	/* the way out: one for all, or by sender; neither: straight to each domain's own hosts */
	const char *relayhost;
	struct position relayhost_at;
	const char *default_service;  /* of all but what a row gives another; NULL: smtp */
	const char *usual_service;    /* what a row says for smtp; NULL: none is needed */
	struct entry_list relayhosts; /* @domain or <> -> next hop */
	const struct egress *egress;  /* of the service smtp; or NULL */
	bool relay_bound;	      /* the service relay has that egress as well */
	struct client_service_list services;
	struct entry_list sender_services; /* @domain or <> -> service, where it is not smtp */
	/* the same for what is below a domain, by pattern; only where it is not the default */
	struct entry_list subdomain_relayhosts, subdomain_services;
	struct text_list fallbacks;	/* of smtp, and of services that do not say otherwise */
	struct entry_list tls_policies; /* next hop -> level */
	bool dane;			/* somewhere, so that DNS look-ups ask for DNSSEC */

	struct signing_domain_list signs;
	struct trusted_list signed_clients; /* whose mail is signed, beyond loopback and logins */
	struct entry_list relay_users;	    /* logins of relays: authenticated, but not authors */
};

/* Whether files are rendered for the node: it is of kind postfix, dms or proxy. */
bool facts_has(const struct node *node);

/* Derives the facts of such a node from a topology without errors. */
struct facts *facts_derive(struct arena *arena, const struct topology *topology,
			   const struct node *node);

/* The next hop that `sender` uses for `receiver`, in Postfix's form: [host]:port. */
const char *facts_next_hop(struct arena *arena, const struct topology *topology,
			   const struct node *sender, const struct node *receiver);

/* Whether the node has a milter: it signs, or verifies. */
bool facts_has_milter(const struct facts *facts);

/* Where the node's milter listens, as the milter's configuration names it. */
const char *facts_milter_socket(const struct node *node);

/* What is behind proxies on the node, and what is behind the node if it is one; proxied.c. */
void facts_derive_proxied(struct arena *arena, struct facts *facts);

/* Whether postern-gate listens at the port, in place of Postfix. */
bool facts_is_gated(const struct facts *facts, unsigned long port);

#endif
