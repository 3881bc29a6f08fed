/* Who meets whom; see meeting.h. */
#include "confgen/trace/meeting.h"

#include <stdlib.h>
#include <string.h>

static struct answer unreachable(struct steps *steps, const char *text, struct position cause)
{
	steps_add(steps, STEP_REFUSE, "%s", text)->topology = cause;
	return (struct answer){450, text};
}

/* Whether the proxy in front of a listener connects from there. */
static bool is_proxy(const struct proxied *proxied, const struct ip_address *address)
{
	for (size_t i = 0; i < proxied->from->addresses.count; i++)
		if (ip_equal(&proxied->from->addresses.items[i].value, address))
			return true;
	return false;
}

static const struct proxied *find_proxied(const struct actor *actor, unsigned port, bool gate)
{
	for (size_t i = 0; i < actor->facts->proxied.count; i++) {
		const struct listener *listener = actor->facts->proxied.items[i].listener;

		if (service_is_smtp(listener->service.value) &&
		    (listener->through.value == THROUGH_GATE) == gate &&
		    (gate ? listener->port.value : listener->proxy_port.value) == port)
			return &actor->facts->proxied.items[i];
	}
	return NULL;
}

/* A service of master.cf is met, with a header of the proxy's or the client's own, or without. */
static struct answer serve(struct actor *actor, const char *service,
			   const struct ip_address *source, const struct ip_address *claims,
			   struct meeting *meeting, struct steps *steps)
{
	bool wants = host_wants_proxy(actor->host, service);

	meeting->actor = actor;
	meeting->service = service;
	meeting->client = *source;
	if (wants && !claims) {
		steps_add(steps, STEP_REFUSE, "%s waits for a PROXY header, which does not come",
			  service);
		meeting->smtpd = service;
		return (struct answer){421, "4.3.2 No system resources"};
	}
	if (wants) {
		meeting->client = *claims;
		meeting->claimed = true;
	} else if (claims) {
		meeting->early = true;
	}
	if (meeting->early && host_wraps_tls(actor->host, service))
		return unreachable(steps,
				   "4.7.0 TLS comes first here: it does not begin with a PROXY "
				   "header",
				   meeting->cause);
	meeting->smtpd = host_smtpd(actor->host, service);
	if (!meeting->early)
		return (struct answer){0};
	if (host_screens(actor->host, service, &meeting->client)) {
		steps_add(steps, STEP_REFUSE,
			  "postscreen hears a PROXY header before it has spoken itself");
		return (struct answer){550, "5.5.1 Protocol error"};
	}
	steps_add(steps, STEP_LISTENER,
		  "%s expects no PROXY header: to it, that is an unknown command", service);
	return (struct answer){0};
}

/* postern-gate hands a connection on by its peer. */
static struct answer pass_gate(struct actor *actor, const struct proxied *proxied,
			       const struct ip_address *source, const struct ip_address *claims,
			       struct meeting *meeting, struct steps *steps)
{
	struct arena *arena = actor->trace->arena;
	const char *name = proxied->listener->head.name.value;
	bool proxy = is_proxy(proxied, source);

	meeting->cause = proxied->listener->head.name.at;
	meeting->how = proxy ? "by postern-gate, which knows the proxy"
			     : "by postern-gate, as a direct client";
	return serve(actor, arena_printf(arena, "%s-%s/pass", name, proxy ? "proxied" : "direct"),
		     source, claims, meeting, steps);
}

static struct answer reach_port(struct actor *actor, unsigned port, const struct ip_address *source,
				const struct ip_address *claims, struct meeting *meeting,
				struct steps *steps)
{
	struct arena *arena = actor->trace->arena;
	const char *name = actor->node->head.name.value, *service;
	const struct proxied *proxied;

	if (!actor->host)
		return unreachable(steps, arena_printf(arena, "4.4.1 %s runs no Postfix", name),
				   actor->node->head.name.at);
	proxied = find_proxied(actor, port, true);
	if (proxied)
		return pass_gate(actor, proxied, source, claims, meeting, steps);
	proxied = find_proxied(actor, port, false);
	if (proxied && actor->guarded && !is_proxy(proxied, source))
		return unreachable(steps,
				   arena_printf(arena,
						"4.4.1 the firewall (postern.nft) lets %s alone "
						"connect to port %u",
						proxied->listener->proxy->head.name.value, port),
				   proxied->listener->head.name.at);
	service = host_service_at(actor->host, port);
	if (!service)
		return unreachable(
			steps,
			arena_printf(arena, "4.4.1 nothing listens at port %u of %s", port, name),
			actor->node->head.name.at);
	if (proxied)
		meeting->cause = proxied->listener->head.name.at;
	return serve(actor, service, source, claims, meeting, steps);
}

