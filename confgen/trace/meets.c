/* Requests from tests, and whether results are what they expect; see trace.h. */
#include "confgen/topology/schema.h"
#include "confgen/trace/trace.h"

#include <string.h>
#include <strings.h>

const char *request_author(struct arena *arena, const struct request *request)
{
	const char *host = request->node ? request->node->hostname.value : NULL;

	if (*request->sender)
		return request->sender;
	return arena_printf(arena, "MAILER-DAEMON@%s",
			    request->local && host ? host : "elsewhere.test");
}

struct request request_of_test(struct arena *arena, const struct test_case *test)
{
	const char *from = test->from.value				       ? test->from.value
			   : test->auth.value && strchr(test->auth.value, '@') ? test->auth.value
									       : TRACE_STRANGER;
	struct request request = {
		.name = test->label.value,
		.node = test->node,
		.listener = test->listener,
		.local = strcmp(test->client.value, "local") == 0,
		.user = test->auth.value,
		.tls = test->tls.given ? test->tls.value : -1,
		.helo = test->helo.value ? test->helo.value : TRACE_HELO,
		.sender = strcmp(from, "<>") == 0 ? "" : from,
		.recipient = test->to.value,
		.no_mailbox = test->mailbox.value == MAILBOX_ABSENT,
		.size = test->size.value,
	};

	request.author = test->author.value;
	if (!request.author)
		request.author = request_author(arena, &request);
	ip_parse(test->client.value, &request.client);
	if (test->claims.value)
		ip_parse(test->claims.value, &request.claims);
	return request;
}

static const char *name_of(const struct node *node)
{
	return node ? node->head.name.value : "nowhere";
}

const char *trace_summary(struct arena *arena, const struct trace_result *result)
{
	const char *at = name_of(result->end);

	switch (result->outcome) {
	case OUTCOME_DELIVERED:
		return arena_printf(arena, "delivered at %s", at);
	case OUTCOME_RELAYED:
		return arena_printf(arena, "relayed to %s", at);
	case OUTCOME_REJECTED:
		return arena_printf(arena, "rejected at %s: %d %s", at, result->code,
				    result->reply);
	case OUTCOME_DEFERRED:
		return arena_printf(arena, "deferred at %s: %d %s", at, result->code,
				    result->reply);
	case OUTCOME_BOUNCED:
		return arena_printf(arena, "bounced at %s: %d %s", at, result->code, result->reply);
	case OUTCOME_LOOPS:
		return arena_printf(arena, "loops at %s", at);
	default:
		return arena_printf(arena, "unreachable: %s", result->reply);
	}
}

/* --- expectations --- */

struct comparison {
	struct arena *arena;
	const struct expectation *expect;
	const struct trace_result *result;
	const char *why;
};

static void differ(struct comparison *comparison, const char *what, const char *wanted,
		   const char *got)
{
	if (!comparison->why)
		comparison->why = arena_printf(comparison->arena, "%s: expected %s, but it is %s",
					       what, wanted, got);
}

static bool arrived(const struct trace_result *result)
{
	return result->outcome == OUTCOME_DELIVERED || result->outcome == OUTCOME_RELAYED;
}

static void compare_outcome(struct comparison *comparison)
{
	const struct expectation *expect = comparison->expect;
	const struct trace_result *result = comparison->result;
	enum outcome wanted = expectation_outcome(expect);
	const struct node *node =
		expect->delivered_node ? expect->delivered_node : expect->relayed_node;
	const char *got = trace_summary(comparison->arena, result);

	if (wanted != OUTCOME_ANY && wanted != result->outcome)
		differ(comparison, "outcome", outcome_words[wanted], got);
	if (wanted == OUTCOME_ANY && !expect->verdict.given && !arrived(result))
		differ(comparison, "outcome", "that it arrives", got);
	if (node && node != result->end)
		differ(comparison, "outcome",
		       arena_printf(comparison->arena, "%s %s", outcome_words[wanted],
				    node->head.name.value),
		       got);
	if (expect->code.given && (int)expect->code.value != result->code)
		differ(comparison, "code",
		       arena_printf(comparison->arena, "%lu", expect->code.value), got);
}

