/*
 * Names to pointers: every node, network and domain that the topology mentions is looked up once,
 * here, and secrets are fetched.
 */
#include "common/file.h"
#include "common/name_map.h"
#include "common/suggest.h"
#include "common/utf8.h"
#include "confgen/topology/load.h"
#include "confgen/topology/providers.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/syntax.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_COMPARED	    1000 /* names, to find one that was meant */
#define LONGEST_SECRET	    512	 /* CRYPT_MAX_PASSPHRASE_SIZE of crypt(3) */
#define LARGEST_SECRET_FILE ((size_t)4096)

/* The names of a map's items, for "did you mean". */
static void unknown_name(struct diagnostics *list, const struct text *name, const char *what,
			 const void *items, size_t count, size_t size)
{
	const char *names[MOST_COMPARED], *near;
	size_t errors = diagnostics_count(list, SEVERITY_ERROR);

	report(list, UNKNOWN_NAME, name->at, "there is no %s '%s'", what, name->value);
	if (count > MOST_COMPARED || errors >= MOST_SUGGESTIONS)
		return;
	for (size_t i = 0; i < count; i++)
		names[i] = ((const struct head *)(const void *)((const char *)items + i * size))
				   ->name.value;
	near = suggest(name->value, names, count);
	if (near)
		diagnostics_hint(list, "did you mean '%s'?", near);
}

static struct node *find_node(struct topology *topology, struct diagnostics *list,
			      const struct text *name)
{
	if (!name->value)
		return NULL;
	if (strcmp(name->value, "internet") == 0)
		return &topology->internet;
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name->value) == 0)
			return &topology->nodes.items[i];
	unknown_name(list, name, "node", topology->nodes.items, topology->nodes.count,
		     sizeof(struct node));
	return NULL;
}

/* Sets `*out` to the network, or to NULL for the Internet; an unknown name gives an error. */
static bool find_network(struct topology *topology, struct diagnostics *list,
			 const struct text *name, struct network **out)
{
	*out = NULL;
	if (!name->value)
		return false;
	if (strcmp(name->value, "internet") == 0)
		return true;
	for (size_t i = 0; i < topology->networks.count; i++)
		if (strcmp(topology->networks.items[i].head.name.value, name->value) == 0) {
			*out = &topology->networks.items[i];
			return true;
		}
	unknown_name(list, name, "network", topology->networks.items, topology->networks.count,
		     sizeof(struct network));
	return false;
}

/* A bug elsewhere must not take an unknown network for the Internet. */
static struct network nowhere;

static void resolve_recipients(struct arena *arena, const struct domain *domain,
			       struct diagnostics *list)
{
	struct name_map *seen = name_map_new(arena, domain->recipients.count);

	for (size_t i = 0; i < domain->recipients.count; i++)
		if (name_map_add(seen, domain->recipients.items[i].value, seen))
			report(list, NAME_TWICE, domain->recipients.items[i].at,
			       "'%s' is listed already", domain->recipients.items[i].value);
}

static void resolve_domains(struct arena *arena, struct topology *topology,
			    struct name_map *domains, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->domains.count; i++) {
		struct domain *domain = &topology->domains.items[i];

		domain->home = find_node(topology, list, &domain->mailboxes);
		domain->dkim.signer = find_node(topology, list, &domain->dkim.sign_at);
		if (domain->recipients.count)
			resolve_recipients(arena, domain, list);
		if (name_map_add(domains, domain->head.name.value, domain))
			report(list, NAME_TWICE, domain->head.name.at,
			       "the domain '%s' is listed already", domain->head.name.value);
	}
}

/* What the provider's row knows, where the topology does not say otherwise. */
static void resolve_smarthost(struct arena *arena, struct node *node)
{
	const struct provider_row *row = &providers[node->provider.value];

	if (!node->host.value && node->region.value && row->regional_host)
		node->host = (struct text){provider_host(arena, row, node->region.value),
					   node->provider.at};
	else if (!node->host.value && row->host)
		node->host = (struct text){row->host, node->provider.at};
	if (node->tls_mode.value == TLS_WRAPPER && !node->port.given)
		node->port.value = 465;
	else if (node->port.value == 465 && !node->tls_mode.given)
		node->tls_mode.value = TLS_WRAPPER;
}

