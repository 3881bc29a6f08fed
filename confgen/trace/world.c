/* The nodes of a topology with what they run, and who meets whom; see world.h. */
#include "confgen/trace/world.h"
#include "confgen/derive/view_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct source *world_file(const struct trace *trace, const struct node *node,
				const char *name)
{
	size_t length = strlen(node->head.name.value);

	for (size_t i = 0; i < trace->file_count; i++) {
		const char *path = trace->files[i].name;

		if (strncmp(path, node->head.name.value, length) == 0 && path[length] == '/' &&
		    strcmp(path + length + 1, name) == 0)
			return &trace->files[i];
	}
	return NULL;
}

const struct domain *world_domain(const struct trace *trace, const char *name)
{
	return name_map_find(trace->by_domain, name);
}

/* --- what a host asks --- */

static bool is_listed(const struct domain *domain, const char *address)
{
	const char *at = strrchr(address, '@');

	if (at - address == strlen("postmaster") && strncasecmp(address, "postmaster", 10) == 0)
		return true;
	for (size_t i = 0; i < domain->recipients.count; i++) {
		const char *one = domain->recipients.items[i].value;

		if (strcasecmp(one, address) == 0 || (*one == '@' && strcasecmp(one, at) == 0))
			return true;
	}
	return false;
}

bool world_mailbox(struct trace *trace, const struct node *node, const char *address)
{
	const char *at = strrchr(address, '@');
	const struct domain *domain = at ? world_domain(trace, at + 1) : NULL;

	if (!domain || domain->home != node)
		return false;
	if (domain->recipients.count)
		return is_listed(domain, address);
	return !(trace->request && trace->request->no_mailbox &&
		 strcasecmp(address, trace->request->recipient) == 0);
}

static bool has_mailbox(void *user, const char *address)
{
	const struct actor *actor = user;

	return world_mailbox(actor->trace, actor->node, address);
}

static bool has_domain(void *user, const char *name)
{
	const struct actor *actor = user;
	const struct domain *domain = world_domain(actor->trace, name);

	return domain && domain->home == actor->node;
}

static const struct node *find_hostname(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];
		const char *host = node->kind.value == KIND_SMARTHOST ? node->host.value
								      : node->hostname.value;

		if (host && strcasecmp(host, name) == 0)
			return node;
	}
	return NULL;
}

/* Whether a name lies below a domain of the topology, which then would have it. */
static bool is_ours(const struct trace *trace, const char *name)
{
	while ((name = strchr(name, '.'))) {
		name++;
		if (world_domain(trace, name))
			return true;
	}
	return false;
}

bool world_knows(struct trace *trace, const char *domain)
{
	const struct node *node = find_hostname(trace->topology, domain);

	if (world_domain(trace, domain))
		return true;
	if (node)
		return node_attachment(node, NULL) || node->kind.value == KIND_SMARTHOST;
	return !is_ours(trace, domain) && strchr(domain, '.');
}

static bool knows(void *user, const char *domain)
{
	const struct actor *actor = user;

	return world_knows(actor->trace, domain);
}

static bool can_log_in(void *user, const char *name)
{
	const struct actor *actor = user;

	for (size_t i = 0; i < actor->facts->accounts.count; i++)
		if (strcmp(actor->facts->accounts.items[i].username, name) == 0)
			return true;
	return actor->node->kind.value == KIND_DMS && strchr(name, '@') &&
	       world_mailbox(actor->trace, actor->node, name);
}

/* --- actors --- */

static void make_host(struct trace *trace, struct actor *actor)
{
	const struct node *node = actor->node;
	const struct host_input input = {
		.name = node->head.name.value,
		.dms = node->kind.value == KIND_DMS,
		.hostname = node->hostname.value,
		.release = node->postfix.number,
		.files = trace->files,
		.count = trace->file_count,
		.topology = trace->topology->head.at.source,
		.oracle = {actor, has_mailbox, has_domain, knows, can_log_in, walk_probe},
	};

	actor->host = host_new(trace->arena, &input);
}

