/*
 * A message from host to host; see trace.h. Each round of follow() is a host that has the message:
 * it rewrites, finds the next hop, connects, and hears what the next host says.
 */
#include "confgen/topology/schema.h"
#include "confgen/trace/walk.h"

#include <string.h>
#include <strings.h>

#define MOST_HOPS     49 /* hopcount_limit is 50 */
#define MOST_FORWARDS 100

/* A message that a host has. */
struct message {
	const char *sender, *author, *recipient;
	unsigned long size;
};

static struct answer end(struct walk *walk, enum outcome outcome, const struct node *node,
			 struct answer answer)
{
	struct trace_result *result = walk->result;

	result->outcome = outcome;
	result->code = answer.code;
	result->reply = answer.text;
	result->end = node;
	result->signed_by = walk->signed_by;
	return answer;
}

static void set_addresses(struct walk *walk, const struct message *message)
{
	walk->result->sender = message->sender;
	walk->result->author = message->author;
	walk->result->recipient = message->recipient;
}

/* --- a host is asked to take a message --- */

static struct milter_client milter_client(const struct meeting *meeting, const struct mail *mail)
{
	return (struct milter_client){
		.listener = host_daemon_name(meeting->actor->host, meeting->smtpd),
		.address = mail->client,
		.user = mail->user,
	};
}

/* Until the recipient is taken, or not. */
struct answer walk_greet(struct steps *steps, const struct meeting *meeting,
			 const struct mail *mail)
{
	struct host *host = meeting->actor->host;
	struct milter_client client = milter_client(meeting, mail);
	bool milter =
		meeting->actor->milter_conf && host_has_milter(host, meeting->smtpd, false, NULL);
	struct answer refused = {0}, answer;
	bool later = false;

	if (milter)
		refused = milter_connect(meeting->actor, &client, &later, steps);
	/* STARTTLS or AUTH is the first command that hears of it */
	if (refused.code / 100 == 4 &&
	    (mail->user || (mail->tls && !host_wraps_tls(host, meeting->smtpd))))
		return (struct answer){454, "4.3.0 Try again later"};
	if (refused.code / 100 == 5 && !later) /* in the greeting, by smtpd's own words */
		return (struct answer){
			554, arena_printf(host_arena(host), "%s ESMTP not accepting connections",
					  host_value(host, meeting->smtpd, "myhostname", NULL))};
	answer = host_accept(host, meeting->smtpd, mail, STAGE_MAIL, steps);
	if (answer.code != 250 || refused.code)
		return answer.code != 250 ? answer : refused;
	if (milter)
		refused = milter_sender(meeting->actor, &client, mail->sender, steps);
	if (refused.code)
		return refused;
	return host_accept(host, meeting->smtpd, mail, STAGE_RECIPIENT, steps);
}

/* The author that the milter sees at the end of the message: cleanup(8) has rewritten it by then.
 */
static const char *seen_author(struct host *host, const char *service, const struct mail *mail,
			       const char *author)
{
	struct steps quiet = {.arena = host_arena(host), .quiet = true};
	struct rewritten rewritten;

	host_rewrite(host, mail, author, host_rewrites_headers(host, service, mail), &rewritten,
		     &quiet);
	return rewritten.author;
}

static struct answer take(struct walk *walk, const struct meeting *meeting, const struct mail *mail,
			  const char *author)
{
	struct host *host = meeting->actor->host;
	struct milter_client client = milter_client(meeting, mail);
	struct answer answer = walk_greet(walk->steps, meeting, mail), milter = {0};

	if (answer.code == 250)
		answer = host_accept(host, meeting->smtpd, mail, STAGE_DATA, walk->steps);
	if (answer.code == 250 && meeting->actor->milter_conf &&
	    host_has_milter(host, meeting->smtpd, false, NULL))
		milter = milter_message(meeting->actor, &client,
					seen_author(host, meeting->smtpd, mail, author),
					&walk->signed_by, walk->steps);
	return milter.code ? milter : answer;
}

/* --- a host sends --- */

bool walk_demands_tls(const char *level)
{
	return strcmp(level, "none") != 0 && strcmp(level, "may") != 0 &&
	       strcmp(level, "dane") != 0;
}

bool walk_offers_tls(const struct meeting *meeting)
{
	return !meeting->actor || !meeting->actor->host ||
	       host_offers_tls(meeting->actor->host, meeting->smtpd);
}

