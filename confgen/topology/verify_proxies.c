/*
 * Whether proxies and the listeners behind them fit together: each connection that a proxy passes
 * on meets a port that expects its header, and no other connection does.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/schema.h"

#include <ctype.h>

static const char *name_of(const struct node *node)
{
	return node->head.name.value;
}

static const char *kind_of(const struct node *node)
{
	return node->kind.value == KIND_INTERNET ? "the internet"
						 : node_kind_words[node->kind.value];
}

static bool is_same_port(const struct listener *listener)
{
	return listener->through.value == THROUGH_SAME_PORT;
}

static bool has_second_port(const struct listener *listener)
{
	return listener->through.value == THROUGH_SECOND_PORT;
}

static struct position port_place(const struct listener *listener)
{
	return listener->proxy_port.given ? listener->proxy_port.at : listener->head.at;
}

/* --- a listener on its own --- */

static bool accepts_logins(const struct topology *topology, const struct node *node)
{
	for (size_t i = 0; i < topology->links.count; i++)
		for (size_t j = 0; j < topology->links.items[i].credentials.count; j++)
			if (topology->links.items[i].credentials.items[j].node == node)
				return true;
	return false;
}

/* What a node of kind postfix offers: no mailboxes, and logins of other relays alone, for which its
 * links ask a certificate already. */
static void verify_postfix_service(const struct topology *topology, const struct node *node,
				   const struct listener *listener, struct diagnostics *list)
{
	int service = listener->service.value;

	if (!service_is_smtp(service)) {
		report(list, LISTENER, listener->service.at, "a node of kind postfix has no %s",
		       service_words[service]);
		diagnostics_hint(list, "mailboxes live on a node of kind dms");
	} else if (service != SERVICE_SMTP && !accepts_logins(topology, node)) {
		report(list, LISTENER, listener->service.at, "nobody can log in at '%s'",
		       name_of(node));
		diagnostics_hint(list,
				 "a link with trust: sasl and credentials for '%s' gives it "
				 "logins",
				 name_of(node));
	}
}

static void verify_service(const struct topology *topology, const struct node *node,
			   const struct listener *listener, struct diagnostics *list)
{
	if (!listener->service.given)
		return;
	if (node->kind.value == KIND_POSTFIX)
		verify_postfix_service(topology, node, listener, list);
	if (node->kind.value == KIND_DMS &&
	    listener->port.value != service_port(listener->service.value)) {
		report(list, LISTENER, listener->port.at, "docker-mailserver has %s at port %u",
		       service_words[listener->service.value],
		       service_port(listener->service.value));
		diagnostics_hint(list, "drop the key");
	}
}

static void verify_proxied_by(const struct node *node, const struct listener *listener,
			      struct diagnostics *list)
{
	const struct node *proxy = listener->proxy;

	if (!proxy)
		return;
	if (proxy->kind.value != KIND_PROXY) {
		report(list, LISTENER, listener->proxied_by.at, "'%s' is no proxy: its kind is %s",
		       listener->proxied_by.value, kind_of(proxy));
		return;
	}
	if (node_meets(node, proxy) || !node->addresses.count || !proxy->addresses.count)
		return;
	report(list, NO_SHARED_NETWORK, listener->proxied_by.at,
	       "'%s' and '%s' share no network and address family", name_of(node), name_of(proxy));
	diagnostics_hint(list, "give both an address in one network");
}

/* --- postern-gate --- */

/* Milters know the direct clients of a gate's listener by its name with -direct. */
static void verify_direct_name(const struct node *node, const struct listener *listener,
			       struct diagnostics *list)
{
	size_t length = strlen(listener->head.name.value);

	for (size_t i = 0; i < node->listeners.count; i++) {
		const struct text *other = &node->listeners.items[i].head.name;

		if (strncmp(other->value, listener->head.name.value, length) == 0 &&
		    strcmp(other->value + length, "-direct") == 0)
			report(list, NAME_TWICE, other->at,
			       "'%s' is what the direct clients of the listener '%s' are known by",
			       other->value, listener->head.name.value);
	}
}

/* The gate hands connections to services of type pass, by sockets in Postfix's queue directory. */
static void verify_gate(const struct node *node, const struct listener *listener,
			struct diagnostics *list)
{
	if (listener->through.value != THROUGH_GATE)
		return;
	if (listener->service.given && !service_is_smtp(listener->service.value)) {
		report(list, LISTENER, listener->through.at,
		       "postern-gate hands connections to Postfix, and %s is Dovecot's",
		       service_words[listener->service.value]);
		diagnostics_hint(list, "Dovecot has a list of trusted proxies itself: use "
				       "through: second_port");
	}
	verify_direct_name(node, listener, list);
}

/* An image has no firewall, and whoever reaches a port that expects PROXY could forge a header. */
static void verify_guard(const struct node *node, const struct listener *listener,
			 struct diagnostics *list)
{
	if (!node_is_container(node) || listener->through.value == THROUGH_GATE)
		return;
	report(list, LISTENER, listener->through.given ? listener->through.at : listener->head.at,
	       "nothing in the container of '%s' guards a port that expects PROXY", name_of(node));
	diagnostics_hint(list, "use through: gate, which believes the proxy alone");
}

