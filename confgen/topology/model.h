/*
 * The topology as the program sees it: what the YAML says, typed, with the place of every value,
 * and with names resolved to pointers.
 *
 * The first half of each struct is filled by the schema (schema.h, fields.c) from the YAML; the
 * members below "resolved" are set by topology_resolve(). All memory belongs to the arena of the
 * run; after topology_load() nothing changes any more, so everything may be shared freely.
 */
#ifndef POSTERN_MODEL_H
#define POSTERN_MODEL_H

#include "common/diagnostics.h"
#include "common/network.h"

#include <stdbool.h>
#include <stddef.h>

/* --- values --- */

/* `value` is NULL while not given. */
struct text {
	const char *value;
	struct position at;
};

struct number {
	bool given;
	unsigned long value;
	struct position at;
};

/* An index into the words that the schema row lists; its preset when not given. */
struct choice {
	bool given;
	int value;
	struct position at;
};

struct text_list {
	struct text *items;
	size_t count;
};

struct network_value {
	struct ip_network value;
	struct position at;
};

struct network_list {
	struct network_value *items;
	size_t count;
};

struct address_value {
	struct ip_address value;
	struct position at;
};

struct address_list {
	struct address_value *items;
	size_t count;
};

/* The first member of every struct that stands for a mapping in the YAML. */
struct head {
	bool given;
	struct text name;   /* its key, where it is one of a map of named things */
	struct position at; /* where its value starts */
};

/* --- things --- */

enum node_kind { KIND_POSTFIX, KIND_DMS, KIND_SMARTHOST, KIND_INTERNET };
enum map_type { MAP_TEXTHASH, MAP_LMDB, MAP_HASH, MAP_INLINE };
enum tls_level { TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_VERIFY, TLS_SECURE };
enum trust { TRUST_ADDRESS, TRUST_NETWORK, TRUST_SASL };
enum deployment_kind { DEPLOY_HOST, DEPLOY_CONTAINER };
enum host_lookup { LOOKUP_ADDRESS, LOOKUP_MX };

/* A secret never stands in the topology itself: only where to find it. */
struct secret {
	struct head head;
	struct text file; /* relative to the topology's folder */
	struct text env;
	/* resolved */
	const char *value; /* NULL: could not be had */
};

struct credentials {
	struct head head; /* in a link: named after the node that accepts the login */
	struct text username;
	struct secret password;
	/* resolved */
	struct node *node;
};

struct credentials_list {
	struct credentials *items;
	size_t count;
};

struct dkim {
	struct head head;
	struct text sign_at, selector, key;
	struct text_list subdomains;
	/* resolved */
	struct node *signer;
};

struct domain {
	struct head head;
	struct text mailboxes;
	struct text_list recipients;
	struct dkim dkim;
	/* resolved */
	struct node *home;
};

struct domain_list {
	struct domain *items;
	size_t count;
};

struct network {
	struct head head;
	struct network_list cidrs;
};

struct named_network_list {
	struct network *items;
	size_t count;
};

/* The addresses of a node in one network. */
struct attachment {
	struct head head; /* named after the network */
	struct address_list addresses;
	/* resolved */
	struct network *network;
};

struct attachment_list {
	struct attachment *items;
	size_t count;
};

struct tls_files {
	struct head head;
	struct text certificate, key;
};

struct postfix_target {
	struct head head;
	struct text version;
	/* resolved: 3.7 is 307 */
	unsigned number;
};

/* Volumes that outlive a container, by name. */
struct volumes {
	struct head head;
	struct text queue, data;
};

/* Where a node runs: on a host of its own, or in a container. */
struct deployment {
	struct head head;
	struct choice as;
	struct text base, image;
	struct text_list networks;
	struct volumes volumes;
};

/* A parameter of main.cf as the user wants it; the head bears its name. */
struct setting {
	struct head head;
	struct text value; /* empty: Postfix's own default */
};

