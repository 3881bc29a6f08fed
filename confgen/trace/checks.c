/* What is tested of a topology; see checks.h. */
#include "confgen/trace/checks.h"
#include "confgen/trace/world.h"

#include <string.h>

#define STRANGER4 "198.51.100.25"
#define STRANGER6 "2001:db8:ffff::25"
#define ELSEWHERE "x@elsewhere.test"

void checks_of_tests(struct arena *arena, const struct topology *topology, struct checks *out)
{
	for (size_t i = 0; i < topology->tests.count; i++) {
		const struct test_case *test = &topology->tests.items[i];
		struct check *check = arena_push(arena, out);

		check->name = test->label.value;
		check->expect = test->expect;
		check->at = test->head.at;
		*arena_push(arena, &check->requests) = request_of_test(arena, test);
	}
}

bool check_met(struct arena *arena, const struct check *check, const struct trace_result *result,
	       const char **why)
{
	if (!check->refused)
		return trace_meets(arena, &check->expect, result, why);
	if (result->outcome != OUTCOME_DELIVERED && result->outcome != OUTCOME_RELAYED)
		return true;
	*why = arena_printf(arena, "outcome: expected that it is refused, but it is %s",
			    trace_summary(arena, result));
	return false;
}

/* --- those that nobody has to write --- */

struct making {
	struct trace *trace;
	struct arena *arena;
	struct checks *out;
	size_t most;
};

static struct check *add_check(struct making *making, struct position at, const char *name)
{
	struct check *check = arena_push(making->arena, making->out);

	check->name = name;
	check->implied = true;
	check->at = at;
	return check;
}

static struct request *add_request(struct making *making, struct check *check,
				   const struct node *node, const char *sender,
				   const char *recipient)
{
	struct request *request = arena_push(making->arena, &check->requests);

	*request = (struct request){
		.name = check->name,
		.node = node,
		.tls = -1,
		.helo = TRACE_HELO,
		.sender = sender,
		.recipient = recipient,
		.size = TRACE_SIZE,
	};
	request->author = request_author(making->arena, request);
	return request;
}

static void set_local(struct making *making, struct request *request)
{
	request->local = true;
	request->author = request_author(making->arena, request);
}

static struct ip_address address_of(const char *text)
{
	struct ip_address address = {.family = IP_NONE};

	ip_parse(text, &address);
	return address;
}

static const char *user_of(struct arena *arena, const char *domain)
{
	return arena_printf(arena, "user@%s", domain);
}

/* A sender of each domain of ours, a stranger, and none. */
static void add_senders(struct making *making, struct check *check, const struct node *node,
			const char *port, const struct ip_address *client,
			const struct ip_address *claims)
{
	const struct domain_list *domains = &making->trace->topology->domains;
	size_t count = domains->count < making->most ? domains->count : making->most;

	for (size_t i = 0; i < count + 2; i++) {
		const char *sender =
			i < count    ? user_of(making->arena, domains->items[i].head.name.value)
			: i == count ? TRACE_STRANGER
				     : "";
		struct request *request = add_request(making, check, node, sender, ELSEWHERE);

		request->listener = port;
		request->client = *client;
		request->claims = *claims;
	}
}

/* Each port of the node at which SMTP is spoken, the gate's among them. */
static size_t find_ports(const struct actor *actor, unsigned *ports, size_t most)
{
	static const unsigned usual[] = {25, 465, 587};
	size_t count = 0;

	for (size_t i = 0; i < 3; i++)
		if (host_service_at(actor->host, usual[i]) ||
		    facts_is_gated(actor->facts, usual[i]))
			ports[count++] = usual[i];
	for (size_t i = 0; i < actor->facts->proxied.count; i++) {
		const struct listener *listener = actor->facts->proxied.items[i].listener;
		const unsigned both[] = {(unsigned)listener->port.value,
					 (unsigned)listener->proxy_port.value};

		for (size_t j = 0; j < 2 && service_is_smtp(listener->service.value); j++) {
			bool known = false;

			for (size_t k = 0; k < count; k++)
				known |= ports[k] == both[j];
			if (!known && count < most)
				ports[count++] = both[j];
		}
	}
	return count;
}

