/*
 * IP addresses and networks, IPv4 and IPv6, as values.
 *
 * Sources: RFC 4291 and RFC 5952 (IPv6 text), RFC 1918, RFC 4193, RFC 6598 (private space),
 * postconf(5) mynetworks (the bracketed form). Pure functions, no name look-ups, thread-safe.
 */
#ifndef POSTERN_NETWORK_H
#define POSTERN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum ip_family { IP_NONE, IP_V4, IP_V6 };

struct ip_address {
	enum ip_family family;
	unsigned char octets[16]; /* network order; an IPv4 address uses the first four */
};

/* A network in CIDR notation. Bits below the prefix are zero. */
struct ip_network {
	struct ip_address address;
	unsigned prefix;
};

enum ip_error {
	IP_OK,
	IP_ERROR_SYNTAX,    /* not an address at all */
	IP_ERROR_PREFIX,    /* prefix missing digits or beyond 32 or 128 */
	IP_ERROR_HOST_BITS, /* bits set below the prefix */
};

/* The longest text ip_network_format() gives, with brackets, prefix and NUL. */
#define IP_TEXT_SIZE 56

/*
 * Reads an address, with or without [brackets], and inside them "IPv6:" before an IPv6 address. An
 * IPv4-mapped IPv6 address stays IPv6; see ip_unmap(). Zone ids are refused. `out` is untouched on
 * error.
 */
enum ip_error ip_parse(const char *text, struct ip_address *out);

/* Reads ADDRESS or ADDRESS/PREFIX, and Postfix's [ADDRESS]/PREFIX. No prefix: a single host. */
enum ip_error ip_network_parse(const char *text, struct ip_network *out);

/* The address of a socket peer; IP_NONE for other families. */
struct ip_address ip_from_sockaddr(const struct sockaddr *address);

/* ::ffff:a.b.c.d as IPv4; every other address unchanged. */
struct ip_address ip_unmap(struct ip_address address);

/* Text without brackets (RFC 5952 for IPv6). `text` has room for IP_TEXT_SIZE. Returns `text`. */
char *ip_format(const struct ip_address *address, char *text);

/* CIDR notation without brackets: what cidr tables and firewalls read. */
char *ip_network_format(const struct ip_network *network, char *text);

/* CIDR notation with the brackets that Postfix wants around IPv6: mynetworks and friends. */
char *ip_network_format_postfix(const struct ip_network *network, char *text);

bool ip_equal(const struct ip_address *a, const struct ip_address *b);

/* The one-address network. */
struct ip_network ip_host_network(const struct ip_address *address);

bool ip_network_contains(const struct ip_network *network, const struct ip_address *address);

/* Whether the two share an address. */
bool ip_network_overlaps(const struct ip_network *a, const struct ip_network *b);

bool ip_network_equal(const struct ip_network *a, const struct ip_network *b);

/* 127/8, ::1 */
bool ip_is_loopback(const struct ip_address *address);

/* 0.0.0.0, :: */
bool ip_is_unspecified(const struct ip_address *address);

/* 169.254/16, fe80::/10 */
bool ip_is_link_local(const struct ip_address *address);

/* 224/4, ff00::/8 */
bool ip_is_multicast(const struct ip_address *address);

/*
 * Whether the whole network lies in space that is never routed on the Internet: RFC 1918, RFC 6598
 * (100.64/10), loopback, link-local, RFC 4193 (fc00::/7).
 */
bool ip_network_is_private(const struct ip_network *network);

#endif
