/* From routes and links to what one node must know; see facts.h. */
#include "confgen/derive/facts_private.h"
#include "confgen/derive/services.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

static struct position trust_place(const struct link *link)
{
	return link->trust.given ? link->trust.at : link->head.at;
}

/* How `link` makes `peer` known to its other end: nothing is added where it logs in. */
static void push_peer(struct arena *arena, struct trusted_list *list, const struct link *link,
		      const struct node *peer)
{
	const struct attachment *attachment = node_attachment(peer, link->network);

	if (link->trust.value == TRUST_NETWORK)
		for (size_t i = 0; i < link->network->cidrs.count; i++)
			facts_push_trusted(arena, list, link->network->cidrs.items[i].value,
					   peer->head.name.value, trust_place(link));
	if (link->trust.value == TRUST_ADDRESS)
		for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
			facts_push_trusted(arena, list,
					   ip_host_network(&attachment->addresses.items[i].value),
					   peer->head.name.value, trust_place(link));
}

static bool has_family(const struct attachment *attachment, enum ip_family family)
{
	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		if (attachment->addresses.items[i].value.family == family)
			return true;
	return false;
}

const char *facts_next_hop(struct arena *arena, const struct topology *topology,
			   const struct node *sender, const struct node *receiver)
{
	const struct link *link = topology_link(topology, sender, receiver);
	const struct attachment *from, *to;
	char text[IP_TEXT_SIZE];

	if (receiver->kind.value == KIND_SMARTHOST)
		return arena_printf(arena,
				    receiver->lookup.value == LOOKUP_MX ? "%s:%lu" : "[%s]:%lu",
				    receiver->host.value, receiver->port.value);
	from = node_attachment(sender, link->network);
	to = node_attachment(receiver, link->network);
	for (size_t i = 0; i < to->addresses.count; i++)
		if (has_family(from, to->addresses.items[i].value.family))
			return arena_printf(arena, "[%s]:%lu",
					    ip_format(&to->addresses.items[i].value, text),
					    link->port.value);
	return NULL;
}

bool facts_has_milter(const struct facts *facts)
{
	return facts->signs.count > 0 || facts->node->verify.value;
}

const char *facts_milter_socket(const struct node *node)
{
	return node->kind.value == KIND_DMS ? "inet:8894@127.0.0.1"
					    : "unix:/var/spool/postfix/postern/milter.sock";
}

/* --- what comes in --- */

/* `transport` takes mail of the route on: one text for all its domains, which can be many. */
static void derive_domain(struct arena *arena, struct facts *facts, const struct route_domain *of,
			  const char *transport)
{
	const struct domain *domain = of->domain;
	const char *name = domain->head.name.value;
	const struct position at = of->at;

	facts_push_entry(arena, &facts->relay_domains, name, "OK", at);
	facts_push_entry(arena, &facts->transports, name, transport, at);
	for (size_t i = 0; i < domain->recipients.count; i++)
		facts_push_entry(arena, &facts->recipients, domain->recipients.items[i].value, "OK",
				 domain->recipients.items[i].at);
	/* RFC 5321 4.5.1: whoever relays for a domain takes mail to its postmaster */
	if (domain->recipients.count)
		facts_push_entry(arena, &facts->recipients,
				 arena_printf(arena, "postmaster@%s", name), "OK",
				 domain->recipients.items[0].at);
	if (domain->recipients.count == 0) {
		facts_push_entry(arena, &facts->recipients, arena_printf(arena, "@%s", name), "OK",
				 at);
		facts_push_entry(arena, &facts->unlisted, name, "reject_unverified_recipient", at);
	}
}

static void derive_inbound(struct arena *arena, struct facts *facts, const struct route *route)
{
	const struct node *previous = route_previous(route, facts->node);
	const struct node *next = route_next(route, facts->node);
	const struct link *link =
		previous ? topology_link(facts->topology, previous, facts->node) : NULL;
	const char *transport = NULL;

	if (!previous)
		return;
	facts->internet |= previous->kind.value == KIND_INTERNET;
	if (next)
		transport = arena_printf(arena, "%s:%s", services_in(arena, facts, route, next),
					 facts_next_hop(arena, facts->topology, facts->node, next));
	for (size_t i = 0; next && i < route->domains.count; i++)
		derive_domain(arena, facts, &route->domains.items[i], transport);
	/* the mailbox host judges its clients by address: one that relays must not be judged */
	if (link && !next)
		push_peer(arena, &facts->trusted, link, previous);
}

/* --- what goes out --- */

static const char *limit_name(const struct node *peer, const struct link *link)
{
	return link->trust.value == TRUST_NETWORK ? link->network->head.name.value
						  : peer->head.name.value;
}

