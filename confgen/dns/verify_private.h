/* What the parts of the comparison share; for confgen/dns/verify*.c alone. */
#ifndef POSTERN_DNS_VERIFY_PRIVATE_H
#define POSTERN_DNS_VERIFY_PRIVATE_H

#include "confgen/dns/rules.h"
#include "confgen/dns/verify.h"

struct verifier {
	struct asker *asker;
	const struct topology *topology;
	const struct dns_records *records;
	struct diagnostics *list;
};

/* The answer, or NULL: then the failure was reported, once, at `at`. */
const struct dns_answer *verify_ask(struct verifier *verifier, const char *name, enum dns_type type,
				    struct position at);

/* What a stranger wrote, shortened, for a message. */
const char *verify_quote(struct verifier *verifier, const char *text, size_t length);

/* Reports a record that is not there; what matters less is a warning. */
void verify_missing(struct verifier *verifier, const struct dns_record *record);

/* --- verify_text.c: records of TXT but for SPF --- */
void verify_text(struct verifier *verifier, const struct dns_record *record);

/* --- verify_spf.c --- */
void verify_spf(struct verifier *verifier, const struct dns_record *record);

/* --- verify_hosts.c --- */
void verify_exchangers(struct verifier *verifier, const struct dns_record *mx);
void verify_egress(struct verifier *verifier, const struct dns_egress *egress);
/* Addresses of the other family, of which the topology knows nothing. */
void verify_other_family(struct verifier *verifier, const struct dns_record *address);
void verify_dnssec(struct verifier *verifier, const struct dns_record *tlsa);
void verify_wildcards(struct verifier *verifier, const struct domain *domain);

#endif