/* A port of a proxy leads to a listener of a node; the client becomes what the header says. */
static struct answer pass_proxy(struct actor *proxy, unsigned port, const struct ip_address *source,
				struct meeting *meeting, struct steps *steps)
{
	struct arena *arena = proxy->trace->arena;
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; proxy->facts && i < proxy->facts->forwards.count; i++) {
		const struct forward *forward = &proxy->facts->forwards.items[i];
		const struct ip_address *own =
			world_source(proxy->node, forward->network, forward->address.family);
		struct actor *actor = world_actor(proxy->trace, forward->node);
		struct answer answer;

		if (forward->listener->port.value != port ||
		    !service_is_smtp(forward->listener->service.value) || !own)
			continue;
		steps->node = proxy->node->head.name.value;
		steps_add(steps, STEP_CONNECT,
			  "passes the connection on to %s, port %lu, with a PROXY "
			  "header for %s",
			  forward->node->head.name.value, forward->listener->proxy_port.value,
			  ip_format(source, text))
			->topology = forward->listener->head.name.at;
		steps->node = forward->node->head.name.value;
		answer = reach_port(actor, (unsigned)forward->listener->proxy_port.value, own,
				    source, meeting, steps);
		if (!meeting->how)
			meeting->how =
				arena_printf(arena, "behind %s", proxy->node->head.name.value);
		return answer;
	}
	return unreachable(steps,
			   arena_printf(arena, "4.4.1 the proxy %s has no port %u for mail",
					proxy->node->head.name.value, port),
			   proxy->node->head.name.at);
}

struct answer meeting_arrange(struct trace *trace, const struct node *node, unsigned port,
			      const struct ip_address *source, const struct ip_address *claims,
			      struct meeting *meeting, struct steps *steps)
{
	struct actor *actor = world_actor(trace, node);

	if (!actor)
		return unreachable(steps, "4.4.1 this is a host of others", node->head.name.at);
	if (node->kind.value == KIND_PROXY)
		meeting->early = claims != NULL; /* the proxy passes it on behind its own */
	if (node->kind.value == KIND_PROXY)
		return pass_proxy(actor, port, source, meeting, steps);
	return reach_port(actor, port, source, claims, meeting, steps);
}

/* --- the client of a request --- */

static const struct listener *named_listener(const struct node *node, const char *name)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (strcmp(node->listeners.items[i].head.name.value, name) == 0 &&
		    service_is_smtp(node->listeners.items[i].service.value))
			return &node->listeners.items[i];
	return NULL;
}

static bool has_port(const struct actor *actor, unsigned port)
{
	if (!actor || !actor->facts)
		return true; /* a proxy */
	return find_proxied(actor, port, true) ||
	       (actor->host && host_service_at(actor->host, port));
}

static unsigned port_of_word(const char *word)
{
	static const struct {
		const char *word;
		unsigned port;
	} words[] = {{"smtp", 25}, {"submission", 587}, {"submissions", 465}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].port;
	return (unsigned)strtoul(word, NULL, 10);
}

/* The port that such a client takes: users log in at 587 or 465, others come to 25. */
static unsigned choose_port(struct trace *trace, const struct request *request)
{
	static const unsigned with_login[] = {587, 465, 25, 0}, without[] = {25, 587, 465, 0};
	const struct actor *actor = world_actor(trace, request->node);

	if (request->node->kind.value == KIND_PROXY)
		return request->user ? 587 : 25;
	for (const unsigned *port = request->user ? with_login : without; *port; port++) {
		for (size_t i = 0; i < request->node->listeners.count; i++)
			if (request->node->listeners.items[i].port.value == *port &&
			    service_is_smtp(request->node->listeners.items[i].service.value))
				return *port;
		if (has_port(actor, *port))
			return *port;
	}
	return 25;
}

/* The listener behind a proxy that strangers meet at a port. */
static const struct listener *proxied_at(const struct node *node, unsigned port)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].port.value == port &&
		    service_is_smtp(node->listeners.items[i].service.value) &&
		    node->listeners.items[i].proxy)
			return &node->listeners.items[i];
	return NULL;
}