static const char *path_of(struct arena *arena, struct node *const *nodes, size_t count)
{
	const char *text = count ? nodes[0]->head.name.value : "none";

	for (size_t i = 1; i < count; i++)
		text = arena_printf(arena, "%s, %s", text, nodes[i]->head.name.value);
	return text;
}

static void compare_path(struct comparison *comparison)
{
	const struct expectation *expect = comparison->expect;
	const struct hops *hops = &comparison->result->hops;
	struct node **nodes = arena_array(comparison->arena, hops->count + 1, sizeof(*nodes));
	size_t count = 0;

	for (size_t i = 0; i < hops->count; i++)
		if (hops->items[i].node->kind.value <= KIND_DMS)
			nodes[count++] = (struct node *)hops->items[i].node;
	if (!expect->via_count || (count == expect->via_count &&
				   memcmp(nodes, expect->via_nodes, count * sizeof(*nodes)) == 0))
		return;
	differ(comparison, "via", path_of(comparison->arena, expect->via_nodes, expect->via_count),
	       path_of(comparison->arena, nodes, count));
}

static void compare_signature(struct comparison *comparison)
{
	const struct names *names = &comparison->result->signed_by;
	const char *wanted = comparison->expect->signed_by.value;
	const char *got = names->count ? names->items[0] : "none";
	bool found = false;

	if (!wanted)
		return;
	for (size_t i = 0; i < names->count; i++)
		found |= strcasecmp(names->items[i], wanted) == 0;
	if (!found && (strcmp(wanted, "none") != 0 || names->count))
		differ(comparison, "signed_by", wanted, got);
}

static const char *sources_of(struct arena *arena, const struct hop *hop)
{
	char four[IP_TEXT_SIZE], six[IP_TEXT_SIZE];

	if (hop->source4.family != IP_NONE && hop->source6.family != IP_NONE)
		return arena_printf(arena, "%s or %s", ip_format(&hop->source4, four),
				    ip_format(&hop->source6, six));
	if (hop->source4.family == IP_NONE && hop->source6.family == IP_NONE)
		return "not known";
	return arena_strdup(
		arena,
		ip_format(hop->source4.family == IP_NONE ? &hop->source6 : &hop->source4, four));
}

/* Each address that the connection may come from has to be one of those expected. */
static void compare_source(struct comparison *comparison)
{
	const struct text_list *wanted = &comparison->expect->source_address;
	const struct hops *hops = &comparison->result->hops;
	const struct hop *last = hops->count ? &hops->items[hops->count - 1] : NULL;
	bool four = !last || last->source4.family == IP_NONE;
	bool six = !last || last->source6.family == IP_NONE;
	struct ip_address address;

	if (!wanted->count)
		return;
	if (!last || (four && six)) {
		differ(comparison, "source_address", wanted->items[0].value, "not known");
		return;
	}
	for (size_t i = 0; i < wanted->count; i++) {
		if (ip_parse(wanted->items[i].value, &address) != IP_OK)
			continue;
		four |= ip_equal(&address, &last->source4);
		six |= ip_equal(&address, &last->source6);
	}
	if (!four || !six)
		differ(comparison, "source_address", wanted->items[0].value,
		       sources_of(comparison->arena, last));
}

static void compare_sender(struct comparison *comparison)
{
	const char *wanted = comparison->expect->rewritten_from.value;
	const char *got = comparison->result->sender;

	if (wanted && strcasecmp(strcmp(wanted, "<>") == 0 ? "" : wanted, got) != 0)
		differ(comparison, "rewritten_from", wanted, *got ? got : "<>");
}

bool trace_meets(struct arena *arena, const struct expectation *expect,
		 const struct trace_result *result, const char **why)
{
	struct comparison comparison = {.arena = arena, .expect = expect, .result = result};

	compare_outcome(&comparison);
	compare_path(&comparison);
	compare_signature(&comparison);
	compare_source(&comparison);
	compare_sender(&comparison);
	if (comparison.why)
		*why = comparison.why;
	return !comparison.why;
}