static struct sender_limit *find_limit(const struct facts *facts, const struct node *peer,
				       const struct link *link)
{
	return facts_find_limit(facts, limit_name(peer, link), link->trust.value == TRUST_NETWORK);
}

static struct sender_limit *limit_of(struct arena *arena, struct facts *facts,
				     const struct node *peer, const struct link *link)
{
	struct sender_limit *limit =
		facts_limit(arena, facts, limit_name(peer, link),
			    link->trust.value == TRUST_NETWORK, trust_place(link));

	push_peer(arena, &limit->clients, link, peer);
	for (size_t i = 0; i < link->credentials.count; i++)
		if (link->credentials.items[i].node == facts->node)
			limit->username = link->credentials.items[i].username.value;
	return limit;
}

static void derive_outbound_receiver(struct arena *arena, struct facts *facts,
				     const struct route *route, const struct node *previous)
{
	const struct link *link = topology_link(facts->topology, previous, facts->node);
	struct sender_limit *limit = limit_of(arena, facts, previous, link);

	push_peer(arena, &facts->trusted, link, previous);
	for (size_t i = 0; i < route->domains.count; i++) {
		const struct route_domain *of = &route->domains.items[i];
		const char *name = of->domain->head.name.value;

		facts_push_entry(arena, &limit->senders, name, "OK", of->at);
		if (of->domain->dkim.signer == facts->node)
			push_peer(arena, &facts->signed_clients, link, previous);
	}
	for (size_t i = 0; i < route->senders.count; i++) {
		const struct route_sender *sender = &route->senders.items[i];

		facts_push_entry(arena, &limit->senders, sender->address, "OK", sender->at);
		if (sender->domain->dkim.signer == facts->node)
			push_peer(arena, &facts->signed_clients, link, previous);
	}
	if (previous->hostname.value)
		facts_push_entry(arena, &limit->senders, previous->hostname.value, "OK",
				 previous->hostname.at);
	facts_push_entry(arena, &limit->senders, "<>", "OK", route->head.at);
}

/* Peers that bring mail from strangers as well as mail from their own domains. */
static void mark_inbound_limits(struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct route *route = &facts->topology->routes.items[i];
		const struct node *previous = route_previous(route, facts->node);
		const struct link *link = topology_link(facts->topology, previous, facts->node);
		struct sender_limit *limit;

		if (route_is_outbound(route) || !link)
			continue;
		limit = find_limit(facts, previous, link);
		if (limit)
			limit->inbound = true;
	}
}

/* Whether the peer may use a domain above this one, and with it what lies below. */
static bool covers(const struct sender_limit *limit, const char *name)
{
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (name_map_find(limit->senders.index, dot + 1))
			return true;
	return false;
}

/* A domain of the topology below one of the peer's is not the peer's, unless it is listed. */
static void derive_foreign_subdomains(struct arena *arena, const struct topology *topology,
				      struct sender_limit *limit)
{
	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct text *name = &topology->domains.items[i].head.name;

		if (covers(limit, name->value))
			facts_push_entry(arena, &limit->senders, name->value, "REJECT", name->at);
	}
}

/* --- the connection to a next hop --- */

static void push_policy(struct arena *arena, struct facts *facts, const char *hop,
			enum tls_level level, const char *host,
			const struct text_list *fingerprints, struct position at)
{
	const char *value = tls_level_words[level];

	facts->dane |= level == TLS_DANE || level == TLS_DANE_ONLY;
	if (level >= TLS_VERIFY)
		value = arena_printf(arena, "%s match=%s", value, host);
	for (size_t i = 0; level == TLS_FINGERPRINT && i < fingerprints->count; i++)
		value = arena_printf(arena, "%s match=%s", value, fingerprints->items[i].value);
	facts_push_entry(arena, &facts->tls_policies, hop, value, at);
}

static void push_login(struct arena *arena, struct login_list *list, const char *hop,
		       const struct credentials *from, const struct node *peer)
{
	for (size_t i = 0; i < list->count; i++)
		if (hop ? strcmp(list->items[i].next_hop, hop) == 0
			: strcmp(list->items[i].username, from->username.value) == 0)
			return;
	*arena_push(arena, list) = (struct login){
		.next_hop = hop,
		.username = from->username.value,
		.password = from->password.value,
		.peer = peer,
		.at = from->head.at,
	};
}

static const struct credentials *login_at(const struct link *link, const struct node *receiver)
{
	for (size_t i = 0; link->trust.value == TRUST_SASL && i < link->credentials.count; i++)
		if (link->credentials.items[i].node == receiver)
			return &link->credentials.items[i];
	return NULL;
}

/*
 * docker-mailserver makes TLS a must for every destination as soon as there are passwords for one:
 * hops without a login need a row that says what their link does.
 */