/* Sets the node and port that the client connects to: a proxy, where one stands before the node. */
static void choose_place(struct trace *trace, const struct request *request,
			 const struct network *network, struct entry_point *entry)
{
	const char *word = request->listener;
	const struct listener *listener = word ? named_listener(request->node, word) : NULL;
	bool number = word && word[strspn(word, "0123456789")] == '\0';

	entry->node = request->node;
	entry->port = listener ? (unsigned)listener->port.value
		      : word   ? port_of_word(word)
			       : choose_port(trace, request);
	if (!listener && !number && !network)
		listener = proxied_at(request->node, entry->port);
	/* who is beside the proxy on the inside connects to the node itself */
	if (listener && node_attachment(listener->proxy, network) &&
	    request->claims.family == IP_NONE)
		entry->node = listener->proxy;
}

static struct answer choose_address(const struct request *request, const struct network *network,
				    struct entry_point *entry, struct steps *steps)
{
	struct arena *arena = steps->arena;
	const struct ip_address *address;
	char text[IP_TEXT_SIZE];

	if (ip_is_loopback(&request->client)) {
		entry->address = request->client;
		return (struct answer){0};
	}
	address = world_source(entry->node, network, request->client.family);
	if (!address)
		return unreachable(
			steps,
			arena_printf(arena, "4.4.1 %s has no %s address in the network of %s (%s)",
				     entry->node->head.name.value,
				     request->client.family == IP_V6 ? "IPv6" : "IPv4",
				     ip_format(&request->client, text),
				     network ? network->head.name.value : "internet"),
			entry->node->head.name.at);
	entry->address = *address;
	return (struct answer){0};
}

/* TLS comes first at a port for that; elsewhere, who logs in begins with STARTTLS. */
static void choose_tls(const struct request *request, const struct meeting *meeting,
		       struct entry_point *entry)
{
	entry->wrapped = host_wraps_tls(meeting->actor->host, meeting->service);
	entry->tls =
		entry->wrapped || (request->tls < 0 ? request->user != NULL : request->tls > 0);
}

struct answer meeting_begin(struct trace *trace, const struct request *request,
			    struct entry_point *entry, struct meeting *meeting, struct steps *steps)
{
	bool loopback = ip_is_loopback(&request->client);
	const struct network *network =
		loopback ? NULL : world_network(trace->topology, &request->client);
	char client[IP_TEXT_SIZE], server[IP_TEXT_SIZE];
	struct answer answer;

	choose_place(trace, request, network, entry);
	if (loopback)
		entry->node = request->node;
	answer = choose_address(request, network, entry, steps);
	if (answer.code)
		return answer;
	steps->node = entry->node->head.name.value;
	steps_add(steps, STEP_CONNECT, "%s (%s) connects to %s, port %u",
		  ip_format(&request->client, client),
		  loopback  ? "this host"
		  : network ? network->head.name.value
			    : "internet",
		  ip_format(&entry->address, server), entry->port);
	answer = meeting_arrange(trace, entry->node, entry->port, &request->client,
				 request->claims.family == IP_NONE ? NULL : &request->claims,
				 meeting, steps);
	if (meeting->actor && meeting->service)
		choose_tls(request, meeting, entry);
	entry->early = meeting->early && !answer.code;
	if (!answer.code)
		meeting_tell(meeting, steps);
	else if (meeting->early && meeting->smtpd && request->user)
		answer = (struct answer){502, "5.5.2 Error: command not recognized"}; /* AUTH */
	return answer;
}

void meeting_tell(const struct meeting *meeting, struct steps *steps)
{
	char text[IP_TEXT_SIZE];
	struct step *step;

	steps->node = meeting->actor->node->head.name.value;
	step = steps_add(steps, STEP_LISTENER, "%s%s%s serves it%s%s; the client is %s%s",
			 meeting->service,
			 strcmp(meeting->service, meeting->smtpd) ? ", then " : "",
			 strcmp(meeting->service, meeting->smtpd) ? meeting->smtpd : "",
			 meeting->how ? ", " : "", meeting->how ? meeting->how : "",
			 ip_format(&meeting->client, text),
			 meeting->claimed ? ", as the PROXY header claims" : "");
	host_place_service(meeting->actor->host, meeting->service, step);
	if (meeting->cause.source)
		step->topology = meeting->cause;
}
