/* Facts as JSON for the templates; see view.h. */
#include "confgen/derive/view_private.h"
#include "confgen/derive/password.h"
#include "confgen/derive/releases.h"
#include "confgen/topology/schema.h"
#include "common/strbuf.h"

static json_t *text(const char *value)
{
	return value ? json_string(value) : json_false();
}

static json_t *place(struct arena *arena, struct position at)
{
	return json_string(view_place(arena, at));
}

/* {"value": ..., "origin": ...}, or false when there is none. */
static json_t *placed(struct arena *arena, const char *value, struct position at)
{
	return value ? json_pack("{s:s, s:o}", "value", value, "origin", place(arena, at))
		     : json_false();
}

/* --- tables --- */

/* Every table by its name, false where the node needs none. */
static json_t *tables_by_name(struct arena *arena, const struct facts *facts)
{
	static const char *const names[] = {
		"transport",   "relay_domains",	  "relay_recipients",	  "verify_recipients",
		"virtual",     "relayhosts",	  "tls_policy",		  "sasl_passwd",
		"sasl_limits", "sender_services", "subdomain_relayhosts", "subdomain_services"};
	const struct table_list tables = view_tables(arena, facts);
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(object, names[i], json_false());
	for (size_t i = 0; i < tables.count; i++)
		json_object_set_new(object, tables.items[i].name,
				    json_pack("{s:s}", "lookup",
					      view_lookup(arena, facts->node, &tables.items[i])));
	return object;
}

/* --- lists --- */

static json_t *trusted(struct arena *arena, const struct trusted_list *list)
{
	json_t *array = json_array();
	char bare[IP_TEXT_SIZE], postfix[IP_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		view_push(array,
			  json_pack("{s:s, s:s, s:s, s:o}", "network",
				    ip_network_format_postfix(&list->items[i].network, postfix),
				    "cidr", ip_network_format(&list->items[i].network, bare),
				    "peer", list->items[i].peer, "origin",
				    place(arena, list->items[i].at)));
	return array;
}

static json_t *limits(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->limits.count; i++) {
		const struct sender_limit *limit = &facts->limits.items[i];
		const struct table table = {view_limit_class(arena, limit), "", false,
					    &limit->senders, false};

		view_push(array,
			  json_pack("{s:s, s:s, s:b, s:s, s:o, s:o, s:o}", "class", table.name,
				    "peer", limit->name, "inbound", limit->inbound, "lookup",
				    view_lookup(arena, facts->node, &table), "clients",
				    trusted(arena, &limit->clients), "username",
				    text(limit->username), "origin", place(arena, limit->at)));
	}
	return array;
}

static bool limits_by_address(const struct facts *facts)
{
	for (size_t i = 0; i < facts->limits.count; i++)
		if (facts->limits.items[i].clients.count)
			return true;
	return false;
}

static json_t *accounts(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->accounts.count; i++) {
		const struct login *login = &facts->accounts.items[i];

		view_push(array,
			  json_pack("{s:s, s:s, s:s, s:o}", "username", login->username, "hash",
				    password_hash(arena, facts->hostname, login->username,
						  login->password),
				    "peer", login->peer->head.name.value, "origin",
				    place(arena, login->at)));
	}
	return array;
}

static json_t *names(const struct text_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		view_push(array, json_pack("{s:s, s:b}", "name", list->items[i].value, "last",
					   i + 1 == list->count));
	return array;
}

static json_t *keys(const struct signing_domain *signs)
{
	json_t *array = json_array();

	for (size_t i = 0; i < signs->keys.count; i++) {
		const struct signing_key *key = &signs->keys.items[i];

		view_push(array, json_pack("{s:s, s:s, s:o, s:o}", "selector", key->selector,
					   "path", key->path, "active_from", text(key->active_from),
					   "retire_after", text(key->retire_after)));
	}
	return array;
}