/* The port for PROXY beside `port`; 10025 is taken by amavis in docker-mailserver. */
static unsigned long second_port(const struct node *node, unsigned long port)
{
	return node->kind.value == KIND_DMS && port == 25 ? 12525 : port + 10000;
}

static void resolve_listeners(struct topology *topology, struct diagnostics *list,
			      struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++) {
		struct listener *listener = &node->listeners.items[i];

		listener->proxy = find_node(topology, list, &listener->proxied_by);
		if (!listener->port.given)
			listener->port.value = service_port(listener->service.value);
		if (listener->through.value != THROUGH_SECOND_PORT)
			listener->proxy_port.value = listener->port.value;
		else if (!listener->proxy_port.given)
			listener->proxy_port.value = second_port(node, listener->port.value);
	}
}

static void resolve_clients(struct arena *arena, struct topology *topology, struct node *node,
			    struct diagnostics *list)
{
	struct deployment *deployment = &node->deployment;
	struct network *network;

	node->client_networks = arena_array(arena, node->clients.count, sizeof(network));
	for (size_t i = 0; i < node->clients.count; i++)
		if (find_network(topology, list, &node->clients.items[i], &network))
			node->client_networks[node->client_count++] = network;
	for (size_t i = 0; i < deployment->networks.count; i++)
		find_network(topology, list, &deployment->networks.items[i], &network);
	if (deployment->head.given && !deployment->as.given)
		deployment->as.value = DEPLOY_CONTAINER;
}

static void resolve_nodes(struct arena *arena, struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		struct node *node = &topology->nodes.items[i];
		const char *version = node->postfix.version.value;

		if (node->kind.value == KIND_SMARTHOST)
			resolve_smarthost(arena, node);
		node->postfix.number = version ? postfix_release(version) : POSTFIX_DEFAULT;
		if (node->software.value == SOFTWARE_NGINX && !node->proxy_protocol.given)
			node->proxy_protocol.value = PROXY_V1;
		resolve_listeners(topology, list, node);
		for (size_t j = 0; j < node->addresses.count; j++) {
			struct attachment *attachment = &node->addresses.items[j];

			if (!find_network(topology, list, &attachment->head.name,
					  &attachment->network))
				attachment->network = &nowhere;
		}
		resolve_clients(arena, topology, node, list);
	}
}

static void resolve_links(struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->links.count; i++) {
		struct link *link = &topology->links.items[i];

		if (!find_network(topology, list, &link->over, &link->network))
			link->network = &nowhere;
		for (size_t j = 0; j < link->between.count && j < 2; j++)
			link->ends[j] = find_node(topology, list, &link->between.items[j]);
		for (size_t j = 0; j < link->credentials.count; j++)
			link->credentials.items[j].node =
				find_node(topology, list, &link->credentials.items[j].head.name);
		for (size_t j = 0; j < link->egress.count; j++)
			link->egress.items[j].node =
				find_node(topology, list, &link->egress.items[j].head.name);
		if (link->trust.value != TRUST_SASL)
			continue;
		if (!link->tls.given)
			link->tls.value = TLS_ENCRYPT;
		if (!link->port.given)
			link->port.value = 587;
	}
}

static const struct domain_set *find_set(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->domain_sets.count; i++)
		if (strcmp(topology->domain_sets.items[i].head.name.value, name) == 0)
			return &topology->domain_sets.items[i];
	return NULL;
}

static void push_hop(struct arena *arena, struct route *route, struct node *node,
		     struct position at)
{
	if (node->kind.value == KIND_PROXY) {
		*arena_push(arena, &route->proxies) = (struct passage){node, route->hop_count, at};
		return;
	}
	route->hops[route->hop_count] = node;
	route->hop_at[route->hop_count++] = at;
}

