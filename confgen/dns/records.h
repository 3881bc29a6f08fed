/*
 * Every DNS record that a topology needs, as a list: what `dns` writes as zones and compares with
 * what is published, and what reports show.
 *
 * Derived from the topology alone, but for the public keys of DKIM, which come from a folder of
 * keys (confgen/keys/store.h). Deterministic: zones, owners and types are sorted. Nothing in it is
 * secret. All of it lives in the arena of the run and refers to the topology.
 *
 * Sources: RFC 1035 (zones), 7208 (SPF), 6376 and 8463 (DKIM), 7489 (DMARC), 8461 (MTA-STS), 8460
 * (TLS-RPT), 7672 (TLSA for SMTP), 6186 and 8314 (SRV for mail clients), 8601.
 */
#ifndef POSTERN_DNS_RECORDS_H
#define POSTERN_DNS_RECORDS_H

#include "common/dns.h"
#include "confgen/topology/model.h"

/* What a record is for: several kinds are TXT records. */
enum dns_purpose {
	PURPOSE_ADDRESS, /* A or AAAA of a host */
	PURPOSE_MX,
	PURPOSE_SPF,	  /* of a mail domain */
	PURPOSE_SPF_HELO, /* of a name that a host greets with: bounces are judged by it */
	PURPOSE_DKIM,
	PURPOSE_DMARC,
	PURPOSE_DMARC_REPORT, /* lets reports on another domain come to this one */
	PURPOSE_MTA_STS,
	PURPOSE_MTA_STS_HOST, /* where the policy is served */
	PURPOSE_TLS_RPT,
	PURPOSE_TLSA,
	PURPOSE_AUTOCONFIG, /* SRV */
	PURPOSE_REVERSE,    /* PTR: only who owns the address can set it */
};

struct dns_record {
	const char *zone;  /* the name of the zone that it goes to, without a final dot */
	const char *owner; /* the whole name, without a final dot */
	enum dns_type type;
	const char *data; /* as in a zone file: names end with a dot, texts are in quotes */
	const char *text; /* of TXT: the strings joined, without quotes; else NULL */
	enum dns_purpose purpose;
	const char *why; /* one sentence for people */
	struct position at;
	/* what it is about; NULL where it is not */
	const struct domain *domain;
	const struct node *node;
	const char *selector;	   /* of DKIM */
	struct ip_address address; /* of A, AAAA, PTR, else IP_NONE */
	unsigned number;	   /* of MX: preference; of SRV and TLSA: port */
};

/* What no record can say, or what only a provider can set: for people. */
struct dns_note {
	const char *text;
	struct position at;
};

/* The policy that https://mta-sts.DOMAIN/.well-known/mta-sts.txt must give. */
struct dns_policy {
	const struct domain *domain;
	const char *text; /* with CRLF line ends */
};

/* An address that mail leaves from to the Internet, and the name that it greets with. */
struct dns_egress {
	struct ip_address address;
	const char *helo;
	const struct node *node;
	struct position at;
};

struct dns_records {
	struct dns_record *items;
	size_t count;
	struct dns_note *notes;
	size_t note_count;
	struct dns_policy *policies;
	size_t policy_count;
	struct dns_egress *egresses; /* each address with each name once */
	size_t egress_count;
};

struct dns_options {
	const char *keys;   /* the folder of DKIM keys */
	const char *domain; /* this domain alone, with its hosts; NULL: all */
};

/*
 * Makes the list for a topology without errors. What is missing (a key that was not made, a
 * fingerprint) is a warning in `list`, and its record left out.
 */
void dns_records_derive(struct arena *arena, const struct topology *topology,
			const struct dns_options *options, struct diagnostics *list,
			struct dns_records *out);

/* "SPF", "DKIM", ... */
const char *dns_purpose_name(enum dns_purpose purpose);

#endif
