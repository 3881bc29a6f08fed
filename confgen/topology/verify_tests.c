/* Whether the tests of a topology make sense: places that there are, wishes that can come true. */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/schema.h"
#include "common/name_map.h"

#include <stdlib.h>

bool topology_has_listener(const struct node *node, const char *name)
{
	char *end;
	unsigned long port = strtoul(name, &end, 10);

	if (!*end)
		return port >= 1 && port <= 65535;
	for (size_t i = 0; i < node->listeners.count; i++)
		if (strcmp(node->listeners.items[i].head.name.value, name) == 0)
			return service_is_smtp(node->listeners.items[i].service.value);
	for (int i = 0; service_is_smtp(i); i++)
		if (strcmp(service_words[i], name) == 0)
			return true;
	return false;
}

static void verify_place(const struct test_case *test, struct diagnostics *list)
{
	const struct node *node = test->node;

	if (!node || (!node->kind.given && node->kind.value != KIND_INTERNET))
		return;
	if (node->kind.value == KIND_INTERNET || node->kind.value == KIND_SMARTHOST) {
		report(list, TEST, test->at.at, "'%s' is a host of others: nothing is known of it",
		       node->head.name.value);
		diagnostics_hint(list, "name a node of yours that the client connects to");
	} else if (test->listener && !topology_has_listener(node, test->listener)) {
		report(list, TEST, test->at.at, "'%s' has no SMTP listener '%s'",
		       node->head.name.value, test->listener);
		diagnostics_hint(list, "name a listener of the node, smtp, submission, "
				       "submissions, or a port");
	}
}

/* What only a client that connects can do. */
static void verify_client(const struct test_case *test, struct diagnostics *list)
{
	if (!test->client.value || strcmp(test->client.value, "local") != 0)
		return;
	if (test->auth.value)
		report(list, TEST, test->auth.at, "mail of sendmail(1) comes without a login");
	if (test->claims.value)
		report(list, TEST, test->claims.at, "sendmail(1) sends no PROXY header");
}

static void verify_ends(const struct expectation *expect, struct diagnostics *list)
{
	const struct node *mailbox = expect->delivered_node, *relay = expect->relayed_node;

	if (mailbox && mailbox->kind.given && mailbox->kind.value != KIND_DMS) {
		report(list, TEST, expect->delivered_at.at, "'%s' has no mailboxes",
		       mailbox->head.name.value);
		diagnostics_hint(list, "nodes of kind dms have; what goes to hosts of others is "
				       "relayed_to them");
	}
	if (relay && relay->kind.given && relay->kind.value != KIND_INTERNET &&
	    relay->kind.value != KIND_SMARTHOST)
		report(list, TEST, expect->relayed_to.at,
		       "'%s' is a node of yours: mail ends at a smarthost, at internet, or with "
		       "delivered_at in a mailbox",
		       relay->head.name.value);
	for (size_t i = 0; i < expect->via_count && expect->via_count == expect->via.count; i++) {
		int kind = expect->via_nodes[i]->kind.value;

		if (kind == KIND_POSTFIX || kind == KIND_DMS)
			continue;
		report(list, TEST, expect->via.items[i].at,
		       "'%s' handles no mail: 'via' lists the nodes of kind postfix and dms",
		       expect->via_nodes[i]->head.name.value);
	}
}

/* What an outcome has, and what it cannot have. */
static void verify_outcome(const struct expectation *expect, struct diagnostics *list)
{
	enum outcome outcome = expectation_outcome(expect);
	const char *word = outcome_words[outcome];
	bool arrives = outcome == OUTCOME_DELIVERED || outcome == OUTCOME_RELAYED ||
		       outcome == OUTCOME_ANY;
	bool refused = outcome == OUTCOME_REJECTED || outcome == OUTCOME_DEFERRED ||
		       outcome == OUTCOME_BOUNCED;

	if ((expect->delivered_at.value && outcome != OUTCOME_DELIVERED) ||
	    (expect->relayed_to.value && outcome != OUTCOME_RELAYED)) {
		report(list, TEST, expect->verdict.given ? expect->verdict.at : expect->head.at,
		       "'%s' contradicts where the mail is to arrive", word);
	} else if (expect->code.given && !refused) {
		report(list, TEST, expect->code.at, "mail that is %s has no reply code", word);
	} else if (expect->code.given && expect->verdict.given && outcome != OUTCOME_BOUNCED &&
		   (expect->code.value < 500) != (outcome == OUTCOME_DEFERRED)) {
		report(list, TEST, expect->verdict.at, "%s mail has a code of %s", word,
		       outcome == OUTCOME_DEFERRED ? "400 to 499" : "500 to 599");
	}
	if (arrives)
		return;
	if (expect->signed_by.value)
		report(list, TEST, expect->signed_by.at,
		       "mail that is %s arrives nowhere, so no one sees a signature", word);
	if (expect->rewritten_from.value)
		report(list, TEST, expect->rewritten_from.at,
		       "mail that is %s arrives nowhere, so no one sees its sender", word);
}

void topology_verify_tests(struct arena *arena, const struct topology *topology,
			   struct diagnostics *list)
{
	struct name_map *names = name_map_new(arena, topology->tests.count);

	for (size_t i = 0; i < topology->tests.count; i++) {
		const struct test_case *test = &topology->tests.items[i];

		if (test->label.value && name_map_add(names, test->label.value, names))
			report(list, NAME_TWICE, test->label.at, "there is a test '%s' already",
			       test->label.value);
		verify_place(test, list);
		verify_client(test, list);
		verify_ends(&test->expect, list);
		if (test->expect.head.given)
			verify_outcome(&test->expect, list);
	}
}
