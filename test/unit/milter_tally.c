/* Which counter each record of the log adds to. */
#include "milter/tally.h"
#include "milter/policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* Whether the counters have this line. */
static void expect(struct metrics *metrics, const char *line)
{
	size_t length;
	char *text = metrics_render(metrics, &length);
	const char *found;

	assert_non_null(text);
	found = strstr(text, line);
	if (!found || found[strlen(line)] != '\n' || (found > text && found[-1] != '\n'))
		fail_msg("no line '%s' in:\n%s", line, text);
	free(text);
}

static void test_verdicts(void **state)
{
	static const char *const verdicts[] = {"signed",   "passed",	  "deferred", "rejected",
					       "verified", "quarantined", "aborted"};
	static const char *const listeners[] = {"in", NULL};
	struct metrics *metrics = metrics_new(listeners, policy_rule_names);
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		for (size_t times = 0; times <= i; times++) {
			tally_message(metrics, &(struct message_record){.listener = "in",
									.verdict = verdicts[i]});
			tally_message(metrics, &(struct message_record){.listener = "unknown",
									.verdict = verdicts[i]});
		}
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		snprintf(line, sizeof(line),
			 "postern_milter_messages_total{listener=\"in\",verdict=\"%s\"} %zu",
			 verdicts[i], i + 1);
		expect(metrics, line);
		snprintf(line, sizeof(line),
			 "postern_milter_messages_total{listener=\"other\",verdict=\"%s\"} %zu",
			 verdicts[i], i + 1);
		expect(metrics, line);
	}
	metrics_free(metrics);
	tally_message(NULL, &(struct message_record){.verdict = "signed"});
	tally_question(NULL, &(struct message_record){.verdict = "passed"});
}

/* A rule is counted when it refuses, not when it is only logged. */
static void test_refusals(void **state)
{
	static const struct {
		const char *verdict;
		bool counted;
	} cases[] = {{"rejected", true},
		     {"deferred", true},
		     {"passed", false},
		     {"signed", false},
		     {"quarantined", false}};
	unsigned wanted = 0;
	struct metrics *metrics = metrics_new(NULL, policy_rule_names);
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct message_record record = {.verdict = cases[i].verdict,
						      .rule = "claimed_loopback"};

		tally_message(metrics, &record);
		tally_question(metrics, &record);
		wanted += cases[i].counted ? 2 : 0;
		snprintf(line, sizeof(line),
			 "postern_milter_claimed_address_refusals_total{rule=\"claimed_loopback\"} "
			 "%u",
			 wanted);
		expect(metrics, line);
	}
	expect(metrics, "postern_milter_policy_answers_total{answer=\"reject\"} 1");
	expect(metrics, "postern_milter_policy_answers_total{answer=\"hold\"} 1");
	metrics_free(metrics);
}

static void test_signatures(void **state)
{
	static const struct {
		const char *from, *domain, *label;
	} cases[] = {
		{"example.com", "example.com", "own"},
		{"Example.COM", "example.com", "own"},
		{"a.example.com", "example.com", "subdomain"},
		{"aexample.com", "example.com", "other"},
		{"elsewhere.test", "example.com", "other"},
		{NULL, "example.com", "other"},
	};
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct metrics *metrics = metrics_new(NULL, NULL);

		/* the third was not made: an earlier hop had */
		tally_message(
			metrics,
			&(struct message_record){
				.verdict = "signed",
				.from = cases[i].from,
				.signatures = {{cases[i].domain, "s", "rsa-sha256", NULL, 1},
					       {cases[i].domain, "s", "ed25519-sha256", NULL, 1},
					       {cases[i].domain, "s", "rsa-sha256", NULL, 0}},
				.signature_count = 3});
		for (int j = 0; j < 2; j++) {
			snprintf(
				line, sizeof(line),
				"postern_milter_signatures_total{domain=\"%s\",algorithm=\"%s\"} 1",
				cases[i].label, j ? "ed25519-sha256" : "rsa-sha256");
			expect(metrics, line);
		}
		metrics_free(metrics);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