/* --- ports --- */

/* What docker-mailserver uses, and the port of postern-milter beside it. */
static const unsigned dms_ports[] = {
	25,   110,   143,   465,   587,	  993,	 995,	4190,  8891,  8893,
	8894, 10023, 10024, 10025, 10026, 11332, 11333, 11334, 12345,
};

#define CLIENT_PORT 587 /* where clients submit without a login */

static bool is_taken(const struct topology *topology, const struct node *node, unsigned long port)
{
	if (node->kind.value == KIND_DMS) {
		for (size_t i = 0; i < sizeof(dms_ports) / sizeof(dms_ports[0]); i++)
			if (dms_ports[i] == port)
				return true;
		return false;
	}
	for (size_t i = 0; i < topology->links.count; i++)
		if (link_other_end(&topology->links.items[i], node) &&
		    topology->links.items[i].port.value == port)
			return true;
	return port == 25 || (port == CLIENT_PORT && node->clients.count);
}

/* One plain port may be behind several proxies, each with a PROXY port of its own. */
static bool clash(const struct listener *a, const struct listener *b)
{
	if (a->proxy_port.value == b->proxy_port.value || a->proxy_port.value == b->port.value ||
	    a->port.value == b->proxy_port.value)
		return true;
	return a->port.value == b->port.value && a->service.value != b->service.value;
}

static void verify_ports(const struct topology *topology, const struct node *node,
			 const struct listener *listener, struct diagnostics *list)
{
	unsigned long port = listener->proxy_port.value;

	if (!has_second_port(listener) && listener->proxy_port.given) {
		report(list, MISPLACED_KEY, listener->proxy_port.at,
		       "with through: %s there is no other port",
		       through_words[listener->through.value]);
		diagnostics_hint(list, "drop the key, or use through: second_port");
		return;
	}
	if (port > 65535) {
		report(list, BAD_VALUE, listener->port.at, "there is no port %lu", port);
		diagnostics_hint(list, "say proxy_port: where the proxy shall connect to");
	} else if (has_second_port(listener) &&
		   (port == listener->port.value || is_taken(topology, node, port))) {
		report(list, PORT_TWICE, port_place(listener),
		       "port %lu of '%s' is in use: it cannot be the port for PROXY", port,
		       name_of(node));
		diagnostics_hint(list, "choose another proxy_port, or through: same_port");
	} else if (!has_second_port(listener) && port == CLIENT_PORT && node->clients.count) {
		report(list, PORT_TWICE,
		       listener->port.given ? listener->port.at : listener->head.at,
		       "port %lu of '%s' is where its clients submit", port, name_of(node));
		diagnostics_hint(list, "use through: second_port");
	}
	for (const struct listener *other = node->listeners.items; other < listener; other++)
		if (clash(listener, other))
			report(list, PORT_TWICE, port_place(listener),
			       "the listener '%s' of '%s' has this port already",
			       other->head.name.value, name_of(node));
}

/* --- direct clients of a port that expects PROXY --- */

static void report_direct(const struct node *client, const struct node *node,
			  const struct listener *listener, struct diagnostics *list)
{
	report(list, PROXY_PORT, listener->through.at,
	       "'%s' connects to port %lu of '%s' directly, without a PROXY header",
	       client->kind.value == KIND_INTERNET ? "internet" : name_of(client),
	       listener->port.value, name_of(node));
	if (service_is_smtp(listener->service.value))
		diagnostics_hint(list,
				 "through: gate serves both at port %lu; through: second_port "
				 "keeps it plain",
				 listener->port.value);
	else
		diagnostics_hint(list, "through: second_port keeps port %lu plain",
				 listener->port.value);
}

static bool passes_proxy(const struct route *route, size_t hop)
{
	for (size_t i = 0; i < route->proxies.count; i++)
		if (route->proxies.items[i].before == hop)
			return true;
	return false;
}

/* The port of `node` that the hop before it on the route connects to; 0 when a proxy does. */
static unsigned long direct_port(const struct topology *topology, const struct route *route,
				 size_t hop)
{
	const struct link *link = topology_link(topology, route->hops[hop - 1], route->hops[hop]);

	if (link)
		return link->port.value;
	return route->hops[hop - 1]->kind.value == KIND_INTERNET && !passes_proxy(route, hop) ? 25
											      : 0;
}

static void verify_direct_clients(const struct topology *topology, const struct node *node,
				  const struct listener *listener, struct diagnostics *list)
{
	const struct node *known = NULL;

	for (size_t i = 0; i < topology->routes.count && is_same_port(listener); i++) {
		const struct route *route = &topology->routes.items[i];

		for (size_t hop = 1; hop < route->hop_count; hop++) {
			const struct node *client = route->hops[hop - 1];

			if (route->hops[hop] != node || client == known ||
			    direct_port(topology, route, hop) != listener->port.value)
				continue;
			report_direct(client, node, listener, list);
			known = client;
		}
	}
}

