/*
 * Whether each host on a path takes messages as large as the one before it has taken. What a host
 * passes on in vain it bounces: mail from strangers to forged senders, which is backscatter, and
 * the user's own after it was accepted.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/providers.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/syntax.h"

#include <stdint.h>

/* The largest message that the node takes, in octets; SIZE_MAX where none is known. */
static size_t limit_of(const struct node *node)
{
	size_t limit = 0;

	if (node->kind.value == KIND_SMARTHOST)
		limit = providers[node->provider.value].size_limit;
	else if (node->kind.value <= KIND_DMS)
		limit = node->message_size_limit.value;
	return limit ? limit : SIZE_MAX;
}

/* A limit that no Postfix takes is told elsewhere. */
static bool is_wrong(const struct node *node)
{
	const struct number *limit = &node->message_size_limit;

	return limit->given && limit->value < SMALLEST_LIMIT &&
	       (limit->value || node->kind.value != KIND_POSTFIX);
}

/* What is to be changed: a limit that was given, of the later node if it has one. */
static struct position place(const struct route *route, size_t hop)
{
	const struct node *sender = route->hops[hop], *receiver = route->hops[hop + 1];

	if (receiver->message_size_limit.given)
		return receiver->message_size_limit.at;
	return sender->message_size_limit.given ? sender->message_size_limit.at
						: route->hop_at[hop + 1];
}

static void verify_hop(const struct route *route, size_t hop, struct diagnostics *list)
{
	const struct node *sender = route->hops[hop], *receiver = route->hops[hop + 1];
	const char *more = sender->head.name.value, *less = receiver->head.name.value;
	size_t limit = limit_of(receiver);

	if (sender->kind.value == KIND_INTERNET || is_wrong(sender) || is_wrong(receiver) ||
	    limit_of(sender) <= limit)
		return;
	report(list, SIZE_FALLS, place(route, hop),
	       "'%s' takes messages that '%s' refuses: more than %zu octets", more, less, limit);
	if (receiver->kind.value == KIND_SMARTHOST)
		diagnostics_hint(list,
				 "such mail would bounce after it was accepted: "
				 "message_size_limit: %zu at '%s', or less, refuses it in time",
				 limit, more);
	else
		diagnostics_hint(list,
				 "such mail would bounce after it was accepted, to senders that "
				 "may be forged: give both the same message_size_limit");
}

void topology_verify_sizes(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j + 1 < topology->routes.items[i].hop_count; j++)
			verify_hop(&topology->routes.items[i], j, list);
}