static json_t *signs(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->signs.count; i++) {
		const struct signing_domain *signs = &facts->signs.items[i];

		view_push(array,
			  json_pack("{s:s, s:b, s:o, s:b, s:o, s:o}", "domain", signs->name,
				    "listed", signs->listed, "keys", keys(signs), "has_subdomains",
				    signs->subdomains.count > 0, "subdomains",
				    names(&signs->subdomains), "origin", place(arena, signs->at)));
	}
	return array;
}

static json_t *usernames(const struct entry_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		view_push(array, json_pack("{s:s, s:b}", "name", list->items[i].key, "last",
					   i + 1 == list->count));
	return array;
}

/* --- the parts of a node --- */

static json_t *milter(struct arena *arena, const struct facts *facts)
{
	bool is_postfix = facts->node->kind.value == KIND_POSTFIX;
	json_t *listeners;

	if (!facts_has_milter(facts))
		return json_false();
	listeners = view_milter_listeners(arena, facts);
	return json_pack(
		"{s:s, s:s, s:b, s:o, s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:o}", "socket",
		facts_milter_socket(facts->node), "log",
		node_is_container(facts->node) ? "stderr" : "syslog", "unix", is_postfix, "signs",
		signs(arena, facts), "clients",
		trusted(arena, facts->signs.count ? &facts->signed_clients : &facts->trusted),
		"has_relay_users", facts->relay_users.count > 0, "relay_users",
		usernames(&facts->relay_users), "policy",
		is_postfix && json_array_size(listeners) > 0, "listeners", listeners, "bindings",
		view_milter_bindings(arena, facts), "verify",
		placed(arena, facts->node->verify.value ? facts->hostname : NULL,
		       facts->node->verify.at),
		"origin",
		facts->signs.count ? place(arena, facts->signs.items[0].at) : json_false());
}

static json_t *submission(struct arena *arena, const struct facts *facts)
{
	if (!facts->submission)
		return json_false();
	return json_pack("{s:s, s:i, s:b, s:o}", "service",
			 facts->submission == 587 ? "submission"
						  : arena_printf(arena, "%u", facts->submission),
			 "port", (int)facts->submission, "gated",
			 facts_is_gated(facts, facts->submission), "origin",
			 place(arena, facts->submission_at));
}

static json_t *tls(struct arena *arena, const struct node *node)
{
	if (!node->tls.head.given)
		return json_false();
	return json_pack("{s:s, s:s, s:o}", "certificate", node->tls.certificate.value, "key",
			 node->tls.key.value, "origin", place(arena, node->tls.head.at));
}

static json_t *fallbacks(struct arena *arena, const struct facts *facts)
{
	struct strbuf list = STRBUF_INIT;
	json_t *result;

	for (size_t i = 0; i < facts->fallbacks.count; i++)
		strbuf_addf(&list, "%s%s", i ? ", " : "", facts->fallbacks.items[i].value);
	result = placed(arena, list.text,
			facts->fallbacks.count ? facts->fallbacks.items[0].at
					       : (struct position){0});
	strbuf_done(&list);
	return result;
}

/* What a client service is told: each text or false. */
static json_t *binding(struct arena *arena, const char *ipv4, const char *ipv6, const char *helo,
		       struct position at)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b}", "ipv4", text(ipv4), "ipv6", text(ipv6),
			 "helo", text(helo), "origin", place(arena, at), "bound", ipv4 || ipv6);
}

static json_t *egress(struct arena *arena, const struct egress *own)
{
	if (!own)
		return json_false();
	return binding(arena, own->ipv4.value, own->ipv6.value, own->helo.value, own->head.at);
}

static json_t *services(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->services.count; i++) {
		const struct client_service *service = &facts->services.items[i];
		json_t *object =
			binding(arena, service->ipv4, service->ipv6, service->helo, service->at);

		json_object_set_new(object, "name", json_string(service->name));
		json_object_set_new(object, "wrapper", json_boolean(service->wrapper));
		json_object_set_new(object, "inward", json_boolean(service->inward));
		json_object_set_new(object, "own_fallbacks",
				    service->fallbacks
					    ? json_pack("{s:s}", "list", service->fallbacks)
					    : json_false());
		view_push(array, object);
	}
	return array;
}