static void tell_sending(struct walk *walk, const struct sending *sending, const struct hop *hop,
			 const char *next_hop)
{
	char four[IP_TEXT_SIZE] = "", six[IP_TEXT_SIZE] = "";
	struct step *step;

	if (hop->source4.family != IP_NONE)
		ip_format(&hop->source4, four);
	if (hop->source6.family != IP_NONE)
		ip_format(&hop->source6, six);
	step = steps_add(walk->steps, STEP_SEND, "to %s%s%s%s%s, greets as %s, TLS %s (%s)%s%s",
			 next_hop, *four || *six ? " from " : "", four, *four && *six ? " or " : "",
			 six, sending->helo, hop->tls ? "spoken" : "not spoken", sending->tls,
			 hop->login ? ", logs in as " : "", hop->login ? hop->login : "");
	step->rendered = sending->decided.rendered;
	step->topology = sending->decided.topology;
}

/* The addresses that a connection may come from; false: there is none to be had. */
bool walk_choose_source(const struct walk *walk, const struct node *node,
			const struct sending *sending, const struct reached *to, struct hop *hop)
{
	const struct ip_address *four = world_source(node, to->network, IP_V4);
	const struct ip_address *six = world_source(node, to->network, IP_V6);
	enum ip_family family = to->address.family;

	if (sending->ipv4 && (family != IP_V6 || to->either) && four)
		hop->source4 = sending->bind4.family == IP_V4 ? sending->bind4 : *four;
	if (sending->ipv6 && (family != IP_V4 || to->either) && six)
		hop->source6 = sending->bind6.family == IP_V6 ? sending->bind6 : *six;
	if (hop->source4.family != IP_NONE || hop->source6.family != IP_NONE)
		return true;
	return !to->network && world_is_translated(walk->trace, node);
}

static struct answer follow(struct walk *walk, struct actor *actor, const struct message *message,
			    const struct meeting *from, const struct mail *mail);

/* A host of others has it: here the trace ends. */
static struct answer hand_over(struct walk *walk, const struct hop *hop,
			       const struct message *message)
{
	struct step *step;

	*arena_push(walk->trace->arena, &walk->result->hops) = *hop;
	set_addresses(walk, message);
	walk->steps->node = hop->node->head.name.value;
	step = steps_add(walk->steps, STEP_END, "relayed to %s", hop->node->head.name.value);
	step->topology = hop->node->head.name.at;
	step->assumed = true;
	return end(walk, OUTCOME_RELAYED, hop->node, (struct answer){250, "2.0.0 Ok"});
}

/* The next host of ours is asked. Its answer decides whether another address is tried. */
static struct answer send_to(struct walk *walk, const struct message *message,
			     const struct sending *sending, struct hop *hop,
			     const struct meeting *meeting)
{
	struct trace_result *result = walk->result;
	const char *here = walk->steps->node;
	bool logs_in = sending->login && hop->tls;
	const struct mail mail = {
		.client = meeting->client,
		.helo = sending->helo,
		.user = logs_in && strcmp(host_value(meeting->actor->host, meeting->smtpd,
						     "smtpd_sasl_auth_enable", NULL),
					  "yes") == 0
				? sending->login
				: NULL,
		.tls = hop->tls,
		.sender = message->sender,
		.recipient = message->recipient,
		.size = message->size,
	};
	struct answer answer;

	hop->login = mail.user;
	hop->node = meeting->actor->node;
	walk->steps->node = hop->node->head.name.value;
	meeting_tell(meeting, walk->steps);
	answer = take(walk, meeting, &mail, message->author);
	if (answer.code != 250) {
		walk->steps->node = here;
		return answer;
	}
	if (result->hops.count >= MOST_HOPS) {
		steps_add(walk->steps, STEP_END,
			  "loops: the message passes one host after the other");
		return end(walk, OUTCOME_LOOPS, result->hops.items[result->hops.count - 1].node,
			   (struct answer){554, "5.4.0 Error: too many hops"});
	}
	*arena_push(walk->trace->arena, &result->hops) = *hop;
	return follow(walk, meeting->actor, message, meeting, &mail);
}

static struct answer nothing(struct walk *walk, const char *text)
{
	steps_add(walk->steps, STEP_REFUSE, "%s", text);
	return (struct answer){450, text};
}

/* One address of the next hop. */
static struct answer try_address(struct walk *walk, struct actor *actor,
				 const struct message *message, const struct way *way,
				 const struct sending *sending, const struct reached *to,
				 unsigned port)
{
	struct hop hop = {.node = to->node, .helo = sending->helo};
	struct meeting meeting = {0};
	struct answer refused;
	bool ours = to->node->kind.value != KIND_INTERNET && to->node->kind.value != KIND_SMARTHOST;

	if (!walk_choose_source(walk, actor->node, sending, to, &hop))
		return nothing(walk, arena_printf(walk->trace->arena,
						  "4.4.1 no connection to %s: no address of this "
						  "host is in its network",
						  way->next_hop));
	if (ours) {
		struct ip_address source =
			hop.source4.family != IP_NONE ? hop.source4 : hop.source6;

		refused = meeting_arrange(walk->trace, to->node, port, &source, NULL, &meeting,
					  walk->steps);
		if (refused.code)
			return refused;
	}
	hop.tls = sending->wrapper ||
		  (strcmp(sending->tls, "none") != 0 && (!ours || walk_offers_tls(&meeting)));
	if (!hop.tls && walk_demands_tls(sending->tls))
		return nothing(walk, "4.7.4 TLS is required, but was not offered");
	hop.login = sending->login;
	tell_sending(walk, sending, &hop, way->next_hop);
	if (!ours)
		return hand_over(walk, &hop, message);
	return send_to(walk, message, sending, &hop, &meeting);
}