/* --- a proxy and all that is behind it --- */

/* Sections of the proxy's file are named NODE-LISTENER; letter case, '-' and '_' may not count. */
static bool same_section(const struct node *a_node, const struct listener *a,
			 const struct node *b_node, const struct listener *b)
{
	char names[2][80];

	snprintf(names[0], sizeof(names[0]), "%s-%s", name_of(a_node), a->head.name.value);
	snprintf(names[1], sizeof(names[1]), "%s-%s", name_of(b_node), b->head.name.value);
	for (size_t i = 0; names[0][i] || names[1][i]; i++)
		if (tolower((unsigned char)names[0][i]) != tolower((unsigned char)names[1][i]) &&
		    !(strchr("-_", names[0][i]) && strchr("-_", names[1][i]) && names[0][i] &&
		      names[1][i]))
			return false;
	return true;
}

static void verify_pair(const struct node *a_node, const struct listener *a,
			const struct node *b_node, const struct listener *b,
			struct diagnostics *list)
{
	if (!a->proxy || a->proxy != b->proxy)
		return;
	if (a->port.value == b->port.value) {
		report(list, PORT_TWICE, a->port.given ? a->port.at : a->head.at,
		       "port %lu of '%s' leads to '%s' already", a->port.value, name_of(a->proxy),
		       name_of(b_node));
		diagnostics_hint(list, "a port cannot tell for which host a connection is meant: "
				       "give each node a proxy of its own");
	}
	if (same_section(a_node, a, b_node, b))
		report(list, NAME_TWICE, a->head.name.at,
		       "'%s-%s' is too much like '%s-%s' to tell them apart", name_of(a_node),
		       a->head.name.value, name_of(b_node), b->head.name.value);
}

static void verify_pairs(const struct topology *topology, const struct node *node,
			 const struct listener *listener, struct diagnostics *list)
{
	for (const struct node *other = topology->nodes.items; other <= node; other++)
		for (size_t i = 0; i < other->listeners.count; i++) {
			if (&other->listeners.items[i] == listener)
				return;
			verify_pair(node, listener, other, &other->listeners.items[i], list);
		}
}

static void verify_proxy(const struct node *node, struct diagnostics *list)
{
	if (node->software.value != SOFTWARE_NGINX || node->proxy_protocol.value != PROXY_V2 ||
	    !node->software.given)
		return;
	report(list, BAD_VALUE, node->proxy_protocol.at,
	       "nginx sends version 1 of the PROXY header only");
	diagnostics_hint(list, "drop the key: v1 carries the same addresses, and both Postfix and "
			       "Dovecot take it");
}

/* --- proxies on paths --- */

/* The listener of `node` that takes mail for its domains through `proxy`, or NULL. */
static const struct listener *mail_listener(const struct node *node, const struct node *proxy)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy == proxy &&
		    node->listeners.items[i].service.value == SERVICE_SMTP &&
		    node->listeners.items[i].port.value == 25)
			return &node->listeners.items[i];
	return NULL;
}

static void verify_passage(const struct route *route, const struct passage *passage,
			   struct diagnostics *list)
{
	const struct node *proxy = passage->proxy, *next;

	if (passage->before != 1 || passage->before >= route->hop_count ||
	    route_is_outbound(route) || route->hops[0]->kind.value != KIND_INTERNET ||
	    (passage > route->proxies.items && passage[-1].before == passage->before)) {
		report(list, PROXY_PATH, passage->at,
		       "the proxy '%s' cannot stand here: it passes connections on, not mail",
		       name_of(proxy));
		diagnostics_hint(list,
				 "path: [internet, %s, NODE, ...] in a route to domains is "
				 "its place",
				 name_of(proxy));
		return;
	}
	next = route->hops[1];
	if (!node_attachment(proxy, NULL) && proxy->addresses.count) {
		report(list, NO_SHARED_NETWORK, passage->at, "'%s' has no address in the internet",
		       name_of(proxy));
		diagnostics_hint(list, "addresses: {internet: ...} at the proxy");
	}
	if (mail_listener(next, proxy))
		return;
	report(list, PROXY_PATH, passage->at, "'%s' has no listener for port 25 behind '%s'",
	       name_of(next), name_of(proxy));
	diagnostics_hint(list, "listeners: {smtp: {service: smtp, proxied_by: %s}} at '%s'",
			 name_of(proxy), name_of(next));
}

void topology_verify_proxies(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		verify_proxy(node, list);
		for (size_t j = 0; j < node->listeners.count; j++) {
			const struct listener *listener = &node->listeners.items[j];

			verify_proxied_by(node, listener, list);
			verify_service(topology, node, listener, list);
			verify_gate(node, listener, list);
			verify_guard(node, listener, list);
			verify_ports(topology, node, listener, list);
			verify_direct_clients(topology, node, listener, list);
			verify_pairs(topology, node, listener, list);
		}
	}
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j < topology->routes.items[i].proxies.count; j++)
			verify_passage(&topology->routes.items[i],
				       &topology->routes.items[i].proxies.items[j], list);
}