static bool is_guarded(const struct trace *trace, const struct node *node)
{
	return world_file(trace, node, "postern.nft") != NULL;
}

struct actor *world_actor(struct trace *trace, const struct node *node)
{
	const struct node *first = trace->topology->nodes.items;
	struct actor *actor;

	if (node < first || node >= first + trace->topology->nodes.count)
		return NULL;
	actor = &trace->actors[node - first];
	if (actor->node)
		return actor;
	actor->trace = trace;
	actor->node = node;
	if (!facts_has(node))
		return actor;
	actor->facts = facts_derive(trace->arena, trace->topology, node);
	actor->guarded = is_guarded(trace, node);
	actor->milter_conf = world_file(trace, node, "postern-milter.conf");
	if (node->kind.value != KIND_PROXY)
		make_host(trace, actor);
	if (actor->milter_conf) {
		actor->listeners = view_milter_listeners(trace->arena, actor->facts);
		actor->bindings = view_milter_bindings(trace->arena, actor->facts);
	}
	return actor;
}

void trace_done(struct trace *trace)
{
	for (size_t i = 0; i < trace->topology->nodes.count; i++) {
		json_decref(trace->actors[i].listeners);
		json_decref(trace->actors[i].bindings);
	}
}

struct trace *trace_new(struct arena *arena, const struct topology *topology,
			const struct source *files, size_t count)
{
	struct trace *trace = arena_alloc(arena, sizeof(*trace));

	trace->arena = arena;
	trace->topology = topology;
	trace->files = files;
	trace->file_count = count;
	trace->actors = arena_array(arena, topology->nodes.count, sizeof(*trace->actors));
	trace->by_domain = name_map_new(arena, topology->domains.count);
	for (size_t i = 0; i < topology->domains.count; i++)
		name_map_add(trace->by_domain, topology->domains.items[i].head.name.value,
			     &topology->domains.items[i]);
	return trace;
}

/* --- networks --- */

const struct network *world_network(const struct topology *topology,
				    const struct ip_address *address)
{
	for (size_t i = 0; i < topology->networks.count; i++) {
		const struct network *network = &topology->networks.items[i];

		for (size_t j = 0; j < network->cidrs.count; j++)
			if (ip_network_contains(&network->cidrs.items[j].value, address))
				return network;
	}
	return NULL;
}

const struct ip_address *world_source(const struct node *node, const struct network *network,
				      enum ip_family family)
{
	const struct attachment *attachment = node_attachment(node, network);

	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		if (attachment->addresses.items[i].value.family == family)
			return &attachment->addresses.items[i].value;
	return NULL;
}

bool world_is_translated(const struct trace *trace, const struct node *node)
{
	const struct topology *topology = trace->topology;

	if (node_attachment(node, NULL))
		return false;
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct node *next = route_next(&topology->routes.items[i], node);

		if (next && (next->kind.value == KIND_INTERNET ||
			     (next->kind.value == KIND_SMARTHOST && !next->addresses.count)))
			return true;
	}
	return false;
}

/* --- names --- */

static void push(struct trace *trace, struct reached_list *out, const struct node *node,
		 const struct network *network, struct ip_address address)
{
	*arena_push(trace->arena, out) =
		(struct reached){.node = node, .network = network, .address = address};
}

/* What the DNS says of a host of the topology: its addresses on the Internet. */
static void push_host(struct trace *trace, struct reached_list *out, const struct node *node)
{
	const struct attachment *attachment = node_attachment(node, NULL);

	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		push(trace, out, node, NULL, attachment->addresses.items[i].value);
	/* a smarthost that the topology gives no address has one all the same */
	if (!attachment && node->kind.value == KIND_SMARTHOST) {
		if (node->addresses.count == 0)
			push(trace, out, node, NULL, (struct ip_address){.family = IP_NONE});
		for (size_t i = 0; i < node->addresses.count; i++)
			for (size_t j = 0; j < node->addresses.items[i].addresses.count; j++)
				push(trace, out, node, node->addresses.items[i].network,
				     node->addresses.items[i].addresses.items[j].value);
	}
}