struct setting_list {
	struct setting *items;
	size_t count;
};

struct node {
	struct head head;
	struct choice kind;
	struct text hostname;
	struct attachment_list addresses;
	struct tls_files tls;
	struct choice map_type;
	struct postfix_target postfix;
	struct text postmaster;
	struct number message_size_limit; /* 0: none */
	struct deployment deployment;
	struct text_list clients; /* names of networks */
	struct text_list allowed_sender_domains;
	struct text_list masquerade;
	struct setting_list extra;
	/* a smarthost only */
	struct text host;
	struct choice lookup;
	struct number port;
	struct choice tls_level;
	struct credentials credentials;
	/* resolved; as many as `clients` if all are known */
	struct network **client_networks;
	size_t client_count;
};

struct node_list {
	struct node *items;
	size_t count;
};

struct link {
	struct head head;
	struct text_list between;
	struct text over;
	struct choice trust;
	struct choice tls;
	struct number port;
	struct credentials_list credentials;
	/* resolved */
	struct node *ends[2];
	struct network *network; /* NULL: over the Internet */
};

struct link_list {
	struct link *items;
	size_t count;
};

struct route {
	struct head head;
	struct text label;
	struct text_list to, from, path;
	/* resolved; as many as the lists they mirror */
	struct domain **domains;
	size_t domain_count;
	struct node **hops;
	size_t hop_count;
};

struct route_list {
	struct route *items;
	size_t count;
};

struct expectation {
	struct head head;
	struct choice verdict;
	struct text delivered_at;
	struct text_list via;
	struct number code;
	struct text signed_by;
};

struct test_case {
	struct head head;
	struct text label, at, client, auth, helo, from, to;
	struct expectation expect;
};

struct test_list {
	struct test_case *items;
	size_t count;
};

struct topology {
	struct head head;
	struct number version;
	struct domain_list domains;
	struct named_network_list networks;
	struct node_list nodes;
	struct link_list links;
	struct route_list routes;
	struct test_list tests;
	/* resolved */
	struct node internet; /* the reserved node */
	const char *folder;   /* where the topology file lies: files it names are relative to it */
};

/* Where `link` leads from `node`; NULL if it does not touch it. */
struct node *link_other_end(const struct link *link, const struct node *node);

/* The link that joins two nodes, or NULL. */
const struct link *topology_link(const struct topology *topology, const struct node *a,
				 const struct node *b);

/* The addresses of `node` in `network` (NULL: the Internet), or NULL. */
const struct attachment *node_attachment(const struct node *node, const struct network *network);

/* Whether it runs in a container. */
bool node_is_container(const struct node *node);

/* Whether `route` carries mail from its domains (as opposed to: to them). */
bool route_is_outbound(const struct route *route);

/* Whether the route is for this domain. */
bool route_serves(const struct route *route, const struct domain *domain);

/* The node that the route visits after `node`, or NULL when it ends there or passes by. */
struct node *route_next(const struct route *route, const struct node *node);

/* The same for the node before. */
struct node *route_previous(const struct route *route, const struct node *node);

/*
 * The ways out of `node` for mail from `domain` (NULL: for the null sender and whatever no route
 * names): the next hops of the outbound routes through it, in the order of the topology, without
 * repetition. Fills at most `most` entries of `next` and gives the number that there are.
 */
size_t topology_ways_out(const struct topology *topology, const struct node *node,
			 const struct domain *domain, struct node **next, size_t most);

/* The first outbound route of `domain` (NULL: of any) that leaves `node`, or NULL. */
const struct route *topology_route_out(const struct topology *topology, const struct node *node,
				       const struct domain *domain);

/* The inbound route that takes mail for `domain` on from `node`, or NULL. */
const struct route *topology_route_in(const struct topology *topology, const struct node *node,
				      const struct domain *domain);

/* The most next hops that a node may have where one stands in for another. */
#define MOST_WAYS 16

#endif
