/* What the output holds, for programs and for people; see manifest.h. */
#include "confgen/render/manifest.h"
#include "common/strbuf.h"
#include "confgen/derive/view.h"
#include "confgen/topology/schema.h"

#define FIRST_PREFERENCE 10 /* of MX records, and the step between them */

static json_t *text(const char *value)
{
	return value ? json_string(value) : json_null();
}

static json_t *networks(const struct topology *topology)
{
	json_t *array = json_array();
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < topology->networks.count; i++) {
		const struct network *network = &topology->networks.items[i];
		json_t *cidrs = json_array();

		for (size_t j = 0; j < network->cidrs.count; j++)
			view_push(cidrs, json_string(ip_network_format(
						 &network->cidrs.items[j].value, address)));
		view_push(array, json_pack("{s:s, s:o}", "name", network->head.name.value, "cidrs",
					   cidrs));
	}
	return array;
}

static json_t *addresses(const struct node *node)
{
	json_t *array = json_array();
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *in = &node->addresses.items[i];

		for (size_t j = 0; j < in->addresses.count; j++)
			view_push(array,
				  json_pack("{s:s, s:s}", "network", in->head.name.value, "address",
					    ip_format(&in->addresses.items[j].value, address)));
	}
	return array;
}

static json_t *tls(const struct node *node)
{
	if (!node->tls.head.given)
		return json_null();
	return json_pack("{s:s, s:s}", "certificate", node->tls.certificate.value, "key",
			 node->tls.key.value);
}

static json_t *milter(const struct facts *facts)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < facts->signs.count; i++) {
		const struct signing_domain *signs = &facts->signs.items[i];

		for (size_t j = 0; j < signs->keys.count; j++)
			view_push(keys, json_pack("{s:s, s:s, s:s}", "domain", signs->name,
						  "selector", signs->keys.items[j].selector, "path",
						  signs->keys.items[j].path));
	}
	return json_pack("{s:s, s:s, s:o}", "socket", facts_milter_socket(facts->node), "config",
			 "/etc/postern/postern-milter.conf", "keys", keys);
}

/* Names of the networks whose hosts submit mail here. */
static json_t *clients(const struct node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->client_count; i++)
		view_push(array, json_string(node->client_networks[i]->head.name.value));
	return array;
}

static json_t *accounts(const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->accounts.count; i++)
		view_push(array,
			  json_pack("{s:s, s:s}", "username", facts->accounts.items[i].username,
				    "peer", facts->accounts.items[i].peer->head.name.value));
	return array;
}

static json_t *smarthost(const struct node *node)
{
	if (node->kind.value != KIND_SMARTHOST)
		return json_null();
	return json_pack("{s:s, s:i, s:s, s:b, s:b}", "host", node->host.value, "port",
			 (int)node->port.value, "tls", tls_level_words[node->tls_level.value],
			 "wrapper", node->tls_mode.value == TLS_WRAPPER, "login",
			 node->credentials.head.given || node->sender_credentials.count > 0);
}

/* What is behind a proxy on the node: `port` there, `proxy_port` here. */
static json_t *proxied(const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct listener *listener = facts->proxied.items[i].listener;

		view_push(array,
			  json_pack("{s:s, s:s, s:i, s:i, s:s}", "name", listener->head.name.value,
				    "service", service_words[listener->service.value], "port",
				    (int)listener->port.value, "proxy_port",
				    (int)listener->proxy_port.value, "proxy",
				    listener->proxy->head.name.value));
	}
	return array;
}

static json_t *proxy(const struct node *node)
{
	if (node->kind.value != KIND_PROXY)
		return json_null();
	return json_pack("{s:s, s:s}", "software", software_words[node->software.value], "protocol",
			 proxy_protocol_words[node->proxy_protocol.value]);
}

static json_t *listeners(const struct facts *facts)
{
	json_t *array = json_array();

	if (facts->node->kind.value == KIND_PROXY)
		return array;
	if (facts->smtp)
		view_push(array, json_pack("{s:s, s:i}", "name", "smtp", "port", 25));
	if (facts->node->client_count)
		view_push(array, json_pack("{s:s, s:i}", "name", "submission", "port", 587));
	if (facts->submission)
		view_push(array, json_pack("{s:s, s:i}", "name", "submission", "port",
					   (int)facts->submission));
	return array;
}

