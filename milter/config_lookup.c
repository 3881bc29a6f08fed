/* Finding what the configuration has on a domain, a listener or a user; see config.h. */
#include "milter/config.h"

#include <strings.h>

const struct signing_domain *config_signer(const struct config *config, const char *from_domain)
{
	const struct signing_domain *domain = name_map_find(config->exact, from_domain);

	for (const char *dot = strchr(from_domain, '.'); dot && !domain; dot = strchr(dot + 1, '.'))
		domain = name_map_find(config->below, dot + 1);
	return domain;
}

const struct signing_domain *config_index_domain(struct config *config,
						 struct signing_domain *domain, const char **name)
{
	const struct signing_domain *other = NULL;

	*name = domain->name;
	if (domain->itself)
		other = name_map_add(config->exact, domain->name, domain);
	for (size_t i = 0; i < domain->subdomains.count && (!other || other == domain); i++) {
		*name = domain->subdomains.items[i];
		other = name_map_add(config->exact, *name, domain);
	}
	if ((!other || other == domain) && domain->below) {
		*name = domain->name;
		other = name_map_add(config->below, domain->name, domain);
	}
	return other == domain ? NULL : other;
}

const struct listener *config_listener(const struct config *config, const char *name)
{
	for (size_t i = 1; name && i < config->listener_count; i++)
		if (strcmp(config->listeners[i].name, name) == 0)
			return &config->listeners[i];
	return &config->listeners[0];
}

/* What was said of a name. */
struct permission {
	bool excepted;
};

void domain_set_add(struct arena *arena, struct domain_set *set, const char *listed)
{
	bool except = *listed == '!', below = strncmp(listed + except, "*.", 2) == 0;
	const char *name = listed + except + (below ? 2 : 0);
	struct name_map **map = below ? &set->below : &set->exact;
	struct permission *fresh = arena_alloc(arena, sizeof(*fresh)), *other;

	fresh->excepted = except;
	if (!*map)
		*map = name_map_new(arena, 0);
	other = name_map_add(*map, name, fresh);
	if (other)
		other->excepted |= except;
	set->allows_some |= !except;
}

bool domain_set_allows(const struct domain_set *set, const char *domain)
{
	const struct permission *found = set->exact ? name_map_find(set->exact, domain) : NULL;
	const char *dot = *domain ? strchr(domain + 1, '.') : NULL;

	for (; set->below && dot && !found; dot = strchr(dot + 1, '.'))
		found = name_map_find(set->below, dot + 1);
	return found && !found->excepted;
}

bool words_contain(const struct words *words, const char *text)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcasecmp(words->items[i], text) == 0)
			return true;
	return false;
}

bool config_is_relay_user(const struct config *config, const char *user)
{
	return words_contain(&config->relay_users, user);
}

bool networks_contain(const struct networks *networks, const struct ip_address *address)
{
	struct ip_address plain = ip_unmap(*address);

	if (plain.family == IP_NONE)
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (ip_network_contains(&networks->items[i], &plain))
			return true;
	return false;
}
