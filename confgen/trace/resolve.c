/*
 * Where mail for a recipient goes: address classes, transports and next hops as trivial-rewrite(8)
 * finds them, and what smtp(8) does on the way; see host.h.
 */
#include "confgen/trace/host_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct value *main_value(const struct host *host, const char *name)
{
	return configuration_value(host->configuration, NULL, name);
}

/* An address literal of the host itself cannot be told from here: its addresses are not in main.cf.
 */
bool host_is_local_domain(struct host *host, const char *domain)
{
	struct text item;

	return match_domain(host, NULL, "mydestination", domain, &item);
}

enum address_class resolve_class(struct host *host, const char *recipient, struct text *item)
{
	const char *domain = lookup_domain_of(recipient);

	if (!*domain || host_is_local_domain(host, domain)) {
		match_domain(host, NULL, "mydestination", domain, item);
		return CLASS_LOCAL;
	}
	if (match_domain(host, NULL, "virtual_alias_domains", domain, item))
		return CLASS_ALIAS;
	if (match_domain(host, NULL, "virtual_mailbox_domains", domain, item))
		return CLASS_MAILBOX;
	if (match_domain(host, NULL, "relay_domains", domain, item))
		return CLASS_RELAY;
	*item = text_constant("");
	return CLASS_DEFAULT;
}

/* transport:nexthop, of which either part may be missing. */
static void take_transport(struct host *host, const char *text, struct way *way)
{
	const char *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text);

	if (length)
		way->transport = arena_strndup(host->arena, text, length);
	if (colon && colon[1]) {
		way->next_hop = colon + 1;
		way->explicit = true;
	}
}

static void tell(struct host *host, struct steps *steps, const struct text *place,
		 const struct value *value, const char *format, const char *a, const char *b)
{
	struct step *step = steps_add(steps, STEP_ROUTE, "%s%s%s", format, a, b);

	if (place)
		host_place_text(host, place, step);
	else
		host_place_value(host, NULL, value, step);
}

/* A map by sender: the null sender has a key of its own. */
static enum lookup_result by_sender(struct host *host, const char *maps, const char *null_key,
				    const char *sender, struct found *found)
{
	const struct value *value = main_value(host, maps);

	if (!*value->text.text)
		return LOOKUP_NONE;
	if (!*sender)
		return lookup_maps(host, value, main_value(host, null_key)->text.text, false,
				   found);
	return lookup_address(host, value, sender, found);
}

static void choose_transport(struct host *host, const char *sender, struct way *way,
			     struct steps *steps)
{
	const struct value *value = main_value(host, "default_transport");
	struct found found;

	if (way->class == CLASS_RELAY) {
		value = main_value(host, "relay_transport");
	} else if (by_sender(host, "sender_dependent_default_transport_maps",
			     "empty_address_default_transport_maps_lookup_key", sender,
			     &found) == LOOKUP_FOUND &&
		   strcasecmp(found.value.text, "DUNNO") != 0) {
		take_transport(host, found.value.text, way);
		tell(host, steps, &found.place, NULL, "its sender has the client service ",
		     way->transport, "");
		return;
	}
	take_transport(host, value->text.text, way);
}

/* Off the host, a relay host may take the place of the recipient's domain. */
static void choose_relay(struct host *host, const char *sender, struct way *way,
			 struct steps *steps)
{
	const struct value *value = main_value(host, "relayhost");
	struct found found;

	if (way->explicit)
		return;
	if (by_sender(host, "sender_dependent_relayhost_maps",
		      "empty_address_relayhost_maps_lookup_key", sender, &found) == LOOKUP_FOUND) {
		if (strcasecmp(found.value.text, "DUNNO") == 0)
			return;
		way->next_hop = found.value.text;
		way->explicit = true;
		tell(host, steps, &found.place, NULL, "its sender has the relay host ",
		     way->next_hop, "");
	} else if (*value->text.text) {
		way->next_hop = value->text.text;
		way->explicit = true;
		tell(host, steps, NULL, value, "relayhost is ", way->next_hop, "");
	}
}

