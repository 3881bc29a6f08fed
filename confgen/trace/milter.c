/*
 * What postern-milter says, from the data that its rendered configuration is made of
 * (view_milter.c); see world.h. The rules are those of milter/policy.c and policy_sender.c.
 */
#include "confgen/trace/world.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The line of the rendered configuration that has the text. */
static void place(const struct actor *actor, const char *text, struct position cause,
		  struct step *step)
{
	const char *start = actor->milter_conf->text, *found = strstr(start, text);
	unsigned line = 1;

	step->topology = cause;
	if (!found)
		return;
	for (const char *at = start; at < found; at++)
		line += *at == '\n';
	step->rendered = (struct position){actor->milter_conf, line, 1};
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const json_t *find_listener(const struct actor *actor, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach (actor->listeners, i, item)
		if (strcmp(string(item, "name"), name) == 0)
			return item;
	return NULL;
}

/* Whether a list of {"value": ADDRESS or CIDR} has the address. */
static bool contains(const json_t *list, const struct ip_address *address)
{
	struct ip_network network;
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (ip_network_parse(string(item, "value"), &network) == IP_OK &&
		    ip_network_contains(&network, address))
			return true;
	return false;
}

static bool has_word(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(string(item, "value"), word) == 0)
			return true;
	return false;
}

static bool is_any_proxy(const struct actor *actor, const struct ip_address *address)
{
	const json_t *item;
	size_t i;

	json_array_foreach (actor->listeners, i, item)
		if (contains(json_object_get(item, "proxies"), address))
			return true;
	return false;
}

static bool is_internal(const struct actor *actor, const struct ip_address *address)
{
	for (size_t i = 0; i < actor->facts->signed_clients.count; i++)
		if (ip_network_contains(&actor->facts->signed_clients.items[i].network, address))
			return true;
	return ip_is_loopback(address);
}

static bool is_proxied(const json_t *listener)
{
	return listener && json_is_true(json_object_get(listener, "proxied"));
}

static struct answer refuse(const struct actor *actor, struct steps *steps, const char *where,
			    int code, const char *text)
{
	struct step *step =
		steps_add(steps, STEP_REFUSE, "postern-milter, %s: %d %s", where, code, text);

	place(actor, where, (struct position){0}, step);
	return (struct answer){code, text};
}

/* --- addresses --- */

static const char *false_claim(const struct actor *actor, const json_t *listener,
			       const struct ip_address *address)
{
	if (ip_is_unspecified(address))
		return "the proxy's header claims no address";
	if (contains(json_object_get(listener, "proxies"), address))
		return "the proxy itself connects, and sends no mail of its own";
	if (ip_is_loopback(address))
		return "the proxy's header claims a loopback address";
	if (ip_is_link_local(address))
		return "the proxy's header claims a link-local address";
	if (ip_is_multicast(address))
		return "the proxy's header claims a multicast address";
	return is_internal(actor, address) ? "the proxy's header claims an internal address" : NULL;
}

struct answer milter_connect(struct actor *actor, const struct milter_client *client, bool *later,
			     struct steps *steps)
{
	const json_t *listener = find_listener(actor, client->listener);
	struct ip_address address = ip_unmap(client->address);
	const char *where = arena_printf(actor->trace->arena, "listener \"%s\"", client->listener);
	const char *why;

	*later = is_proxied(listener) && contains(json_object_get(listener, "proxies"), &address);
	if (client->local)
		return (struct answer){0};
	if (is_proxied(listener)) {
		why = false_claim(actor, listener, &address);
		if (why)
			return refuse(actor, steps, where, 550,
				      arena_printf(actor->trace->arena, "5.7.1 %s", why));
	} else if (is_any_proxy(actor, &address)) {
		return refuse(actor, steps, where, 451,
			      "4.7.1 the proxy's header got lost, its own address is seen");
	}
	return (struct answer){0};
}

/* --- sender bindings --- */

/* How near a listed name is to a domain: 0 where it says nothing of it. */
static size_t nearness(const char *listed, const char *domain)
{
	size_t length = strlen(domain), suffix;

	if (strncmp(listed, "*.", 2) != 0)
		return strcasecmp(listed, domain) == 0 ? SIZE_MAX : 0;
	suffix = strlen(listed) - 1;
	return length > suffix && strcasecmp(listed + 1, domain + length - suffix) == 0 ? suffix
											: 0;
}