static bool demands_tls(const struct facts *facts)
{
	if (facts->node->kind.value != KIND_DMS)
		return false;
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct node *next =
			route_next(&facts->topology->routes.items[i], facts->node);
		const struct link *link =
			next ? topology_link(facts->topology, facts->node, next) : NULL;

		if (next && (next->credentials.head.given || next->sender_credentials.count ||
			     (link && login_at(link, next))))
			return true;
	}
	return false;
}

static void derive_sending(struct arena *arena, struct facts *facts, const struct node *next)
{
	const struct link *link = topology_link(facts->topology, facts->node, next);
	const struct credentials *login;
	const char *hop;

	if (next->kind.value == KIND_INTERNET)
		return;
	hop = facts_next_hop(arena, facts->topology, facts->node, next);
	if (next->kind.value == KIND_SMARTHOST) {
		push_policy(arena, facts, hop, next->tls_level.value, next->host.value,
			    &next->fingerprints,
			    next->tls_level.given ? next->tls_level.at : next->head.at);
		if (next->credentials.head.given)
			push_login(arena, &facts->logins, hop, &next->credentials, next);
		for (size_t i = 0; i < next->sender_credentials.count; i++) {
			const char *sender = next->sender_credentials.items[i].head.name.value;

			push_login(arena, &facts->logins,
				   strchr(sender, '@') ? sender
						       : arena_printf(arena, "@%s", sender),
				   &next->sender_credentials.items[i], next);
			facts->sender_logins = true;
		}
		return;
	}
	/* may is what holds without a row, unless the node asks more of the Internet */
	if (link->tls.value != TLS_MAY || facts->node->outbound_tls.value != TLS_MAY ||
	    demands_tls(facts))
		push_policy(arena, facts, hop, link->tls.value, next->hostname.value,
			    &link->fingerprints, link->tls.given ? link->tls.at : link->head.at);
	login = login_at(link, next);
	if (login)
		push_login(arena, &facts->logins, hop, login, next);
}

static void derive_receiving(struct arena *arena, struct facts *facts, const struct node *previous,
			     bool inbound)
{
	const struct link *link = topology_link(facts->topology, previous, facts->node);
	const struct credentials *login = link ? login_at(link, facts->node) : NULL;

	if (!login)
		return;
	push_login(arena, &facts->accounts, NULL, login, previous);
	facts->submission = (unsigned)link->port.value;
	facts->submission_at = trust_place(link);
	if (inbound)
		facts_push_entry(arena, &facts->relay_users, login->username.value, "",
				 login->head.at);
}

/* --- the node itself --- */

static void derive_families(struct facts *facts)
{
	for (size_t i = 0; i < facts->node->addresses.count; i++) {
		facts->ipv4 |= has_family(&facts->node->addresses.items[i], IP_V4);
		facts->ipv6 |= has_family(&facts->node->addresses.items[i], IP_V6);
	}
	facts_derive_families(facts);
}

/* Whether the node is the domain's signer, or comes after it on the route. */
static bool follows_signer(const struct facts *facts, const struct route *route,
			   const struct domain *domain)
{
	for (size_t i = 0; i < route->hop_count; i++) {
		if (route->hops[i] == domain->dkim.signer)
			return true;
		if (route->hops[i] == facts->node)
			return false;
	}
	return false;
}

/* Strangers have signed what comes in; the user's own mail is signed from its signer outward. */
static bool passes_signed(const struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct route *route = &facts->topology->routes.items[i];

		if (!route_next(route, facts->node))
			continue;
		if (!route_is_outbound(route))
			return true;
		for (size_t j = 0; j < route->domains.count; j++)
			if (follows_signer(facts, route, route->domains.items[j].domain))
				return true;
		for (size_t j = 0; j < route->senders.count; j++)
			if (follows_signer(facts, route, route->senders.items[j].domain))
				return true;
	}
	return false;
}

/* RFC 5321 4.5.1 and RFC 2142: somebody reads mail for the host itself. */
static void derive_postmasters(struct arena *arena, struct facts *facts)
{
	static const char *const roles[] = {"postmaster", "abuse", "root"};
	const struct node *node = facts->node;
	const char *reader = node->postmaster.value;
	struct position at = reader ? node->postmaster.at : node->hostname.at;

	if (!reader && facts->relay_domains.count)
		reader = arena_printf(arena, "postmaster@%s", facts->relay_domains.items[0].key);
	for (size_t i = 0; reader && i < sizeof(roles) / sizeof(roles[0]); i++)
		facts_push_entry(arena, &facts->postmasters,
				 arena_printf(arena, "%s@%s", roles[i], facts->hostname), reader,
				 at);
}

