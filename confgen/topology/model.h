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

enum node_kind { KIND_POSTFIX, KIND_DMS, KIND_SMARTHOST, KIND_PROXY, KIND_INTERNET };
enum map_type { MAP_TEXTHASH, MAP_LMDB, MAP_HASH, MAP_INLINE };
/* In the order of what they are worth: below TLS_ENCRYPT a message may cross in clear. */
enum tls_level {
	TLS_NONE,
	TLS_MAY,
	TLS_DANE,
	TLS_ENCRYPT,
	TLS_DANE_ONLY,
	TLS_FINGERPRINT,
	TLS_VERIFY,
	TLS_SECURE
};
enum tls_mode { TLS_STARTTLS, TLS_WRAPPER };
enum docker_network { DOCKER_HOST, DOCKER_BRIDGE };
enum trust { TRUST_ADDRESS, TRUST_NETWORK, TRUST_SASL };
enum proxy_software { SOFTWARE_HAPROXY, SOFTWARE_NGINX, SOFTWARE_TRAEFIK, SOFTWARE_CADDY };
enum proxy_protocol { PROXY_V1, PROXY_V2 };
enum dovecot_version { DOVECOT_2_3, DOVECOT_2_4 };
/* With GATE, postern-gate listens at the port itself, and serves direct clients there as well. */
enum through { THROUGH_SAME_PORT, THROUGH_SECOND_PORT, THROUGH_GATE };

/* Those up to SUBMISSIONS are Postfix's, the others Dovecot's. */
enum service {
	SERVICE_SMTP,
	SERVICE_SUBMISSION,
	SERVICE_SUBMISSIONS,
	SERVICE_IMAP,
	SERVICE_IMAPS,
	SERVICE_POP3,
	SERVICE_POP3S,
	SERVICE_SIEVE,
};
/* What a DKIM key must be, in the order of dkim_type_words. */
enum dkim_type { DKIM_RSA_2048, DKIM_RSA_3072, DKIM_RSA_4096, DKIM_ED25519 };
/* What SPF says of all other hosts. */
enum spf_rest { SPF_SOFTFAIL, SPF_FAIL, SPF_NEUTRAL };
enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };
enum mta_sts_mode { MTA_STS_OFF, MTA_STS_TESTING, MTA_STS_ENFORCE };
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

/* One of several keys of a domain; each that is active signs. */
struct dkim_key {
	struct head head;
	struct text selector, key, active_from, retire_after;
	struct choice type;
};

struct dkim_key_list {
	struct dkim_key *items;
	size_t count;
};

/* `selector` and `key` are the short form for a single key, or there are `keys`. */
struct dkim {
	struct head head;
	struct text sign_at, selector, key;
	struct choice type;
	struct text_list subdomains;
	struct dkim_key_list keys;
	/* resolved */
	struct node *signer;
};

/* What DNS is to say of a domain, where it does not follow from the routes. */
struct domain_dns {
	struct head head;
	struct choice spf;
	struct text_list spf_include;
	struct choice dmarc;
	struct text_list dmarc_rua;
	struct choice mta_sts;
	struct text mta_sts_host;
	struct text_list tls_rpt;
};

/* What all zones have. */
struct zone_settings {
	struct head head;
	struct text_list nameservers;
	struct text hostmaster;
	struct number ttl; /* seconds */
};

struct route;

/* A route that serves a domain. */
struct route_list_of_domain {
	struct route **items;
	size_t count;
};

struct domain {
	struct head head;
	struct text mailboxes;
	struct text_list recipients;
	struct text recipients_file; /* one address a line, relative to the topology's folder */
	struct dkim dkim;
	struct domain_dns dns;
	/* resolved */
	struct node *home;
	struct route_list_of_domain routes;
};

struct domain_list {
	struct domain *items;
	size_t count;
};

/* Many domains that are all alike. */
struct domain_set {
	struct head head;
	struct text file; /* one domain a line, relative to the topology's folder */
	struct text mailboxes;
	struct dkim dkim;
	struct domain_dns dns;
	/* resolved: where its domains stand among those of the topology */
	size_t first, count;
};

