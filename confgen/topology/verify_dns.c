/* Whether what DNS is to say of domains can be kept by the hosts. Those of a set are looked at
 * once. */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"

#define MOST_INCLUDES 9 /* RFC 7208 4.6.4: ten look-ups, and each include makes one at least */

/* A sender that honours the policy refuses to deliver to a host without a good certificate. */
static void verify_certificates(const struct domain *domain, const struct domain_dns *dns,
				struct diagnostics *list)
{
	for (size_t i = 0; i < domain->routes.count; i++) {
		const struct route *route = domain->routes.items[i];
		const struct node *first;

		if (route_is_outbound(route) || route->hop_count < 2)
			continue;
		first = route->hops[1];
		if (first->kind.value != KIND_POSTFIX || first->tls.head.given)
			continue;
		report(list, NO_CERTIFICATE, dns->mta_sts.at,
		       "the policy wants TLS of '%s', which has no certificate",
		       first->head.name.value);
		diagnostics_hint(list, "give the node tls: {certificate: ..., key: ...}");
		return;
	}
}

static void verify_settings(const struct domain *domain, const struct domain_dns *dns,
			    struct diagnostics *list)
{
	if (dns->mta_sts_host.value && dns->mta_sts.value == MTA_STS_OFF) {
		report(list, MISPLACED_KEY, dns->mta_sts_host.at,
		       "'mta_sts_host' has no meaning while MTA-STS is off");
		diagnostics_hint(list, "give mta_sts: testing, and enforce once reports are clean");
	}
	if (dns->spf_include.count > MOST_INCLUDES)
		report(list, BAD_VALUE, dns->spf_include.items[MOST_INCLUDES].at,
		       "more than %d includes: receivers make no more than 10 look-ups for a whole "
		       "SPF record",
		       MOST_INCLUDES);
	if (dns->mta_sts.value == MTA_STS_ENFORCE && domain)
		verify_certificates(domain, dns, list);
}

void topology_verify_dns(const struct topology *topology, struct diagnostics *list)
{
	const struct domain_set_list *sets = &topology->domain_sets;
	size_t own = sets->count ? sets->items[0].first : topology->domains.count;

	for (size_t i = 0; i < own; i++)
		verify_settings(&topology->domains.items[i], &topology->domains.items[i].dns, list);
	for (size_t i = 0; i < sets->count; i++)
		verify_settings(sets->items[i].count
					? &topology->domains.items[sets->items[i].first]
					: NULL,
				&sets->items[i].dns, list);
}
