/* How questions travel; for the files of common/dns*.c alone. */
#ifndef POSTERN_DNS_PRIVATE_H
#define POSTERN_DNS_PRIVATE_H

#include "common/dns.h"

#include <ldns/ldns.h>

/* Reads an answer that is whole and no failure: NOERROR or NXDOMAIN. Returns 0 or -errno. */
typedef int dns_reader(void *user, const ldns_pkt *packet);

/*
 * Asks all servers in turn until one gives an answer that `read` can be called with, once, and
 * returns what that returns; else as dns_lookup(). `dnssec` asks for signatures as well.
 */
int dns_ask(const struct dns_resolver *resolver, const char *name, ldns_rr_type type, bool dnssec,
	    unsigned milliseconds, dns_reader *read, void *user);

/* A whole packet as dns_lookup() reads it. Returns 0, -EINVAL where it is none, or -ENOMEM. */
int dns_read_packet(struct arena *arena, const char *name, enum dns_type type, const uint8_t *wire,
		    size_t length, struct dns_answer *out);

/* The strings of a TXT record, joined. Returns 0 or -ENOMEM. */
int dns_copy_text(struct arena *arena, const ldns_rr *record, struct dns_text *out);

#endif