static bool is_over(const struct walk *walk)
{
	return walk->result->end != NULL;
}

/* What a host does with a message that the next one did not take. */
static struct answer give_up(struct walk *walk, struct actor *actor, const struct message *message,
			     struct answer answer)
{
	bool back = answer.code / 100 == 5;

	walk->steps->node = actor->node->head.name.value;
	if (!back)
		steps_add(walk->steps, STEP_END, "waits in the queue: %s", answer.text);
	else if (*message->sender)
		steps_add(walk->steps, STEP_END, "bounced to %s: %d %s", message->sender,
			  answer.code, answer.text);
	else
		steps_add(walk->steps, STEP_END, "a bounce that cannot be delivered: %d %s",
			  answer.code, answer.text);
	return end(walk, back ? OUTCOME_BOUNCED : OUTCOME_DEFERRED, actor->node, answer);
}

/* A next hop, whose addresses are tried until one answers. Nothing is found: 5.4.4. */
static struct answer try_next_hop(struct walk *walk, struct actor *actor,
				  const struct message *message, const struct way *way)
{
	struct reached_list list = {0};
	struct answer answer = {550,
				arena_printf(walk->trace->arena,
					     "5.4.4 there is no mail host for %s", way->next_hop)};
	struct sending sending;
	unsigned port;

	host_sending(actor->host, way, message->sender, &sending);
	world_resolve(walk->trace, way->next_hop, 25, &list, &port);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].node == actor->node) {
			steps_add(walk->steps, STEP_END,
				  "loops: mail for %s comes back to this host", message->recipient);
			return end(walk, OUTCOME_LOOPS, actor->node,
				   (struct answer){554, "5.4.6 mail loops back to myself"});
		}
		answer = try_address(walk, actor, message, way, &sending, &list.items[i], port);
		if (is_over(walk) || answer.code / 100 == 5)
			break;
	}
	walk->found = list.count > 0;
	return answer;
}

/*
 * The next hop, and, where that is not found or does not take the message now, the relays that
 * stand in for it.
 */
static struct answer send_on(struct walk *walk, struct actor *actor, const struct message *message,
			     const struct way *way)
{
	struct answer answer = try_next_hop(walk, actor, message, way);
	struct way other = *way;

	for (size_t i = 0; !is_over(walk) && (answer.code / 100 == 4 || !walk->found); i++) {
		struct step step = {0}, *told;

		other.next_hop = host_fallback(actor->host, way->transport, i, &step);
		if (!other.next_hop)
			break;
		told = steps_add(walk->steps, STEP_ROUTE, "smtp_fallback_relay has %s",
				 other.next_hop);
		told->rendered = step.rendered;
		told->topology = step.topology;
		answer = try_next_hop(walk, actor, message, &other);
	}
	return is_over(walk) ? answer : give_up(walk, actor, message, answer);
}

/* --- a host has it --- */

static struct answer deliver(struct walk *walk, struct actor *actor, const struct message *message)
{
	struct step *step;

	if (!host_lists(actor->host, message->recipient))
		return give_up(walk, actor, message, (struct answer){550, "5.1.1 unknown user"});
	set_addresses(walk, message);
	step = steps_add(walk->steps, STEP_END, "delivered into the mailbox %s",
			 message->recipient);
	step->topology = actor->node->head.name.at;
	return end(walk, OUTCOME_DELIVERED, actor->node, (struct answer){250, "2.0.0 Ok"});
}

static struct answer forward(struct walk *walk, struct actor *actor, const struct message *message)
{
	struct way way;

	host_route(actor->host, message->sender, message->recipient, &way, walk->steps);
	switch (host_delivery(actor->host, way.transport)) {
	case DELIVER_SEND:
		return send_on(walk, actor, message, &way);
	case DELIVER_MAILBOX:
	case DELIVER_DISCARD:
		return deliver(walk, actor, message);
	case DELIVER_ERROR:
		return give_up(walk, actor, message, (struct answer){550, way.next_hop});
	case DELIVER_RETRY:
		return give_up(walk, actor, message, (struct answer){450, way.next_hop});
	default:
		return give_up(walk, actor, message,
			       (struct answer){450, arena_printf(walk->trace->arena,
								 "4.3.0 there is no transport %s",
								 way.transport)});
	}
}