/* Whether `path` is a file of the node's folder. */
static bool is_of_node(const char *path, const struct node *node)
{
	size_t length = strlen(node->head.name.value);

	return strncmp(path, node->head.name.value, length) == 0 && path[length] == '/';
}

static json_t *files_of(const struct node *node, const struct rendered_files *files)
{
	json_t *array = json_array();

	for (size_t i = 0; i < files->count; i++) {
		const struct rendered_file *file = &files->items[i];

		if (is_of_node(file->path, node) && file->install)
			view_push(array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "path", file->path,
						   "install", file->install, "owner", file->owner,
						   "mode", file->install_mode, "index",
						   file->index ? file->index : "none"));
	}
	return array;
}

static json_t *node_entry(const struct node *node, const struct facts *facts,
			  const struct rendered_files *files)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "name", node->head.name.value, "kind", node_kind_words[node->kind.value],
			 "deployment", deployment_words[node->deployment.as.value], "clients",
			 clients(node), "hostname", text(node->hostname.value), "addresses",
			 addresses(node), "tls", tls(node), "smarthost", smarthost(node), "proxy",
			 proxy(node), "proxied", facts ? proxied(facts) : json_array(), "listeners",
			 facts ? listeners(facts) : json_array(), "milter",
			 facts && facts_has_milter(facts) ? milter(facts) : json_null(), "accounts",
			 facts ? accounts(facts) : json_array(), "files", files_of(node, files));
}

/* Whether an earlier route to the domain enters there already, through another proxy. */
static bool enters_already(const struct topology *topology, const struct domain *domain,
			   size_t count, const struct node *node)
{
	for (size_t i = 0; i < count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (!route_is_outbound(route) && route_serves(route, domain) &&
		    route->hops[1] == node)
			return true;
	}
	return false;
}

/* The hosts where a domain's mail enters, in the order of its routes. */
static json_t *mx(const struct topology *topology, const struct domain *domain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (!route_is_outbound(route) && route_serves(route, domain) &&
		    !enters_already(topology, domain, i, route->hops[1]))
			view_push(array,
				  json_pack("{s:i, s:s}", "preference",
					    FIRST_PREFERENCE * (int)(json_array_size(array) + 1),
					    "hostname", route->hops[1]->hostname.value));
	}
	return array;
}

static json_t *dkim(const struct dkim *dkim)
{
	json_t *selectors = json_array();

	if (dkim->selector.value)
		view_push(selectors, json_string(dkim->selector.value));
	for (size_t i = 0; i < dkim->keys.count; i++)
		view_push(selectors, json_string(dkim->keys.items[i].selector.value));
	return json_pack("{s:s, s:o}", "sign_at", dkim->sign_at.value, "selectors", selectors);
}

/* What domains.json says of a domain, but for its name. */
static json_t *domain_entry(const struct topology *topology, const struct domain *domain)
{
	json_t *recipients = domain->recipients.count ? json_array() : json_null();

	for (size_t i = 0; i < domain->recipients.count; i++)
		if (domain->recipients.items[i].value[0] != '@')
			view_push(recipients, json_string(domain->recipients.items[i].value));
	return json_pack("{s:o, s:o, s:o, s:o}", "mailboxes", text(domain->mailboxes.value),
			 "recipients", recipients, "mx", mx(topology, domain), "dkim",
			 domain->dkim.head.given ? dkim(&domain->dkim) : json_null());
}

/* Whether two domains surely have the same entry, as those of one set mostly have. */
static bool are_alike(const struct domain *a, const struct domain *b)
{
	return a->mailboxes.value == b->mailboxes.value && !a->recipients.count &&
	       !b->recipients.count && a->dkim.head.given == b->dkim.head.given &&
	       a->dkim.sign_at.value == b->dkim.sign_at.value &&
	       a->dkim.selector.value == b->dkim.selector.value &&
	       a->dkim.keys.items == b->dkim.keys.items && a->routes.count == b->routes.count &&
	       (!a->routes.count || memcmp(a->routes.items, b->routes.items,
					   a->routes.count * sizeof(*a->routes.items)) == 0);
}

static int add_text(const char *text, size_t length, void *out)
{
	strbuf_add(out, text, length);
	return 0;
}

/* Appends a value, and frees it: many domains never stand in memory as JSON. */
static void append(struct strbuf *out, json_t *value, size_t flags)
{
	/* NULL is what json_pack() gives for a wrong format: a bug */
	if (!value || json_dump_callback(value, add_text, out, flags) != 0)
		abort();
	json_decref(value);
}