static void add_domain(struct arena *arena, struct route *route, struct domain *domain,
		       struct position at, struct diagnostics *list)
{
	/* routes are resolved one after the other: a second time would be the last one */
	if (domain->routes.count && domain->routes.items[domain->routes.count - 1] == route) {
		report(list, NAME_TWICE, at, "'%s' is listed already", domain->head.name.value);
		return;
	}
	*arena_push(arena, &domain->routes) = route;
	*arena_push(arena, &route->domains) = (struct route_domain){domain, at};
}

/* A name in 'to' or 'from': a set, or a domain. */
static void resolve_route_name(struct arena *arena, struct topology *topology, struct route *route,
			       const struct text *name, const struct name_map *domains,
			       struct diagnostics *list)
{
	const struct domain_set *set = find_set(topology, name->value);
	const char *at = strchr(name->value, '@');
	struct domain *domain = name_map_find(domains, at ? at + 1 : name->value);

	if (domain && at) {
		*arena_push(arena, &route->senders) =
			(struct route_sender){name->value, domain, name->at};
		return;
	}
	for (size_t i = 0; set && i < set->count; i++)
		add_domain(arena, route, &topology->domains.items[set->first + i], name->at, list);
	if (!set && domain)
		add_domain(arena, route, domain, name->at, list);
	if (set || domain)
		return;
	route->complete = false;
	unknown_name(list, name, "domain", topology->domains.items, topology->domains.count,
		     sizeof(struct domain));
}

static void resolve_routes(struct arena *arena, struct topology *topology,
			   const struct name_map *domains, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->routes.count; i++) {
		struct route *route = &topology->routes.items[i];
		const struct text_list *names = route->from.count ? &route->from : &route->to;

		route->complete = true;
		route->hops = arena_array(arena, route->path.count, sizeof(struct node *));
		route->hop_at = arena_array(arena, route->path.count, sizeof(struct position));
		for (size_t j = 0; j < names->count; j++)
			resolve_route_name(arena, topology, route, &names->items[j], domains, list);
		for (size_t j = 0; j < route->path.count; j++) {
			struct node *node = find_node(topology, list, &route->path.items[j]);

			route->complete &= node && node->kind.given;
			if (node)
				push_hop(arena, route, node, route->path.items[j].at);
		}
		route->complete &= route->hop_count > 0;
	}
}

/* NODE or NODE:LISTENER, whose listener is looked for where the services are known. */
static void resolve_place(struct arena *arena, struct topology *topology, struct test_case *test,
			  struct diagnostics *list)
{
	const char *colon = test->at.value ? strchr(test->at.value, ':') : NULL;
	struct text name = test->at;

	if (colon) {
		name.value = arena_strndup(arena, name.value, (size_t)(colon - name.value));
		test->listener = colon + 1;
	}
	test->node = find_node(topology, list, &name);
}

static void resolve_tests(struct arena *arena, struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->tests.count; i++) {
		struct test_case *test = &topology->tests.items[i];
		struct expectation *expect = &test->expect;

		resolve_place(arena, topology, test, list);
		expect->delivered_node = find_node(topology, list, &expect->delivered_at);
		expect->relayed_node = find_node(topology, list, &expect->relayed_to);
		expect->via_nodes =
			arena_array(arena, expect->via.count, sizeof(*expect->via_nodes));
		for (size_t j = 0; j < expect->via.count; j++) {
			struct node *node = find_node(topology, list, &expect->via.items[j]);

			if (node)
				expect->via_nodes[expect->via_count++] = node;
		}
	}
}

void topology_resolve(struct arena *arena, struct topology *topology, struct diagnostics *list)
{
	struct name_map *domains = name_map_new(arena, topology->domains.count);

	topology->internet.kind = (struct choice){.given = true, .value = KIND_INTERNET};
	topology->internet.head.name.value = "internet";
	resolve_domains(arena, topology, domains, list);
	resolve_nodes(arena, topology, list);
	resolve_links(topology, list);
	resolve_routes(arena, topology, domains, list);
	resolve_tests(arena, topology, list);
}

/* --- secrets --- */

/* Says nothing of the name: where a file or variable is to be named, the secret itself may stand.
 */
static void secret_error(struct diagnostics *list, const struct secret *secret, const char *why)
{
	bool file = secret->file.value != NULL;

	report(list, CREDENTIALS, file ? secret->file.at : secret->env.at, "the password's %s %s",
	       file ? "file" : "variable", why);
	diagnostics_hide_source(list);
}