/* A message with several recipients, where an alias gave them, ends as for the first. */
static struct answer follow(struct walk *walk, struct actor *actor, const struct message *message,
			    const struct meeting *from, const struct mail *mail)
{
	struct rewritten rewritten;
	struct answer answer = {0};
	bool headers = host_rewrites_headers(actor->host, from ? from->smtpd : NULL, mail);

	walk->steps->node = actor->node->head.name.value;
	host_rewrite(actor->host, mail, message->author, headers, &rewritten, walk->steps);
	for (size_t i = 0; i < rewritten.count && (i == 0 || walk->forwards < MOST_FORWARDS); i++) {
		const struct message next = {rewritten.sender, rewritten.author,
					     rewritten.recipients[i], message->size};
		struct trace_result first = *walk->result;

		walk->forwards++;
		answer = forward(walk, actor, &next);
		if (i > 0) {
			first.steps = walk->result->steps;
			*walk->result = first;
			walk->steps = &walk->result->steps;
		}
		walk->steps->node = actor->node->head.name.value;
	}
	return answer;
}

/* --- the beginning --- */

static void begin_local(struct walk *walk, struct actor *actor)
{
	const struct request *request = walk->request;
	struct host *host = actor->host;
	const struct milter_client client = {
		.listener = host_daemon_name(host, NULL),
		.local = true,
		.address = {IP_V4, {127, 0, 0, 1}},
	};
	const struct mail mail = {
		.sender = request->sender, .recipient = request->recipient, .size = request->size};
	const struct message message = {request->sender, request->author, request->recipient,
					request->size};
	struct step milter = {0};
	struct answer answer;

	steps_add(walk->steps, STEP_CONNECT, "sendmail(1) hands over mail from <%s> for <%s>",
		  request->sender, request->recipient);
	answer = host_accept(host, NULL, &mail, STAGE_MAIL, walk->steps);
	if (answer.code != 250) {
		end(walk, OUTCOME_REJECTED, actor->node, answer);
		return;
	}
	*arena_push(walk->trace->arena, &walk->result->hops) = (struct hop){.node = actor->node};
	if (actor->milter_conf && host_has_milter(host, NULL, false, &milter))
		milter_message(actor, &client, seen_author(host, NULL, &mail, request->author),
			       &walk->signed_by, walk->steps);
	follow(walk, actor, &message, NULL, &mail);
}

/* What becomes of a client that the first host does not take mail from. */
static void turn_away(struct walk *walk, const struct meeting *meeting, struct answer answer)
{
	const struct node *node = meeting->actor ? meeting->actor->node : walk->request->node;

	end(walk,
	    !meeting->smtpd	     ? OUTCOME_UNREACHABLE
	    : answer.code / 100 == 4 ? OUTCOME_DEFERRED
				     : OUTCOME_REJECTED,
	    node, answer);
}

static void begin_client(struct walk *walk)
{
	const struct request *request = walk->request;
	struct trace_result *result = walk->result;
	const struct ip_address nowhere = {.family = IP_NONE};
	struct meeting meeting = {0};
	struct mail mail = {.helo = request->helo,
			    .user = request->user,
			    .sender = request->sender,
			    .recipient = request->recipient,
			    .size = request->size};
	const struct message message = {request->sender, request->author, request->recipient,
					request->size};
	struct answer answer =
		meeting_begin(walk->trace, request, &result->entry, &meeting, walk->steps);

	if (answer.code) {
		turn_away(walk, &meeting, answer);
		return;
	}
	mail.client = meeting.client;
	mail.tls = result->entry.tls;
	answer = take(walk, &meeting, &mail, request->author);
	if (answer.code != 250) {
		turn_away(walk, &meeting, answer);
		return;
	}
	*arena_push(walk->trace->arena, &result->hops) = (struct hop){
		.node = meeting.actor->node,
		.source4 = meeting.client.family == IP_V4 ? meeting.client : nowhere,
		.source6 = meeting.client.family == IP_V6 ? meeting.client : nowhere,
		.tls = mail.tls,
		.login = mail.user,
	};
	follow(walk, meeting.actor, &message, &meeting, &mail);
}

void trace_message(struct trace *trace, const struct request *request, struct trace_result *out)
{
	struct trace_result result = {.steps = {.arena = trace->arena},
				      .outcome = OUTCOME_UNREACHABLE,
				      .reply = "",
				      .sender = request->sender,
				      .author = request->author,
				      .recipient = request->recipient};
	struct walk walk = {.trace = trace, .request = request, .result = &result};
	struct actor *actor = world_actor(trace, request->node);

	trace->request = request;
	walk.steps = &result.steps;
	walk.steps->node = request->node->head.name.value;
	if (!request->local)
		begin_client(&walk);
	else if (actor && actor->host)
		begin_local(&walk, actor);
	trace->request = NULL;
	*out = result;
}
