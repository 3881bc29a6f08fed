/* The sections "listener" and "sender_binding" of the configuration; see config.h. */
#include "milter/config_reader.h"
#include "common/config_value.h"
#include "milter/policy.h"

#include <strings.h>

static const enum rule_action default_actions[RULE_COUNT] = {
	/* that the header is lost is a fault of our own: mail can wait until it is mended */
	[RULE_LOST_HEADER] = ACTION_TEMPFAIL,
};

static struct listener *add_listener(struct reader *reader, const char *name, struct position at)
{
	struct config *config = reader->config;
	struct listener *listener;

	if (!config->listeners) {
		config->listeners = arena_array(reader->arena, reader->section_count + 1,
						sizeof(*config->listeners));
		config->listener_count = 1;
		config->listeners[0] = (struct listener){.name = "*", .mode = MODE_SIGN};
		memcpy(config->listeners[0].actions, default_actions, sizeof(default_actions));
	}
	if (strcmp(name, "*") == 0) {
		listener = &config->listeners[0];
	} else {
		listener = &config->listeners[config->listener_count++];
		*listener = (struct listener){.name = name, .mode = MODE_SIGN};
		memcpy(listener->actions, default_actions, sizeof(default_actions));
	}
	listener->at = at;
	return listener;
}

bool listener_begin(struct reader *reader, const struct section *section)
{
	for (size_t i = 0; i < section->number; i++) {
		const struct listener *other = reader->subjects[i].listener;

		if (other && strcmp(other->name, section->title) == 0) {
			mistake(reader, section->at, "listener %s is given twice", section->title);
			return false;
		}
	}
	if (!*section->title) {
		mistake(reader, section->at, "a listener needs a name: what {daemon_name} gives");
		return false;
	}
	reader->subjects[section->number].listener =
		add_listener(reader, section->title, section->at);
	return true;
}

static void set_mode(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	static const char *const words[] = {
		[MODE_NONE] = "none",
		[MODE_SIGN] = "sign",
		[MODE_VERIFY] = "verify",
		[MODE_BOTH] = "both",
	};
	unsigned index;

	if (word_read(setting, words, 4, reader->list, &index))
		subject->listener->mode = (enum listener_mode)index;
}

static void set_proxied(struct reader *reader, const struct setting *setting,
			struct subject *subject)
{
	switch_read(setting, reader->list, &subject->listener->proxied);
}

static void add_proxy(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	struct networks *proxies = &subject->listener->proxies;

	if (networks_add(reader, setting, proxies) &&
	    proxies->items[proxies->count - 1].prefix == 0)
		mistake(reader, setting->at, "%s is every address there is, not a proxy",
			setting->value);
}

static void add_internal(struct reader *reader, const struct setting *setting,
			 struct subject *subject)
{
	struct networks *internal = &subject->listener->internal;

	subject->listener->has_internal = true;
	if (networks_add(reader, setting, internal) &&
	    internal->items[internal->count - 1].prefix == 0)
		caution(reader, setting->at,
			"%s is every address there is: all mail from anywhere would be signed",
			setting->value);
}

static void set_reply(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	const char *p = setting->value;

	while (*p >= ' ' && *p < 0x7f && *p != '%')
		p++;
	if (*p || p == setting->value || p - setting->value > 200)
		mistake(reader, setting->at,
			"reply has printable ASCII without '%%', at most 200 characters");
	else
		subject->listener->reply = setting->value;
}

static void set_rule(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	static const char *const words[] = {
		[ACTION_REJECT] = "reject",
		[ACTION_TEMPFAIL] = "tempfail",
		[ACTION_QUARANTINE] = "quarantine",
		[ACTION_LOG] = "log",
	};
	unsigned index;

	if (!word_read(setting, words, 4, reader->list, &index))
		return;
	for (size_t i = 0; i < RULE_COUNT; i++)
		if (strcmp(policy_rule_names[i], setting->name) == 0)
			subject->listener->actions[i] = (enum rule_action)index;
}

const struct row listener_rows[] = {
	{"mode", ONE, set_mode},
	{"proxied", ONE, set_proxied},
	{"trusted_proxies", MANY, add_proxy},
	{"internal_networks", MANY, add_internal},
	{"claimed_loopback", ONE, set_rule},
	{"claimed_unspecified", ONE, set_rule},
	{"claimed_link_local", ONE, set_rule},
	{"claimed_multicast", ONE, set_rule},
	{"claimed_proxy", ONE, set_rule},
	{"claimed_internal", ONE, set_rule},
	{"lost_header", ONE, set_rule},
	{"reply", ONE, set_reply},
	{NULL, ONE, NULL},
};

static bool overlaps_loopback(const struct ip_network *network)
{
	struct ip_network loopback;

	ip_network_parse(network->address.family == IP_V4 ? "127.0.0.0/8" : "::1/128", &loopback);
	return ip_network_overlaps(network, &loopback);
}

/* Proxies are seen as clients only where their header got lost; loopback has other clients too. */
static void add_proxies(struct reader *reader, const struct listener *listener)
{
	struct networks *all = &reader->config->all_proxies;

	for (size_t i = 0; i < listener->proxies.count; i++) {
		if (overlaps_loopback(&listener->proxies.items[i]))
			continue;
		all->items = arena_grow(reader->arena, all->items, all->count, sizeof(*all->items));
		all->items[all->count++] = listener->proxies.items[i];
	}
}

