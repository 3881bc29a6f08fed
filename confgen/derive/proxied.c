/* Listeners behind proxies, from both ends; see facts.h. */
#include "confgen/derive/facts.h"

static bool has_family(const struct node *node, enum ip_family family)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		for (size_t j = 0; j < node->addresses.items[i].addresses.count; j++)
			if (node->addresses.items[i].addresses.items[j].value.family == family)
				return true;
	return false;
}

static void derive_listener(struct arena *arena, struct facts *facts,
			    const struct listener *listener)
{
	const struct attachment *here = node_meets(facts->node, listener->proxy);

	*arena_push(arena, &facts->proxied) = (struct proxied){
		.listener = listener,
		.from = node_attachment(listener->proxy, here->network),
		.other_family = (has_family(listener->proxy, IP_V4) && !facts->ipv4) ||
				(has_family(listener->proxy, IP_V6) && !facts->ipv6),
	};
}

static void derive_forwards(struct arena *arena, struct facts *facts, const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++) {
		const struct listener *listener = &node->listeners.items[i];
		const struct attachment *there;

		if (listener->proxy != facts->node)
			continue;
		there = node_meets(node, facts->node);
		*arena_push(arena, &facts->forwards) = (struct forward){
			.node = node,
			.listener = listener,
			.network = there->network,
			.address = *attachment_reached(
				there, node_attachment(facts->node, there->network)),
		};
	}
}

bool facts_is_gated(const struct facts *facts, unsigned long port)
{
	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct listener *listener = facts->proxied.items[i].listener;

		if (listener->through.value == THROUGH_GATE && listener->port.value == port)
			return true;
	}
	return false;
}

void facts_derive_proxied(struct arena *arena, struct facts *facts)
{
	const struct topology *topology = facts->topology;

	for (size_t i = 0; i < facts->node->listeners.count; i++)
		derive_listener(arena, facts, &facts->node->listeners.items[i]);
	for (size_t i = 0; i < topology->nodes.count && facts->node->kind.value == KIND_PROXY; i++)
		derive_forwards(arena, facts, &topology->nodes.items[i]);
}