/* The host that the Internet meets first on a route: a proxy, where one stands before it. */
static const struct node *first_on(const struct route *route)
{
	if (route_is_outbound(route) || route->hop_count < 2 ||
	    route->hops[0]->kind.value != KIND_INTERNET)
		return NULL;
	for (size_t i = 0; i < route->proxies.count; i++)
		if (route->proxies.items[i].before == 1)
			return route->proxies.items[i].proxy;
	return route->hops[1];
}

static void push_mail_hosts(struct trace *trace, struct reached_list *out,
			    const struct domain *domain)
{
	for (size_t i = 0; i < domain->routes.count; i++) {
		const struct node *node = first_on(domain->routes.items[i]);

		if (node)
			push_host(trace, out, node);
	}
}

static void push_address(struct trace *trace, struct reached_list *out,
			 const struct ip_address *address)
{
	const struct topology *topology = trace->topology;

	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		for (size_t j = 0; j < node->addresses.count; j++)
			for (size_t k = 0; k < node->addresses.items[j].addresses.count; k++)
				if (ip_equal(&node->addresses.items[j].addresses.items[k].value,
					     address))
					push(trace, out, node, node->addresses.items[j].network,
					     *address);
	}
	for (size_t i = 0; !out->count && i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];
		struct ip_address host;

		if (node->kind.value == KIND_SMARTHOST && node->host.value &&
		    ip_parse(node->host.value, &host) == IP_OK && ip_equal(&host, address))
			push(trace, out, node, NULL, *address);
	}
	if (!out->count)
		push(trace, out, &topology->internet, world_network(topology, address), *address);
}

/* What is not ours, and domains of ours whose mail others keep. */
bool world_is_foreign(const struct trace *trace, const char *name)
{
	const struct domain *domain = world_domain(trace, name);

	if (find_hostname(trace->topology, name) && !domain)
		return false;
	return strchr(name, '.') && (domain ? !domain->mailboxes.value : !is_ours(trace, name));
}

/* By the address records alone, or by MX records first. */
static void push_name(struct trace *trace, struct reached_list *out, const char *name, bool mx)
{
	const struct node *node = find_hostname(trace->topology, name);
	const struct domain *domain = mx ? world_domain(trace, name) : NULL;

	if (domain)
		push_mail_hosts(trace, out, domain);
	if (node && !out->count)
		push_host(trace, out, node);
	if (!out->count && !node && world_is_foreign(trace, name))
		push(trace, out, &trace->topology->internet, NULL,
		     (struct ip_address){.family = IP_NONE});
}

static void find_twins(struct reached_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < list->count; j++)
			if (list->items[i].node == list->items[j].node &&
			    list->items[i].network == list->items[j].network &&
			    list->items[i].address.family != list->items[j].address.family)
				list->items[i].either = true;
}

void world_resolve(struct trace *trace, const char *next_hop, unsigned usual_port,
		   struct reached_list *out, unsigned *port)
{
	bool bracket = *next_hop == '[';
	const char *end = bracket ? strchr(next_hop, ']') : strrchr(next_hop, ':');
	const char *name = next_hop + bracket, *after;
	struct ip_address address;

	if (!end)
		end = name + strlen(name);
	name = arena_strndup(trace->arena, name, (size_t)(end - name));
	after = end + (bracket && *end == ']');
	*port = *after == ':' ? (unsigned)strtoul(after + 1, NULL, 10) : usual_port;
	if (*after == ':' && *port == 0)
		*port = strcmp(after + 1, "submission") == 0	? 587
			: strcmp(after + 1, "submissions") == 0 ? 465
								: usual_port;
	if (ip_parse(name, &address) == IP_OK)
		push_address(trace, out, &address);
	else
		push_name(trace, out, name, !bracket);
	find_twins(out);
}