static void add_strangers(struct making *making, const struct actor *actor, unsigned port,
			  const struct ip_address *client)
{
	struct arena *arena = making->arena;
	const char *name = actor->node->head.name.value;
	const char *family = client->family == IP_V6 ? "IPv6" : "IPv4";
	const char *number = arena_printf(arena, "%u", port);
	struct ip_address nobody = {.family = IP_NONE};
	struct ip_address loopback = address_of(client->family == IP_V6 ? "::1" : "127.0.0.1");
	struct check *check;

	check = add_check(making, actor->node->head.at,
			  arena_printf(arena, "%s relays nothing for strangers (port %u, %s)", name,
				       port, family));
	check->refused = true;
	add_senders(making, check, actor->node, number, client, &nobody);
	check = add_check(making, actor->node->head.at,
			  arena_printf(arena,
				       "a forged PROXY header gets nowhere at %s (port %u, %s)",
				       name, port, family));
	check->refused = true;
	add_senders(making, check, actor->node, number, client, &loopback);
	for (size_t i = 0; i < actor->facts->trusted.count; i++)
		if (actor->facts->trusted.items[i].network.address.family == client->family)
			add_senders(making, check, actor->node, number, client,
				    &actor->facts->trusted.items[i].network.address);
}

/* Strangers of the Internet reach the node itself, or the proxy before it. */
static void of_strangers(struct making *making, const struct actor *actor)
{
	const struct ip_address clients[] = {address_of(STRANGER4), address_of(STRANGER6)};
	unsigned ports[16];
	size_t count = find_ports(actor, ports, 16);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < 2; j++)
			if (world_source(actor->node, NULL, clients[j].family))
				add_strangers(making, actor, ports[i], &clients[j]);
}

static void of_proxy(struct making *making, const struct actor *actor)
{
	const struct ip_address clients[] = {address_of(STRANGER4), address_of(STRANGER6)};
	struct ip_address nobody = {.family = IP_NONE};
	struct arena *arena = making->arena;

	for (size_t i = 0; i < actor->facts->forwards.count; i++) {
		const struct forward *forward = &actor->facts->forwards.items[i];

		if (!service_is_smtp(forward->listener->service.value))
			continue;
		for (size_t j = 0; j < 2; j++) {
			struct check *check;

			if (!world_source(actor->node, NULL, clients[j].family))
				continue;
			check = add_check(making, forward->listener->head.name.at,
					  arena_printf(arena,
						       "%s relays nothing for strangers behind %s "
						       "(port %lu, %s)",
						       forward->node->head.name.value,
						       actor->node->head.name.value,
						       forward->listener->port.value,
						       j ? "IPv6" : "IPv4"));
			check->refused = true;
			add_senders(making, check, actor->node,
				    arena_printf(arena, "%lu", forward->listener->port.value),
				    &clients[j], &nobody);
		}
	}
}

/* A recipient that the domain has. */
static const char *recipient_of(struct arena *arena, const struct domain *domain)
{
	for (size_t i = 0; i < domain->recipients.count; i++)
		if (domain->recipients.items[i].value[0] != '@')
			return domain->recipients.items[i].value;
	return user_of(arena, domain->head.name.value);
}

static void of_inbound(struct making *making, const struct route *route)
{
	const struct node *first = route->hop_count > 1 ? route->hops[1] : NULL;
	struct ip_address client = address_of(STRANGER4);
	struct check *check = NULL;

	if (!first || route->hops[0]->kind.value != KIND_INTERNET)
		return;
	for (size_t i = 0; i < route->proxies.count; i++)
		if (route->proxies.items[i].before == 1)
			first = route->proxies.items[i].proxy;
	if (!world_source(first, NULL, IP_V4))
		client = address_of(STRANGER6);
	for (size_t i = 0; i < route->domains.count && i < making->most; i++) {
		const struct domain *domain = route->domains.items[i].domain;

		if (!domain->home || domain->home->kind.value != KIND_DMS)
			continue;
		if (!check)
			check = add_check(making, route->head.at,
					  arena_printf(making->arena,
						       "mail from the Internet takes the route %s",
						       route->label.value));
		check->expect.delivered_node = domain->home;
		check->expect.delivered_at.value = domain->home->head.name.value;
		add_request(making, check, first, TRACE_STRANGER,
			    recipient_of(making->arena, domain))
			->client = client;
	}
}