static bool is_printable_utf8(const char *text, size_t length)
{
	uint32_t code;

	for (size_t step; length; text += step, length -= step) {
		step = utf8_decode(text, length, &code);
		if (!step || code < 0x20 || (code >= 0x7f && code < 0xa0))
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first line of the text; NULL with an error if that is no password. */
static const char *usable(struct arena *arena, struct diagnostics *list,
			  const struct secret *secret, const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length] != '\r' && text[length] != '\n')
		length++;
	if (length == 0)
		secret_error(list, secret, "is empty");
	else if (length > LONGEST_SECRET)
		secret_error(list, secret, "holds more than 512 octets in its first line");
	else if (is_blank(text[0]) || is_blank(text[length - 1]))
		secret_error(list, secret,
			     "begins or ends with white space, which Postfix tables cannot hold");
	else if (!is_printable_utf8(text, length))
		secret_error(list, secret, "holds a control character, or is not UTF-8");
	else
		return arena_strndup(arena, text, length);
	return NULL;
}

static void secret_from_file(struct arena *arena, const struct topology *topology,
			     struct secret *secret, enum secret_policy policy,
			     struct diagnostics *list)
{
	const char *name = secret->file.value;
	const char *path =
		name[0] == '/' ? name : arena_printf(arena, "%s/%s", topology->folder, name);
	struct stat status;
	size_t length;
	char *text;
	int error = stat(path, &status) < 0 ? -errno : 0;

	if (!error && S_ISREG(status.st_mode) && (status.st_mode & 077)) {
		report(list, SECRET_OPEN, secret->file.at,
		       "the password file '%s' can be read by others", name);
		diagnostics_hint(list, "chmod 600 %s", name);
		diagnostics_hide_source(list);
	}
	if (!error && policy == SECRETS_READ)
		error = file_read(arena, path, LARGEST_SECRET_FILE, &text, &length);
	if (error)
		secret_error(list, secret,
			     arena_printf(arena, "cannot be read: %s", strerror(-error)));
	else if (policy == SECRETS_READ)
		secret->value = usable(arena, list, secret, text, length);
}

static void secret_from_variable(struct arena *arena, struct secret *secret,
				 struct diagnostics *list)
{
	const char *value = getenv(secret->env.value);

	if (value)
		secret->value = usable(arena, list, secret, value, strlen(value));
	else
		secret_error(list, secret, "is not set");
}

static void resolve_secret(struct arena *arena, const struct topology *topology,
			   struct credentials *credentials, enum secret_policy policy,
			   struct diagnostics *list)
{
	struct secret *secret = &credentials->password;
	bool file = secret->file.at.line, env = secret->env.at.line;

	if (!secret->head.given)
		return;
	if (file == env) {
		report(list, CREDENTIALS, secret->head.at,
		       "a password comes from one place: 'file' or 'env'%s",
		       file ? ", not both" : "");
		diagnostics_hint(list,
				 "such as password: {file: secrets/relay} beside the topology");
		diagnostics_hide_source(list);
	} else if (secret->file.value) {
		secret_from_file(arena, topology, secret, policy, list);
	} else if (secret->env.value && policy == SECRETS_READ) {
		secret_from_variable(arena, secret, list);
	}
	/* stands for the real one where nothing is installed */
	if (policy == SECRETS_LOOK)
		secret->value = "placeholder";
}

void topology_resolve_secrets(struct arena *arena, struct topology *topology,
			      enum secret_policy policy, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		struct node *node = &topology->nodes.items[i];

		resolve_secret(arena, topology, &node->credentials, policy, list);
		for (size_t j = 0; j < node->sender_credentials.count; j++)
			resolve_secret(arena, topology, &node->sender_credentials.items[j], policy,
				       list);
	}
	for (size_t i = 0; i < topology->links.count; i++)
		for (size_t j = 0; j < topology->links.items[i].credentials.count; j++)
			resolve_secret(arena, topology,
				       &topology->links.items[i].credentials.items[j], policy,
				       list);
}