const char *manifest_text(struct arena *arena, const struct manifest *manifest,
			  const struct topology *topology, const struct rendered_files *files)
{
	json_t *all = json_array();
	struct strbuf out = STRBUF_INIT;
	char *result;

	for (size_t i = 0; i < files->count; i++)
		view_push(all, json_string(files->items[i].path));
	append(&out,
	       json_pack("{s:i, s:o, s:o, s:O}", "postern", 1, "files", all, "networks",
			 networks(topology), "nodes", manifest->nodes),
	       JSON_INDENT(2));
	strbuf_addch(&out, '\n');
	result = strbuf_take(&out);
	arena_adopt(arena, result);
	return result;
}

const char *manifest_domains(struct arena *arena, const struct topology *topology)
{
	const struct domain *domains = topology->domains.items;
	struct strbuf out = STRBUF_INIT, entry = STRBUF_INIT;
	char *result;

	for (size_t i = 0; i < topology->domains.count; i++) {
		strbuf_adds(&out, i ? ",\n{\"name\":" : "[\n{\"name\":");
		append(&out, json_string(domains[i].head.name.value), JSON_ENCODE_ANY);
		if (!i || !are_alike(&domains[i - 1], &domains[i])) {
			strbuf_reset(&entry);
			append(&entry, domain_entry(topology, &domains[i]), JSON_COMPACT);
		}
		/* its opening brace stands before the name already */
		strbuf_addch(&out, ',');
		strbuf_adds(&out, strbuf_text(&entry) + 1);
	}
	strbuf_done(&entry);
	strbuf_adds(&out, "\n]\n");
	result = strbuf_take(&out);
	arena_adopt(arena, result);
	return result;
}

/* --- for people --- */

static json_t *install_list(const struct node *node, const struct rendered_files *files,
			    bool indexed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < files->count; i++) {
		const struct rendered_file *file = &files->items[i];

		if (!is_of_node(file->path, node) || !file->install || (indexed && !file->index))
			continue;
		view_push(array,
			  json_pack("{s:s, s:s, s:s, s:s, s:s}", "path", file->path, "install",
				    file->install, "owner", file->owner, "mode", file->install_mode,
				    "type", file->index ? file->index : "texthash"));
	}
	return array;
}

/* Where the node's firewall file goes, or false. */
static json_t *nft_path(const struct node *node, const struct rendered_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *install = files->items[i].install;

		if (is_of_node(files->items[i].path, node) && install &&
		    strcmp(strrchr(files->items[i].path, '/'), "/postern.nft") == 0)
			return json_string(install);
	}
	return json_false();
}

/* The view of a node, and what is said of its files. */
static json_t *host_entry(const struct node *node, json_t *view, const struct rendered_files *files)
{
	json_t *entry = json_copy(view);

	json_object_set_new(
		entry, "postfix",
		json_boolean(node->kind.value == KIND_POSTFIX && !node_is_container(node)));
	json_object_set_new(entry, "dms", json_boolean(node->kind.value == KIND_DMS));
	json_object_set_new(entry, "nft", nft_path(node, files));
	json_object_set_new(entry, "files", install_list(node, files, false));
	json_object_set_new(entry, "indexed", install_list(node, files, true));
	return entry;
}

json_t *manifest_readme(const struct manifest *manifest)
{
	json_t *first = json_array_get(manifest->hosts, 0);

	return json_pack("{s:s, s:O}", "topology",
			 first ? json_string_value(json_object_get(first, "topology")) : "",
			 "nodes", manifest->hosts);
}

/* --- gathering --- */

void manifest_init(struct manifest *manifest)
{
	*manifest = (struct manifest){json_array(), json_array()};
}

void manifest_add_node(struct manifest *manifest, const struct node *node,
		       const struct rendered_files *files)
{
	view_push(manifest->nodes, node_entry(node, NULL, files));
}

void manifest_add_host(struct manifest *manifest, const struct facts *facts, json_t *view,
		       const struct rendered_files *files)
{
	view_push(manifest->nodes, node_entry(facts->node, facts, files));
	view_push(manifest->hosts, host_entry(facts->node, view, files));
}

void manifest_done(struct manifest *manifest)
{
	json_decref(manifest->nodes);
	json_decref(manifest->hosts);
}