static bool allows(const json_t *binding, const char *domain)
{
	const json_t *domains = json_object_get(binding, "domains"), *item;
	size_t nearest = 0, i;
	bool allowed = false;

	if (!domain)
		return json_is_true(json_object_get(binding, "null_sender"));
	json_array_foreach (domains, i, item) {
		const char *listed = string(item, "value");
		bool except = *listed == '!';
		size_t near = nearness(listed + except, domain);

		if (near > nearest || (near && near == nearest && except)) {
			nearest = near;
			allowed = !except;
		}
	}
	return allowed;
}

/* The domain that signs for a name, or NULL. */
static const struct signing_domain *find_signer(const struct actor *actor, const char *name)
{
	for (size_t i = 0; i < actor->facts->signs.count; i++) {
		const struct signing_domain *domain = &actor->facts->signs.items[i];

		if (strcasecmp(domain->name, name) == 0)
			return domain;
		for (size_t j = 0; j < domain->subdomains.count; j++)
			if (strcasecmp(domain->subdomains.items[j].value, name) == 0)
				return domain;
	}
	return NULL;
}

static bool binds(const json_t *binding, const struct milter_client *client)
{
	const json_t *networks = json_object_get(binding, "networks");
	const json_t *users = json_object_get(binding, "users");

	if (json_array_size(networks) && !contains(networks, &client->address))
		return false;
	return !json_array_size(users) || (client->user && has_word(users, client->user));
}

static struct answer judge(struct actor *actor, const struct milter_client *client,
			   const char *domain, bool author, struct steps *steps)
{
	const char *bound = NULL;
	const json_t *binding;
	size_t i;

	json_array_foreach (actor->bindings, i, binding) {
		bool forwards = json_is_true(json_object_get(binding, "forwards"));

		if (!binds(binding, client))
			continue;
		if (allows(binding, domain) ||
		    (author && forwards && *domain && !find_signer(actor, domain)))
			return (struct answer){0};
		bound = string(binding, "name");
	}
	if (!bound)
		return (struct answer){0};
	return refuse(actor, steps,
		      arena_printf(actor->trace->arena, "sender_binding \"%s\"", bound), 550,
		      domain ? arena_printf(actor->trace->arena,
					    "5.7.1 Sender domain %s is not allowed for this client",
					    domain)
			     : "5.7.1 The null sender is not allowed for this client");
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

struct answer milter_sender(struct actor *actor, const struct milter_client *client,
			    const char *sender, struct steps *steps)
{
	return judge(actor, client, *sender ? domain_of(sender) : NULL, false, steps);
}

/* --- signing --- */

static bool is_relay(const struct actor *actor, const char *user)
{
	for (size_t i = 0; user && i < actor->facts->relay_users.count; i++)
		if (strcmp(actor->facts->relay_users.items[i].key, user) == 0)
			return true;
	return false;
}

/* What the milter calls the client; NULL: a stranger, whose mail is not signed. */
static const char *kind_of(const struct actor *actor, const struct milter_client *client)
{
	const json_t *listener = find_listener(actor, client->listener);
	struct ip_address address = ip_unmap(client->address);

	if (is_relay(actor, client->user))
		return NULL;
	if (client->user)
		return "authenticated";
	if (client->local)
		return "local";
	if (is_proxied(listener) || is_any_proxy(actor, &address))
		return NULL;
	return is_internal(actor, &address) ? "internal" : NULL;
}

static bool has_name(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void sign(struct actor *actor, const struct signing_domain *signer, const char *kind,
		 struct names *signed_by, struct steps *steps)
{
	struct arena *arena = actor->trace->arena;
	struct step *step;

	if (has_name(signed_by, signer->name)) {
		steps_add(steps, STEP_SIGN, "is signed by %s already", signer->name)->detail = true;
		return;
	}
	step = steps_add(steps, STEP_SIGN, "signed by %s: the client is %s", signer->name, kind);
	place(actor, arena_printf(arena, "domain \"%s\"", signer->name), signer->at, step);
	*arena_push(arena, signed_by) = signer->name;
}

struct answer milter_message(struct actor *actor, const struct milter_client *client,
			     const char *author, struct names *signed_by, struct steps *steps)
{
	const struct signing_domain *signer = find_signer(actor, domain_of(author));
	const char *kind = kind_of(actor, client);
	struct answer answer = {0};

	if (*author)
		answer = judge(actor, client, domain_of(author), true, steps);
	if (answer.code)
		return answer;
	if (kind && signer)
		sign(actor, signer, kind, signed_by, steps);
	else
		steps_add(steps, STEP_SIGN, "not signed: %s",
			  kind ? "the author's domain is not signed for here"
			       : "the client is a stranger")
			->detail = true;
	return answer;
}