/* transport_maps: the address, the domain and those above it, and '*'. */
static bool find_transport(struct host *host, const char *recipient, struct found *found)
{
	const struct value *maps = main_value(host, "transport_maps");
	const char *bare = lookup_without_extension(host, recipient);
	const char *domain = lookup_domain_of(recipient);
	bool parents = lookup_parents(host, "transport_maps");

	if (!*maps->text.text)
		return false;
	if (lookup_maps(host, maps, recipient, false, found) == LOOKUP_FOUND ||
	    (bare && lookup_maps(host, maps, bare, true, found) == LOOKUP_FOUND) ||
	    lookup_maps(host, maps, domain, true, found) == LOOKUP_FOUND)
		return true;
	while ((domain = strchr(*domain == '.' ? domain + 1 : domain, '.')))
		if (lookup_maps(host, maps, domain + parents, true, found) == LOOKUP_FOUND)
			return true;
	return lookup_maps(host, maps, "*", true, found) == LOOKUP_FOUND;
}

static const char *const class_words[] = {
	[CLASS_LOCAL] = "a local domain",
	[CLASS_ALIAS] = "a domain of aliases",
	[CLASS_MAILBOX] = "a domain with mailboxes here",
	[CLASS_RELAY] = "a domain that is relayed",
	[CLASS_DEFAULT] = "a domain of others",
};

void host_route(struct host *host, const char *sender, const char *recipient, struct way *out,
		struct steps *steps)
{
	const char *domain = lookup_domain_of(recipient);
	struct way way = {.next_hop = domain};
	struct step *step;
	struct found found;
	struct text item;

	way.class = resolve_class(host, recipient, &item);
	step = steps_add(steps, STEP_ROUTE, "%s is %s", *domain ? domain : recipient,
			 class_words[way.class]);
	step->detail = true;
	if (*item.text)
		host_place_text(host, &item, step);
	if (way.class == CLASS_LOCAL) {
		take_transport(host, main_value(host, "local_transport")->text.text, &way);
	} else if (way.class == CLASS_ALIAS) {
		way.transport = "error";
		way.next_hop = "5.1.1 User unknown in virtual alias table";
		way.explicit = true;
	} else if (way.class == CLASS_MAILBOX) {
		take_transport(host, main_value(host, "virtual_transport")->text.text, &way);
	} else {
		choose_transport(host, sender, &way, steps);
		choose_relay(host, sender, &way, steps);
	}
	if (way.class != CLASS_ALIAS && find_transport(host, recipient, &found)) {
		bool next = strchr(found.value.text, ':') && strchr(found.value.text, ':')[1];

		if (!next && found.value.text[0] != ':' && *found.value.text)
			way.next_hop = domain;
		take_transport(host, found.value.text, &way);
		tell(host, steps, &found.place, NULL, "its recipient has the transport ",
		     found.value.text, "");
	}
	*out = way;
}

enum delivery host_delivery(const struct host *host, const char *transport)
{
	static const struct {
		const char *daemon;
		enum delivery delivery;
	} daemons[] = {
		{"smtp", DELIVER_SEND},	    {"lmtp", DELIVER_MAILBOX}, {"virtual", DELIVER_MAILBOX},
		{"local", DELIVER_MAILBOX}, {"pipe", DELIVER_MAILBOX}, {"discard", DELIVER_DISCARD},
	};
	const struct service *service =
		master_cf_find(&host->configuration->master, transport, "unix");

	if (!service)
		return DELIVER_NOWHERE;
	/* one program, which looks at its name */
	if (strcmp(service_daemon(service), "error") == 0)
		return strcmp(transport, "retry") == 0 ? DELIVER_RETRY : DELIVER_ERROR;
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (strcmp(service_daemon(service), daemons[i].daemon) == 0)
			return daemons[i].delivery;
	return DELIVER_NOWHERE;
}

/* --- smtp(8) --- */

