/* The line that tells what became of a message, and names in envelope addresses. */
#include "milter/idna.h"
#include "milter/journal.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct ip_address address;

static struct message_record full_record(void)
{
	struct message_record record = {
		.queue_id = "4X",
		.listener = "in",
		.address = &address,
		.claimed = true,
		.client = CLIENT_AUTHENTICATED,
		.from = "example.com",
		.signatures = {{"example.com", "rsa", "rsa-sha256", NULL, 0},
			       {"example.com", "ed", "ed25519-sha256", NULL, 0}},
		.signature_count = 2,
		.verdict = "deferred",
		.cause = "a \"reason\"\n",
		.milliseconds = 12,
	};

	assert_int_equal(ip_parse("203.0.113.9", &address), IP_OK);
	return record;
}

static void test_text(void **state)
{
	struct message_record record = full_record();
	char text[1000];

	(void)state;
	assert_string_equal(
		journal_format(&record, false, text, sizeof(text)),
		"queue=4X client=203.0.113.9 address=claimed listener=in reason=authenticated "
		"from=example.com d=example.com s=rsa,ed a=rsa-sha256,ed25519-sha256 "
		"verdict=deferred ms=12 cause=\"a ?reason??\"");
	record.claimed = false;
	assert_non_null(strstr(journal_format(&record, false, text, sizeof(text)),
			       " address=direct listener=in "));
	record = (struct message_record){.verdict = "passed"};
	assert_string_equal(
		journal_format(&record, false, text, sizeof(text)),
		"queue=- client=- address=- listener=- reason=stranger from=- d=- s=- a=- "
		"verdict=passed ms=0");
}

/* What a stranger wrote can forge neither a key nor a line, and is cut. */
static void test_hostile(void **state)
{
	struct message_record record = full_record();
	char text[1000], domain[600];

	(void)state;
	record.from = "a.test verdict=signed\nqueue=5\xff\"";
	journal_format(&record, false, text, sizeof(text));
	assert_non_null(strstr(text, "from=a.test?verdict?signed?queue?5?? d="));
	memset(domain, 'x', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	record.from = domain;
	journal_format(&record, false, text, sizeof(text));
	assert_non_null(strstr(text, " verdict=deferred"));
}

/* Of verified signatures each has a domain and a result; what a stranger wrote is shown harmlessly.
 */
static void test_verified(void **state)
{
	struct message_record record = {
		.queue_id = "4X",
		.signatures = {{"a.test", "s1", "rsa-sha256", "pass", 0},
			       {"b.test,d=x y\n", NULL, "\xff", "fail", 0}},
		.signature_count = 2,
		.verdict = "verified",
	};
	char text[2000], domain[600];

	(void)state;
	assert_string_equal(journal_format(&record, false, text, sizeof(text)),
			    "queue=4X client=- address=- listener=- reason=stranger from=- "
			    "d=a.test,b.test?d?x?y? s=s1,- "
			    "a=rsa-sha256,? dkim=pass,fail verdict=verified ms=0");
	/* names that fill the line are cut, and the verdict is there all the same */
	memset(domain, 'x', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	for (record.signature_count = 0; record.signature_count < JOURNAL_MOST_SIGNATURES;)
		record.signatures[record.signature_count++] =
			(struct signature_record){domain, domain, domain, "temperror", 0};
	journal_format(&record, false, text, sizeof(text));
	assert_non_null(strstr(text, " verdict=verified ms=0"));
	assert_true(strlen(text) < 1900);
}

static void test_question(void **state)
{
	struct message_record record = {
		.service = "policy",
		.sender = "a.test\nqueue=5",
		.verdict = "rejected",
		.cause = "no sender binding matches the client",
	};
	char text[1000];

	(void)state;
	assert_string_equal(journal_format(&record, false, text, sizeof(text)),
			    "service=policy queue=- client=- address=- listener=- reason=stranger "
			    "sender=a.test?queue?5 verdict=rejected ms=0 cause=\"no sender binding "
			    "matches the client\"");
	assert_string_equal(
		journal_format(&record, true, text, sizeof(text)),
		"{\"service\":\"policy\",\"queue\":\"-\",\"client\":\"-\",\"address\":\"-\","
		"\"listener\":\"-\",\"reason\":\"stranger\",\"sender\":\"a.test?queue?5\","
		"\"verdict\":\"rejected\","
		"\"ms\":0,\"cause\":\"no sender binding matches the client\"}");
}

static void test_json(void **state)
{
	struct message_record record = full_record();
	char text[1000];
	json_t *object;

	(void)state;
	record.from = "a.test\"},{\xff";
	object = json_loads(journal_format(&record, true, text, sizeof(text)), 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "queue")), "4X");
	assert_string_equal(json_string_value(json_object_get(object, "from")), "a.test?????");
	assert_string_equal(json_string_value(json_object_get(object, "s")), "rsa,ed");
	assert_string_equal(json_string_value(json_object_get(object, "address")), "claimed");
	assert_string_equal(json_string_value(json_object_get(object, "listener")), "in");
	assert_int_equal(json_integer_value(json_object_get(object, "ms")), 12);
	assert_string_equal(json_string_value(json_object_get(object, "cause")), "a ?reason??");
	json_decref(object);
}

static void test_envelope(void **state)
{
	static const struct {
		const char *address, *domain; /* domain: NULL when it is no address */
	} cases[] = {
		{"<u@Example.COM>", "example.com"},
		{"u@example.com", "example.com"},
		{"<u@example.com.>", "example.com"},
		{"<\"a@b\"@example.com>", "example.com"},
		{"<\"a\\\"@b\"@example.com>", "example.com"},
		{"<@a.test,@b.test:u@example.com>", "example.com"},
		{"<u@ex\xc3\xa4mple.com>", "xn--exmple-cua.com"},
		{"<u@[192.0.2.1]>", "[192.0.2.1]"},
		{"<user>", ""},
		{"<>", ""},
		{"", ""},
		{"<\"u@example.com\">", ""},
		{"<u@>", NULL},
		{"<u@.>", NULL},
		{"<u@example.com", NULL},
		{"<u@\xff>", NULL},
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *domain = NULL;
		int error = idna_envelope_domain(arena, cases[i].address, &domain);

		if ((error == 0) != (cases[i].domain != NULL))
			fail_msg("%s: %d", cases[i].address, error);
		if (cases[i].domain)
			assert_string_equal(domain, cases[i].domain);
		else
			assert_int_equal(error, -EINVAL);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	 cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_verified), cmocka_unit_test(test_question),
		cmocka_unit_test(test_json),	 cmocka_unit_test(test_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
