/*
 * The records of a topology against what is published.
 *
 * What is found goes to a list of diagnostics, placed where the topology says what should be. What
 * strangers publish is quoted in part only; lists of diagnostics escape it when they are written.
 */
#ifndef POSTERN_DNS_VERIFY_H
#define POSTERN_DNS_VERIFY_H

#include "confgen/dns/ask.h"
#include "confgen/dns/records.h"

/*
 * Asks for every record, for what MX records of others lead to, for names that should not be there,
 * and for what confirms each address that mail leaves from. Ends early where asker->dead or ->late
 * is set: then much was left out, and the list says nothing of it.
 */
void dns_verify(struct asker *asker, const struct topology *topology,
		const struct dns_records *records, struct diagnostics *list);

#endif
