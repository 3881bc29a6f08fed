/* Client services of their own in master.cf; see services.h. */
#include "confgen/derive/services.h"

/* The egress of the node's mail to `next`: the route's, then the link's; NULL: the node's own. */
static const struct egress *egress_to(const struct facts *facts, const struct route *route,
				      const struct node *next)
{
	const struct link *link = topology_link(facts->topology, facts->node, next);

	if (route->egress.head.given && next->kind.value >= KIND_SMARTHOST)
		return &route->egress;
	for (size_t i = 0; link && i < link->egress.count; i++)
		if (link->egress.items[i].node == facts->node)
			return &link->egress.items[i];
	return NULL;
}

/* Whether the node's own egress can be used towards `next`: its addresses are in that network. */
static bool egress_fits(const struct facts *facts, const struct node *next)
{
	const struct link *link = topology_link(facts->topology, facts->node, next);
	const struct attachment *attachment =
		node_attachment(facts->node, link ? link->network : NULL);
	const struct text *texts[] = {&facts->egress->ipv4, &facts->egress->ipv6};

	for (size_t i = 0; i < 2; i++) {
		struct ip_address address;
		bool found = !texts[i]->value;

		for (size_t j = 0; !found && attachment && j < attachment->addresses.count; j++)
			found = ip_parse(texts[i]->value, &address) == IP_OK &&
				ip_equal(&attachment->addresses.items[j].value, &address);
		if (!found)
			return false;
	}
	return true;
}

bool services_bind_relay(const struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct route *route = &facts->topology->routes.items[i];
		const struct node *next = route_next(route, facts->node);

		if (!route_is_outbound(route) && next && !egress_fits(facts, next))
			return false;
	}
	return true;
}

static const char *first_given(const struct text *special, const struct text *usual)
{
	if (special && special->value)
		return special->value;
	return usual ? usual->value : NULL;
}

static bool has_service(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->services.count; i++)
		if (strcmp(facts->services.items[i].name, name) == 0)
			return true;
	return false;
}

/* A service with the same relays to fall back on that does the same otherwise, or NULL. */
static const char *find_alike(const struct facts *facts, const struct client_service *wanted)
{
	for (size_t i = 0; i < facts->services.count; i++) {
		const struct client_service *service = &facts->services.items[i];

		if (service->fallbacks && strcmp(service->fallbacks, wanted->fallbacks) == 0 &&
		    service->egress == wanted->egress && service->wrapper == wanted->wrapper &&
		    service->ipv4 == wanted->ipv4 && service->ipv6 == wanted->ipv6 &&
		    service->helo == wanted->helo)
			return service->name;
	}
	return NULL;
}

/* Domains of one route may fall back on different relays. */
static const char *name_fallback(struct arena *arena, const struct facts *facts,
				 const struct route *route)
{
	const char *name = arena_printf(arena, "fallback-%s", route->label.value);

	for (unsigned i = 2; has_service(facts, name); i++)
		name = arena_printf(arena, "fallback-%s-%u", route->label.value, i);
	return name;
}

/* The service, made if need be; `usual` where mail needs none of its own. */
static const char *service_for(struct arena *arena, struct facts *facts, const struct route *route,
			       const struct node *next, const char *usual, const char *fallbacks)
{
	const struct egress *egress = egress_to(facts, route, next), *own = facts->egress;
	bool wrapper = next->kind.value == KIND_SMARTHOST && next->tls_mode.value == TLS_WRAPPER;
	bool fits = !own || egress_fits(facts, next), bound = !usual || facts->relay_bound;
	struct client_service service = {.egress = egress, .wrapper = wrapper, .inward = usual};
	const char *name;

	if (facts->node->kind.value != KIND_POSTFIX ||
	    (!egress && !wrapper && !fallbacks && (fits || !bound)))
		return usual;
	if (!fits)
		own = NULL;
	service.fallbacks = fallbacks;
	service.at = egress ? egress->head.at : fallbacks ? route->head.at : next->head.name.at;
	service.ipv4 = first_given(egress ? &egress->ipv4 : NULL, own ? &own->ipv4 : NULL);
	service.ipv6 = first_given(egress ? &egress->ipv6 : NULL, own ? &own->ipv6 : NULL);
	service.helo = first_given(egress ? &egress->helo : NULL, own ? &own->helo : NULL);
	name = fallbacks		  ? find_alike(facts, &service)
	       : egress == &route->egress ? arena_printf(arena, "route-%s", route->label.value)
					  : arena_printf(arena, "to-%s", next->head.name.value);
	if (name && (fallbacks || has_service(facts, name)))
		return name;
	service.name = name ? name : name_fallback(arena, facts, route);
	*arena_push(arena, &facts->services) = service;
	return service.name;
}

const char *services_in(struct arena *arena, struct facts *facts, const struct route *route,
			const struct node *next)
{
	return service_for(arena, facts, route, next, "relay", NULL);
}

const char *services_out(struct arena *arena, struct facts *facts, const struct route *route,
			 const struct node *next, const char *fallbacks)
{
	return service_for(arena, facts, route, next, NULL, fallbacks);
}
