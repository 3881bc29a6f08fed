/*
 * Address verification: a host asks the next one for a recipient, which may ask its own next one;
 * see struct oracle in host.h.
 */
#include "confgen/trace/walk.h"

#include <string.h>

#define MOST_PROBES 8 /* a host that asks a host that asks a host */

/* What a host needs to ask the next ones for a recipient. */
struct probe {
	struct trace *trace;
	struct actor *actor;
	struct trace_result result; /* of which nothing is kept */
	struct walk walk;
	struct way way;
	struct sending sending;
	const char *sender, *recipient;
	unsigned port;
};

/* One address of the next hop; false: it cannot be asked. */
static bool probe_address(struct probe *probe, const struct reached *to, struct answer *answer)
{
	struct hop hop = {.node = to->node};
	struct meeting meeting = {0};
	struct mail mail = {.helo = probe->sending.helo,
			    .sender = probe->sender,
			    .recipient = probe->recipient};
	const struct actor *next = world_actor(probe->trace, to->node);

	if (!walk_choose_source(&probe->walk, probe->actor->node, &probe->sending, to, &hop))
		return false;
	*answer = (struct answer){250, "2.1.5 Ok"};
	if (!next || !next->facts) /* a host of others, which is taken to know it */
		return true;
	mail.client = hop.source4.family != IP_NONE ? hop.source4 : hop.source6;
	if (meeting_arrange(probe->trace, to->node, probe->port, &mail.client, NULL, &meeting,
			    &probe->result.steps)
		    .code)
		return false;
	mail.client = meeting.client;
	mail.tls = probe->sending.wrapper ||
		   (strcmp(probe->sending.tls, "none") != 0 && walk_offers_tls(&meeting));
	if (!mail.tls && walk_demands_tls(probe->sending.tls))
		return false;
	mail.user = mail.tls ? probe->sending.login : NULL;
	probe->trace->probes++;
	*answer = walk_greet(&probe->result.steps, &meeting, &mail);
	probe->trace->probes--;
	return true;
}

/* The recipient as cleanup(8) rewrites that of the probe. */
static const char *probe_recipient(struct actor *actor, const char *sender, const char *recipient)
{
	struct steps quiet = {.arena = host_arena(actor->host), .quiet = true};
	const struct mail mail = {.sender = sender, .recipient = recipient};
	struct rewritten rewritten;

	host_rewrite(actor->host, &mail, "", false, &rewritten, &quiet);
	return rewritten.count ? rewritten.recipients[0] : recipient;
}

/*
 * The host asks the next one for a recipient: the sender is double-bounce, and RCPT the last
 * command.
 */
int walk_probe(void *user, const char *recipient, const char **reply)
{
	struct actor *actor = user;
	struct probe probe = {.trace = actor->trace,
			      .actor = actor,
			      .result = {.steps = {.arena = actor->trace->arena, .quiet = true}}};
	struct reached_list list = {0};
	enum delivery delivery;
	struct answer answer;

	*reply = "cannot be asked";
	if (probe.trace->probes >= MOST_PROBES)
		return 450;
	probe.walk = (struct walk){
		.trace = probe.trace, .result = &probe.result, .steps = &probe.result.steps};
	probe.sender = arena_printf(probe.trace->arena, "double-bounce@%s",
				    host_value(actor->host, NULL, "myorigin", NULL));
	probe.recipient = probe_recipient(actor, probe.sender, recipient);
	host_route(actor->host, probe.sender, probe.recipient, &probe.way, &probe.result.steps);
	delivery = host_delivery(actor->host, probe.way.transport);
	if (delivery != DELIVER_SEND)
		return delivery == DELIVER_ERROR ? 550 : 250;
	host_sending(actor->host, &probe.way, probe.sender, &probe.sending);
	world_resolve(probe.trace, probe.way.next_hop, 25, &list, &probe.port);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].node == actor->node) {
			*reply = "5.4.6 mail loops back to myself";
			return 550;
		}
		if (!probe_address(&probe, &list.items[i], &answer))
			continue;
		*reply = answer.text;
		return answer.code;
	}
	return list.count ? 450 : 550;
}