/* The next hop as it stands, and, where it is a domain, those above it. */
static bool find_policy(struct host *host, const struct value *maps, const char *next_hop,
			struct found *found)
{
	if (lookup_maps(host, maps, next_hop, false, found) == LOOKUP_FOUND)
		return true;
	if (strpbrk(next_hop, "[:"))
		return false;
	while ((next_hop = strchr(next_hop + 1, '.')))
		if (lookup_maps(host, maps, next_hop, true, found) == LOOKUP_FOUND)
			return true;
	return false;
}

static const char *tls_level(struct host *host, const struct service *service, const char *next_hop,
			     struct step *step)
{
	const struct value *maps =
		configuration_value(host->configuration, service, "smtp_tls_policy_maps");
	const struct value *level =
		configuration_value(host->configuration, service, "smtp_tls_security_level");
	struct found found;

	if (*maps->text.text && find_policy(host, maps, next_hop, &found)) {
		host_place_text(host, &found.place, step);
		return arena_strndup(host->arena, found.value.text,
				     strcspn(found.value.text, ", \t"));
	}
	host_place_value(host, service, level, step);
	return *level->text.text ? level->text.text : "none";
}

/* The user name of the login for the next hop, or NULL. */
static const char *login(struct host *host, const struct service *service, const char *next_hop,
			 const char *sender)
{
	const struct configuration *configuration = host->configuration;
	const struct value *maps =
		configuration_value(configuration, service, "smtp_sasl_password_maps");
	size_t inner = strcspn(next_hop + (*next_hop == '['), "]:");
	struct found found;

	if (!configuration_yes(configuration, service, "smtp_sasl_auth_enable") ||
	    !*maps->text.text)
		return NULL;
	if ((*sender &&
	     configuration_yes(configuration, service, "smtp_sender_dependent_authentication") &&
	     lookup_address(host, maps, sender, &found) == LOOKUP_FOUND) ||
	    lookup_maps(host, maps,
			arena_strndup(host->arena, next_hop + (*next_hop == '['), inner), false,
			&found) == LOOKUP_FOUND ||
	    lookup_maps(host, maps, next_hop, false, &found) == LOOKUP_FOUND)
		return arena_strndup(host->arena, found.value.text, strcspn(found.value.text, ":"));
	return NULL;
}

static bool has_protocol(const struct host *host, const struct service *service, const char *name)
{
	const struct value *value =
		configuration_value(host->configuration, service, "inet_protocols");
	struct list list = list_split(host->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (text_equal(&list.items[i].text, name) || text_equal(&list.items[i].text, "all"))
			return true;
	return false;
}

void host_sending(struct host *host, const struct way *way, const char *sender, struct sending *out)
{
	const struct service *service =
		master_cf_find(&host->configuration->master, way->transport, "unix");
	const struct configuration *configuration = host->configuration;
	struct sending sending = {.ipv4 = has_protocol(host, service, "ipv4"),
				  .ipv6 = has_protocol(host, service, "ipv6")};

	ip_parse(configuration_value(configuration, service, "smtp_bind_address")->text.text,
		 &sending.bind4);
	ip_parse(configuration_value(configuration, service, "smtp_bind_address6")->text.text,
		 &sending.bind6);
	sending.helo = configuration_value(configuration, service, "smtp_helo_name")->text.text;
	sending.tls = tls_level(host, service, way->next_hop, &sending.decided);
	sending.wrapper = configuration_yes(configuration, service, "smtp_tls_wrappermode");
	sending.login = login(host, service, way->next_hop, sender);
	*out = sending;
}

const char *host_fallback(struct host *host, const char *transport, size_t number,
			  struct step *step)
{
	const struct service *service =
		master_cf_find(&host->configuration->master, transport, "unix");
	const struct value *value =
		configuration_value(host->configuration, service, "smtp_fallback_relay");
	struct list list = list_split(host->arena, &value->text);

	if (number >= list.count)
		return NULL;
	host_place_text(host, &list.items[number].text, step);
	return list.items[number].text.text;
}