static json_t *size_limit(struct arena *arena, const struct node *node)
{
	return placed(arena,
		      node->message_size_limit.given
			      ? arena_printf(arena, "%lu", node->message_size_limit.value)
			      : NULL,
		      node->message_size_limit.at);
}

/* Whether mail must not go to some next hop with less TLS than a level says. */
static bool demands_tls(const struct facts *facts)
{
	return facts->node->outbound_tls.value > TLS_MAY || facts->tls_policies.count > 0;
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort();
}

/* Whether a program of ours runs beside Postfix. */
static bool has_helpers(const json_t *view)
{
	return json_is_object(json_object_get(view, "milter")) ||
	       json_is_true(json_object_get(json_object_get(view, "proxied"), "has_gate"));
}

json_t *view_of_node(struct arena *arena, const struct facts *facts)
{
	const struct node *node = facts->node;
	json_t *view = json_object();

	set(view, "topology", json_string(view_file_name(arena, node->head.at.source)));
	set(view, "node", json_string(node->head.name.value));
	set(view, "origin", place(arena, node->head.name.at));
	set(view, "hostname", placed(arena, node->hostname.value, node->hostname.at));
	set(view, "inet_protocols",
	    json_string(!facts->ipv6   ? "ipv4"
			: !facts->ipv4 ? "ipv6"
				       : "all"));
	set(view, "addresses_origin",
	    place(arena,
		  node->addresses.count ? node->addresses.items[0].head.name.at : node->head.at));
	set(view, "release", releases_view(node->postfix.number));
	set(view, "lmdb", json_boolean(node->map_type.value == MAP_LMDB));
	set(view, "message_size_limit", size_limit(arena, node));
	set(view, "unlimited",
	    json_boolean(node->message_size_limit.given && !node->message_size_limit.value));
	set(view, "container", view_of_container(arena, facts));
	set(view, "smtp", json_boolean(facts->smtp));
	set(view, "clients", view_of_clients(arena, node));
	set(view, "masquerade", view_of_masquerade(arena, node));
	set(view, "egress_ipv4", json_boolean(facts->egress_ipv4));
	set(view, "extra", view_of_extra(arena, node));
	set(view, "has_extra", json_boolean(node->extra.count > 0));
	set(view, "tls", tls(arena, node));
	set(view, "trusted", trusted(arena, &facts->trusted));
	set(view, "submission", submission(arena, facts));
	set(view, "accounts", accounts(arena, facts));
	set(view, "tables", tables_by_name(arena, facts));
	set(view, "limits", limits(arena, facts));
	set(view, "limits_by_address", json_boolean(limits_by_address(facts)));
	set(view, "has_limits",
	    json_boolean(facts->limits.count > 0 || facts->relay_users.count > 0));
	set(view, "egress", egress(arena, facts->egress));
	set(view, "keeps_lines", json_boolean(facts->keeps_lines));
	set(view, "relay_bound", json_boolean(facts->relay_bound));
	set(view, "services", services(arena, facts));
	set(view, "docker_bridge", json_boolean(node->docker_network.value == DOCKER_BRIDGE));
	set(view, "bridge_egress",
	    json_boolean(facts->egress && node->docker_network.value == DOCKER_BRIDGE));
	set(view, "outbound_tls", json_string(tls_level_words[node->outbound_tls.value]));
	set(view, "tls_demanded", json_boolean(demands_tls(facts)));
	set(view, "dane", json_boolean(facts->dane));
	set(view, "sender_logins", json_boolean(facts->sender_logins));
	set(view, "has_logins", json_boolean(facts->logins.count > 0));
	set(view, "relayhost", placed(arena, facts->relayhost, facts->relayhost_at));
	set(view, "default_service", placed(arena, facts->default_service, facts->relayhost_at));
	set(view, "fallbacks", fallbacks(arena, facts));
	set(view, "milter", milter(arena, facts));
	set(view, "behind_proxy", json_boolean(facts->proxied.count > 0));
	set(view, "proxied", view_proxied(arena, facts));
	set(view, "has_helpers", json_boolean(has_helpers(view)));
	set(view, "proxy", view_proxy(arena, facts));
	return view;
}
