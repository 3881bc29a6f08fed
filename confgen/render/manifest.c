/* What the output holds, for programs and for people; see manifest.h. */
#include "confgen/render/manifest.h"
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
			json_array_append_new(
				cidrs, json_string(ip_network_format(&network->cidrs.items[j].value,
								     address)));
		json_array_append_new(array, json_pack("{s:s, s:o}", "name",
						       network->head.name.value, "cidrs", cidrs));
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
			json_array_append_new(
				array,
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

	for (size_t i = 0; i < facts->keys.count; i++)
		json_array_append_new(keys, json_pack("{s:s, s:s, s:s}", "domain",
						      facts->keys.items[i].domain, "selector",
						      facts->keys.items[i].selector, "path",
						      facts->keys.items[i].path));
	return json_pack("{s:s, s:s, s:o}", "socket", facts_milter_socket(facts->node), "config",
			 "/etc/postern/postern-milter.conf", "keys", keys);
}

/* Names of the networks whose hosts submit mail here. */
static json_t *clients(const struct node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->client_count; i++)
		json_array_append_new(array,
				      json_string(node->client_networks[i]->head.name.value));
	return array;
}

static json_t *accounts(const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->accounts.count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:s}", "username",
						facts->accounts.items[i].username, "peer",
						facts->accounts.items[i].peer->head.name.value));
	return array;
}

static json_t *smarthost(const struct node *node)
{
	if (node->kind.value != KIND_SMARTHOST)
		return json_null();
	return json_pack("{s:s, s:i, s:s, s:b}", "host", node->host.value, "port",
			 (int)node->port.value, "tls", tls_level_words[node->tls_level.value],
			 "login", node->credentials.head.given);
}

static json_t *listeners(const struct facts *facts)
{
	json_t *array = json_array();

	if (facts->smtp)
		json_array_append_new(array, json_pack("{s:s, s:i}", "name", "smtp", "port", 25));
	if (facts->node->client_count)
		json_array_append_new(array,
				      json_pack("{s:s, s:i}", "name", "submission", "port", 587));
	if (facts->submission)
		json_array_append_new(array, json_pack("{s:s, s:i}", "name", "submission", "port",
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
			json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "path",
							       file->path, "install", file->install,
							       "owner", file->owner, "mode",
							       file->install_mode, "index",
							       file->index ? file->index : "none"));
	}
	return array;
}

static const struct facts *facts_of(const struct node *node, const struct facts *const *facts,
				    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->node == node)
			return facts[i];
	return NULL;
}

static json_t *node_entry(const struct node *node, const struct facts *facts,
			  const struct rendered_files *files)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
			 node->head.name.value, "kind", node_kind_words[node->kind.value],
			 "deployment", deployment_words[node->deployment.as.value], "clients",
			 clients(node), "hostname", text(node->hostname.value), "addresses",
			 addresses(node), "tls", tls(node), "smarthost", smarthost(node),
			 "listeners", facts ? listeners(facts) : json_array(), "milter",
			 facts && facts->keys.count ? milter(facts) : json_null(), "accounts",
			 facts ? accounts(facts) : json_array(), "files", files_of(node, files));
}

/* The hosts where a domain's mail enters, in the order of its routes. */
static json_t *mx(const struct topology *topology, const struct domain *domain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (!route_is_outbound(route) && route_serves(route, domain))
			json_array_append_new(
				array,
				json_pack("{s:i, s:s}", "preference",
					  FIRST_PREFERENCE * (int)(json_array_size(array) + 1),
					  "hostname", route->hops[1]->hostname.value));
	}
	return array;
}

static json_t *domains(const struct topology *topology)
{
	json_t *array = json_array();

	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct domain *domain = &topology->domains.items[i];
		json_t *recipients = domain->recipients.count ? json_array() : json_null();

		for (size_t j = 0; j < domain->recipients.count; j++)
			json_array_append_new(recipients,
					      json_string(domain->recipients.items[j].value));
		json_array_append_new(
			array,
			json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", domain->head.name.value,
				  "mailboxes", text(domain->mailboxes.value), "recipients",
				  recipients, "mx", mx(topology, domain), "dkim",
				  domain->dkim.head.given
					  ? json_pack("{s:s, s:s}", "sign_at",
						      domain->dkim.sign_at.value, "selector",
						      domain->dkim.selector.value)
					  : json_null()));
	}
	return array;
}

const char *manifest_text(struct arena *arena, const struct topology *topology,
			  const struct facts *const *facts, size_t count,
			  const struct rendered_files *files)
{
	json_t *all = json_array(), *nodes = json_array(), *manifest;
	char *text;
	const char *result;

	for (size_t i = 0; i < files->count; i++)
		json_array_append_new(all, json_string(files->items[i].path));
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		json_array_append_new(nodes, node_entry(node, facts_of(node, facts, count), files));
	}
	manifest = json_pack("{s:i, s:o, s:o, s:o, s:o}", "postern", 1, "files", all, "networks",
			     networks(topology), "nodes", nodes, "domains", domains(topology));
	text = manifest ? json_dumps(manifest, JSON_INDENT(2)) : NULL;
	json_decref(manifest);
	if (!text)
		abort();
	result = arena_printf(arena, "%s\n", text);
	free(text);
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
		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "path", file->path,
						"install", file->install, "owner", file->owner,
						"mode", file->install_mode, "type",
						file->index ? file->index : "texthash"));
	}
	return array;
}

json_t *manifest_readme(struct arena *arena, const struct facts *const *facts, size_t count,
			const struct rendered_files *files)
{
	json_t *nodes = json_array(), *view;

	for (size_t i = 0; i < count; i++) {
		const struct node *node = facts[i]->node;

		view = view_of_node(arena, facts[i]);
		json_object_set_new(
			view, "postfix",
			json_boolean(node->kind.value == KIND_POSTFIX && !node_is_container(node)));
		json_object_set_new(view, "dms", json_boolean(node->kind.value == KIND_DMS));
		json_object_set_new(view, "files", install_list(node, files, false));
		json_object_set_new(view, "indexed", install_list(node, files, true));
		json_array_append_new(nodes, view);
	}
	return json_pack(
		"{s:s, s:o}", "topology",
		count ? json_string_value(json_object_get(json_array_get(nodes, 0), "topology"))
		      : "",
		"nodes", nodes);
}