struct domain_set_list {
	struct domain_set *items;
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

struct egress_list {
	struct egress *items;
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

struct dovecot_target {
	struct head head;
	struct choice version;
};

/* The source address and the greeting of outgoing connections. */
struct egress {
	struct head head; /* in a link: named after the node that sends */
	struct text ipv4, ipv6, helo;
	/* resolved */
	struct node *node;
};

/* A parameter of main.cf as the user wants it; the head bears its name. */
struct setting {
	struct head head;
	struct text value; /* empty: Postfix's own default; of a listener: the empty value */
};

struct setting_list {
	struct setting *items;
	size_t count;
};

/* A service of a node that a proxy stands in front of. Its name reaches the milter. */
struct listener {
	struct head head;
	struct choice service;
	struct number port; /* the service's own when not given */
	struct text proxied_by;
	struct choice through;
	struct number proxy_port; /* where PROXY is spoken; `port` unless THROUGH_SECOND_PORT */
	struct setting_list extra;
	struct egress egress; /* always an error: see verify_egress.c */
	/* resolved */
	struct node *proxy;
};

struct listener_list {
	struct listener *items;
	size_t count;
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
	struct egress egress;
	struct choice docker_network;
	struct choice outbound_tls;
	struct listener_list listeners;
	struct dovecot_target dovecot;
	struct text_list tlsa; /* fingerprints of its public keys */
	struct choice verify;  /* what of strangers' mail; 0: nothing */
	/* a proxy only */
	struct choice software;
	struct choice proxy_protocol;
	/* a smarthost only */
	struct choice provider;
	struct text region;
	struct text host;
	struct choice lookup;
	struct text_list spf_include;
	struct number port;
	struct choice tls_level;
	struct text_list fingerprints;
	struct choice tls_mode;
	struct credentials credentials;
	struct credentials_list sender_credentials; /* named by the sender: a domain or address */
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
	struct text_list fingerprints;
	struct number port;
	struct credentials_list credentials;
	struct egress_list egress;
	/* resolved */
	struct node *ends[2];
	struct network *network; /* NULL: over the Internet */
};

struct link_list {
	struct link *items;
	size_t count;
};

/* A domain of a route, and the place that names it there. */
struct route_domain {
	struct domain *domain;
	struct position at;
};

struct route_domain_list {
	struct route_domain *items;
	size_t count;
};

/* A sender address of its own in a route; `domain` is the one that it belongs to. */
struct route_sender {
	const char *address;
	struct domain *domain;
	struct position at;
};

struct route_sender_list {
	struct route_sender *items;
	size_t count;
};

/* A proxy on a path: it passes connections on, not mail, so it is no hop. */
struct passage {
	struct node *proxy;
	size_t before; /* the hop that comes next on the path */
	struct position at;
};

struct passage_list {
	struct passage *items;
	size_t count;
};

struct route {
	struct head head;
	struct text label;
	struct text_list to, from, path;
	struct egress egress;
	/* resolved; one hop for each node that handles mail */
	struct route_domain_list domains;
	struct route_sender_list senders;
	struct node **hops; /* those of the path that are there */
	struct position *hop_at;
	size_t hop_count;
	struct passage_list proxies;
	bool complete; /* all that it names is there, and known for what it is */
};

struct route_list {
	struct route *items;
	size_t count;
};

/* What becomes of a message. */
enum outcome {
	OUTCOME_DELIVERED,   /* into a mailbox of the topology */
	OUTCOME_RELAYED,     /* handed to a host of others */
	OUTCOME_REJECTED,    /* the client is refused for good, */
	OUTCOME_DEFERRED,    /* or for now; or a host has it, and cannot pass it on */
	OUTCOME_BOUNCED,     /* accepted, and sent back to its sender */
	OUTCOME_LOOPS,	     /* accepted, and come back to a host that it had passed */
	OUTCOME_UNREACHABLE, /* no connection comes about */
	OUTCOME_ANY,	     /* whatever it is: only compared with the lab */
};

/* Whether the recipient has a mailbox, where the topology lists no recipients. */
enum mailbox { MAILBOX_PRESENT, MAILBOX_ABSENT };

struct expectation {
	struct head head;
	struct choice verdict;
	struct text delivered_at, relayed_to;
	struct text_list via;
	struct number code;
	struct text signed_by;
	struct text_list source_address; /* of the last connection, one of these */
	struct text rewritten_from;
	/* resolved; as many as `via` if all are known */
	struct node *delivered_node, *relayed_node;
	struct node **via_nodes;
	size_t via_count;
};

struct test_case {
	struct head head;
	struct text label, at, client, claims, auth, helo, from, author, to;
	struct choice tls;
	struct choice mailbox;
	struct number size;
	struct expectation expect;
	/* resolved */
	struct node *node;
	const char *listener; /* what stands behind the colon in `at`, or NULL */
};

struct test_list {
	struct test_case *items;
	size_t count;
};

struct topology {
	struct head head;
	struct number version;
	struct domain_list domains; /* when resolved, with those of the sets */
	struct domain_set_list domain_sets;
	struct named_network_list networks;
	struct node_list nodes;
	struct link_list links;
	struct route_list routes;
	struct zone_settings dns;
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

/* A network in which both have an address, of the same family: one of their own before the
 * Internet. Returns where `node` is in it, or NULL. */
const struct attachment *node_meets(const struct node *node, const struct node *other);

/* An address of `of` with which `other` shares the family, or NULL. */
const struct ip_address *attachment_reached(const struct attachment *of,
					    const struct attachment *other);

/* Whether `service` is one of Postfix's. */
bool service_is_smtp(int service);

/* The port that a service has by convention. */
unsigned service_port(int service);
/* Whether it runs in a container. */
bool node_is_container(const struct node *node);

/* Whether `route` carries mail from its domains (as opposed to: to them). */
bool route_is_outbound(const struct route *route);

/* Whether the route is for this domain. */
bool route_serves(const struct route *route, const struct domain *domain);

/* Whether the route names this sender address. */
bool route_names_sender(const struct route *route, const char *address);

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

/* Whether the node can have an SMTP listener of that name: a listener, a service, or a port. */
bool topology_has_listener(const struct node *node, const char *name);

/* The outcome that is expected, as far as it follows from what is given; OUTCOME_ANY: none is. */
enum outcome expectation_outcome(const struct expectation *expect);

/* The most next hops that a node may have where one stands in for another. */
#define MOST_WAYS 16

#endif