static void push_subdomain(struct arena *arena, struct signing_domain *signs, const char *name,
			   struct position at)
{
	if (!name || !domain_is_within(name, signs->name) || strcasecmp(name, signs->name) == 0)
		return;
	for (size_t i = 0; i < signs->subdomains.count; i++)
		if (strcasecmp(signs->subdomains.items[i].value, name) == 0)
			return;
	*arena_push(arena, &signs->subdomains) = (struct text){name, at};
}

static void push_key(struct arena *arena, struct signing_domain *signs, const char *selector,
		     const char *path, const struct dkim_key *dates)
{
	if (!path)
		path = arena_printf(arena, "/etc/postern/keys/%s/%s.private", signs->name,
				    selector);
	*arena_push(arena, &signs->keys) = (struct signing_key){
		.selector = selector,
		.path = path,
		.active_from = dates ? dates->active_from.value : NULL,
		.retire_after = dates ? dates->retire_after.value : NULL,
	};
}

static void derive_signing(struct arena *arena, struct facts *facts, const struct domain *domain)
{
	struct signing_domain *signs = arena_push(arena, &facts->signs);
	const struct dkim *dkim = &domain->dkim;

	signs->name = domain->head.name.value;
	signs->listed = dkim->keys.count > 0;
	signs->at = dkim->head.at;
	if (!signs->listed)
		push_key(arena, signs, dkim->selector.value, dkim->key.value, NULL);
	for (size_t i = 0; i < dkim->keys.count; i++)
		push_key(arena, signs, dkim->keys.items[i].selector.value,
			 dkim->keys.items[i].key.value, &dkim->keys.items[i]);
	for (size_t i = 0; i < dkim->subdomains.count; i++)
		push_subdomain(arena, signs, dkim->subdomains.items[i].value,
			       dkim->subdomains.items[i].at);
	/* bounces and cron mail come from the hosts' own names */
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct route *route = &facts->topology->routes.items[i];

		if (!route_is_outbound(route) || !route_serves(route, domain))
			continue;
		for (size_t j = 0; j < route->hop_count; j++) {
			push_subdomain(arena, signs, route->hops[j]->hostname.value,
				       route->hops[j]->hostname.at);
			if (route->hops[j] == facts->node)
				break;
		}
	}
}

/* Lists that may get a row for each domain. */
static void expect_domains(struct arena *arena, struct facts *facts)
{
	struct entry_list *lists[] = {&facts->relay_domains, &facts->transports, &facts->recipients,
				      &facts->unlisted, &facts->relayhosts};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		lists[i]->index = name_map_new(arena, facts->topology->domains.count);
}

static void derive_route(struct arena *arena, struct facts *facts, const struct route *route)
{
	const struct node *previous = route_previous(route, facts->node);
	const struct node *next = route_next(route, facts->node);

	if (route_is_outbound(route) && previous)
		derive_outbound_receiver(arena, facts, route, previous);
	if (!route_is_outbound(route))
		derive_inbound(arena, facts, route);
	if (next)
		derive_sending(arena, facts, next);
	if (previous)
		derive_receiving(arena, facts, previous, !route_is_outbound(route));
	facts->smtp |= previous != NULL;
}

bool facts_has(const struct node *node)
{
	int kind = node->kind.value;

	return kind == KIND_POSTFIX || kind == KIND_DMS || kind == KIND_PROXY;
}

struct facts *facts_derive(struct arena *arena, const struct topology *topology,
			   const struct node *node)
{
	struct facts *facts = arena_alloc(arena, sizeof(*facts));

	facts->topology = topology;
	facts->node = node;
	facts->hostname = node->hostname.value;
	facts->dane =
		node->outbound_tls.value == TLS_DANE || node->outbound_tls.value == TLS_DANE_ONLY;
	facts->egress = node->egress.head.given ? &node->egress : NULL;
	facts->relay_bound = facts->egress && services_bind_relay(facts);
	derive_families(facts);
	expect_domains(arena, facts);
	for (size_t i = 0; i < topology->routes.count; i++)
		derive_route(arena, facts, &topology->routes.items[i]);
	facts_derive_clients(arena, facts);
	facts->smtp |= node->client_count == 0;
	facts->keeps_lines = passes_signed(facts);
	mark_inbound_limits(facts);
	for (size_t i = 0; i < facts->limits.count; i++)
		derive_foreign_subdomains(arena, topology, &facts->limits.items[i]);
	facts_derive_ways_out(arena, facts);
	for (size_t i = 0; i < topology->domains.count; i++)
		if (topology->domains.items[i].dkim.signer == node)
			derive_signing(arena, facts, &topology->domains.items[i]);
	facts_derive_proxied(arena, facts);
	if (node->kind.value == KIND_POSTFIX)
		derive_postmasters(arena, facts);
	return facts;
}