void listeners_check(struct reader *reader)
{
	struct config *config = reader->config;

	if (!config->listeners)
		add_listener(reader, "*", ((struct position){NULL, 0, 0}));
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener *listener = &config->listeners[i];

		if (!listener->proxied)
			continue;
		add_proxies(reader, listener);
		if (listener->proxies.count == 0)
			caution(reader, listener->at,
				"listener %s is proxied but names no trusted_proxies: its own "
				"health checks look like clients",
				listener->name);
		for (size_t j = 0; j < listener->internal.count; j++)
			if (overlaps_loopback(&listener->internal.items[j]))
				caution(reader, listener->at,
					"listener %s is proxied: loopback never counts as internal "
					"there",
					listener->name);
	}
}

bool binding_begin(struct reader *reader, const struct section *section)
{
	struct config *config = reader->config;
	struct sender_binding *binding;

	for (size_t i = 0; i < config->binding_count; i++) {
		if (strcmp(config->bindings[i].name, section->title) == 0) {
			mistake(reader, section->at, "sender_binding %s is given twice",
				section->title);
			return false;
		}
	}
	if (!config->bindings)
		config->bindings = arena_array(reader->arena, reader->section_count,
					       sizeof(*config->bindings));
	binding = &config->bindings[config->binding_count++];
	*binding = (struct sender_binding){.name = section->title, .at = section->at};
	reader->subjects[section->number].binding = binding;
	return true;
}

static void add_bound_network(struct reader *reader, const struct setting *setting,
			      struct subject *subject)
{
	networks_add(reader, setting, &subject->binding->networks);
}

static void add_bound_listener(struct reader *reader, const struct setting *setting,
			       struct subject *subject)
{
	words_add(reader, setting, &subject->binding->listeners);
}

static void add_bound_user(struct reader *reader, const struct setting *setting,
			   struct subject *subject)
{
	words_add(reader, setting, &subject->binding->users);
}

static void add_bound_domain(struct reader *reader, const struct setting *setting,
			     struct subject *subject)
{
	struct domain_set *domains = &subject->binding->domains;
	const char *rest = setting->value, *except = "", *wild = "";
	char *name;

	if (setting->first)
		*domains = (struct domain_set){.exact = NULL};
	if (rest && *rest == '!') {
		except = "!";
		rest++;
	}
	if (rest && strncmp(rest, "*.", 2) == 0) {
		wild = "*.";
		rest += 2;
	}
	name = rest ? domain_read(reader->arena, rest, setting->at, reader->list) : NULL;
	if (name)
		domain_set_add(reader->arena, domains,
			       arena_printf(reader->arena, "%s%s%s", except, wild, name));
}

static void set_bound_authors(struct reader *reader, const struct setting *setting,
			      struct subject *subject)
{
	static const char *const words[] = {
		[AUTHORS_ALLOWED] = "allowed",
		[AUTHORS_OURS] = "ours",
	};
	unsigned index;

	if (word_read(setting, words, 2, reader->list, &index))
		subject->binding->from = (enum bound_authors)index;
}

static void set_null_sender(struct reader *reader, const struct setting *setting,
			    struct subject *subject)
{
	switch_read(setting, reader->list, &subject->binding->null_sender);
}

const struct row binding_rows[] = {
	{"networks", MANY, add_bound_network},
	{"listeners", MANY, add_bound_listener},
	{"users", MANY, add_bound_user},
	{"domains", MANY, add_bound_domain},
	{"from", ONE, set_bound_authors},
	{"null_sender", ONE, set_null_sender},
	{NULL, ONE, NULL},
};

static bool has_section(const struct config *config, const char *listener)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (strcasecmp(config->listeners[i].name, listener) == 0)
			return true;
	return false;
}

/* A client of a listener that has no section is one of listener *, so such a name matches nobody.
 */
static void check_listeners(struct reader *reader, const struct sender_binding *binding)
{
	for (size_t i = 0; i < binding->listeners.count; i++) {
		const char *name = binding->listeners.items[i];

		if (has_section(reader->config, name))
			continue;
		mistake(reader, binding->at, "sender_binding %s: there is no listener %s",
			binding->name, name);
		diagnostics_hint(reader->list, "add a section: listener \"%s\" { }", name);
	}
}

/* A binding without a criterion would bind everybody, strangers' mail to us included. */
void bindings_check(struct reader *reader, bool complete)
{
	const struct config *config = reader->config;

	for (size_t i = 0; i < config->binding_count && complete; i++) {
		const struct sender_binding *binding = &config->bindings[i];

		if (binding->networks.count + binding->listeners.count + binding->users.count == 0)
			mistake(reader, binding->at,
				"sender_binding %s names no networks, listeners or users",
				binding->name);
		if (!reader->left_out)
			check_listeners(reader, binding);
		if (!binding->domains.allows_some && !binding->null_sender)
			mistake(reader, binding->at, "sender_binding %s allows no domains",
				binding->name);
	}
}
