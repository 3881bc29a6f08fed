/* What messages need of a lab; see needs.h. */
#include "confgen/trace/needs.h"
#include "confgen/trace/world.h"

#include <string.h>
#include <strings.h>

static bool has(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void add(struct arena *arena, struct names *names, const char *name)
{
	if (!has(names, name))
		*arena_push(arena, names) = name;
}

static void add_client(struct trace *trace, const struct request *request, struct needs *needs)
{
	const struct network *network = world_network(trace->topology, &request->client);

	if (request->local || ip_is_loopback(&request->client))
		return;
	for (size_t i = 0; i < needs->clients.count; i++)
		if (ip_equal(&needs->clients.items[i].address, &request->client))
			return;
	*arena_push(trace->arena, &needs->clients) = (struct client_address){
		network ? network->head.name.value : "internet", request->client};
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

/* Without what follows a '+': the mailbox is that of the user. */
static const char *mailbox_of(struct arena *arena, const char *address)
{
	size_t cut = strcspn(address, "+@");

	if (address[cut] != '+' || cut == 0)
		return address;
	return arena_printf(arena, "%.*s@%s", (int)cut, address, domain_of(address));
}

/* An address is to have a mailbox where its domain does not list them; a domain of others, a host.
 */
static void add_address(struct trace *trace, const char *address, bool absent, struct needs *needs)
{
	const char *name = domain_of(address);
	const struct domain *domain = world_domain(trace, name);

	if (!*address || !*name)
		return;
	if (!domain || !domain->mailboxes.value) {
		if (strcasecmp(name, "elsewhere.test") != 0 && world_is_foreign(trace, name))
			add(trace->arena, &needs->domains, name);
	} else if (!domain->recipients.count) {
		add(trace->arena, absent ? &needs->absent : &needs->mailboxes,
		    absent ? address : mailbox_of(trace->arena, address));
	}
}

void needs_add(struct trace *trace, const struct request *request, struct needs *needs)
{
	const struct topology *topology = trace->topology;

	add_client(trace, request, needs);
	add_address(trace, request->sender, false, needs);
	add_address(trace, request->recipient, request->no_mailbox, needs);
	if (request->user && strchr(request->user, '@'))
		add_address(trace, request->user, false, needs);
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (topology->nodes.items[i].kind.value <= KIND_DMS &&
		    world_is_translated(trace, &topology->nodes.items[i]))
			add(trace->arena, &needs->translated,
			    topology->nodes.items[i].head.name.value);
}

bool needs_contradict(const struct needs *needs, const struct request *request)
{
	return has(&needs->absent, request->recipient) &&
	       has(&needs->mailboxes, request->recipient);
}