/* The nodes of ours that mail takes from `node` on. */
static void set_path(struct making *making, struct expectation *expect, const struct route *route,
		     const struct node *node)
{
	bool on = false;

	expect->via_nodes = arena_array(making->arena, route->hop_count, sizeof(struct node *));
	for (size_t i = 0; i < route->hop_count; i++) {
		on |= route->hops[i] == node;
		if (on && route->hops[i]->kind.value <= KIND_DMS)
			expect->via_nodes[expect->via_count++] = route->hops[i];
	}
}

static void of_bounces(struct making *making, const struct actor *actor)
{
	const struct route *route = topology_route_out(making->trace->topology, actor->node, NULL);
	struct check *check;

	if (!route || !route_next(route, actor->node))
		return;
	check = add_check(making, actor->node->head.at,
			  arena_printf(making->arena, "bounces of %s take the route %s",
				       actor->node->head.name.value, route->label.value));
	set_path(making, &check->expect, route, actor->node);
	set_local(making, add_request(making, check, actor->node, "", ELSEWHERE));
}

/* An address in one of the networks whose hosts may submit mail, which no node has. */
static bool find_client(const struct topology *topology, const struct node *node,
			struct ip_address *out)
{
	const struct network *network = node->client_count ? node->client_networks[0] : NULL;

	for (size_t i = 0; network && i < network->cidrs.count; i++) {
		struct ip_address address = network->cidrs.items[i].value.address;
		unsigned char *last = &address.octets[address.family == IP_V4 ? 3 : 15];

		for (unsigned step = 200; step > 1; step--) {
			bool taken = false;

			*last = (unsigned char)step;
			for (size_t j = 0; j < topology->nodes.count && !taken; j++) {
				const struct attachment *at =
					node_attachment(&topology->nodes.items[j], network);

				for (size_t k = 0; at && k < at->addresses.count; k++)
					taken |= ip_equal(&at->addresses.items[k].value, &address);
			}
			if (!taken &&
			    ip_network_contains(&network->cidrs.items[i].value, &address)) {
				*out = address;
				return true;
			}
		}
	}
	return false;
}

/* One check a domain: users', programs' and clients' mail that leaves. */
static void of_signing(struct making *making, const struct domain *domain)
{
	const struct topology *topology = making->trace->topology;
	const char *sender = recipient_of(making->arena, domain);
	const struct route *route = NULL;
	const struct node *node;
	struct request *request;
	struct ip_address client;
	struct check *check;

	for (size_t i = 0; i < domain->routes.count && !route; i++)
		if (route_is_outbound(domain->routes.items[i]) &&
		    domain->routes.items[i]->hops[0]->kind.value <= KIND_DMS)
			route = domain->routes.items[i];
	if (!route || !domain->dkim.head.given)
		return;
	node = route->hops[0];
	check = add_check(making, domain->dkim.head.at,
			  arena_printf(making->arena, "nothing of %s leaves unsigned",
				       domain->head.name.value));
	check->expect.signed_by.value = domain->head.name.value;
	set_local(making, add_request(making, check, node, sender, ELSEWHERE));
	if (node->kind.value == KIND_DMS && domain->home == node) {
		request = add_request(making, check, node, sender, ELSEWHERE);
		request->listener = "587";
		request->user = sender;
		request->client = address_of("127.0.0.1");
	}
	if (find_client(topology, node, &client))
		add_request(making, check, node, sender, ELSEWHERE)->client = client;
}

void checks_implied(struct trace *trace, size_t most, struct checks *out)
{
	const struct topology *topology = trace->topology;
	struct making making = {trace, trace->arena, out, most};

	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct actor *actor = world_actor(trace, &topology->nodes.items[i]);

		if (actor->host)
			of_strangers(&making, actor);
		else if (actor->facts)
			of_proxy(&making, actor);
	}
	for (size_t i = 0; i < topology->routes.count; i++)
		if (!route_is_outbound(&topology->routes.items[i]))
			of_inbound(&making, &topology->routes.items[i]);
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct actor *actor = world_actor(trace, &topology->nodes.items[i]);

		if (actor->host)
			of_bounces(&making, actor);
	}
	for (size_t i = 0; i < topology->domains.count && i < most; i++)
		of_signing(&making, &topology->domains.items[i]);
}
