/*
 * Whether mail from a sub-domain that no route names leaves as that of the domain above it. Postfix
 * looks up ways out by the sender's domain itself; patterns (regexp) make up for that on relays, up
 * to a number of domains, and not in docker-mailserver, which has tables of its own.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/ways.h"

static const char *name_of(const struct node *node)
{
	return node->head.name.value;
}

static void verify_number(const struct topology *topology, const struct node *node,
			  struct diagnostics *list)
{
	size_t count = ways_count_apart(topology, node);

	if (count <= MOST_APART)
		return;
	report(list, SUBDOMAIN_WAY, node->head.name.at,
	       "mail from sub-domains of %zu domains leaves '%s' as that of the host, not as that "
	       "of those domains",
	       count, name_of(node));
	diagnostics_hint(
		list,
		"Postfix tries a pattern for each domain whose mail does not leave as that "
		"of the host, and %d are the most that it should: list the sub-domains that "
		"send, or let a route of most domains come first",
		MOST_APART);
}

/* The first domain whose mail leaves otherwise than that of senders whom no route names; or NULL.
 */
static const struct domain *first_apart(const struct topology *topology, const struct node *node,
					const struct ways *usual, bool direct)
{
	for (size_t i = 0; i < topology->domains.count && usual->count; i++) {
		const struct domain *domain = &topology->domains.items[i];
		const struct ways ways = ways_of_domain(topology, node, domain);

		if (ways_are_apart(&ways, usual, direct))
			return domain;
	}
	return NULL;
}

/* A relay that the mail goes to refuses senders that are not for it; nobody else does. */
static void verify_dms(const struct topology *topology, const struct node *node,
		       struct diagnostics *list)
{
	const struct ways usual = ways_of_nobody(topology, node);
	const bool direct = ways_are_direct(topology, node);
	const struct domain *domain = first_apart(topology, node, &usual, direct);

	if (!domain || (!direct && usual.nodes[0]->kind.value < KIND_SMARTHOST))
		return;
	report(list, SUBDOMAIN_WAY, domain->head.name.at,
	       "mail from sub-domains of %s leaves '%s' as that of the host: not by '%s'",
	       domain->head.name.value, name_of(node),
	       name_of(ways_of_domain(topology, node, domain).nodes[0]));
	diagnostics_hint(list, "docker-mailserver looks up ways out by the domain itself: list the "
			       "sub-domains that send, or let a relay of yours choose the way");
}

void topology_verify_subdomains(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (node->kind.value == KIND_POSTFIX)
			verify_number(topology, node, list);
		if (node->kind.value == KIND_DMS)
			verify_dms(topology, node, list);
	}
}
