/* The rules of signing, as tables. */
#include "milter/policy.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char *below_example[] = {"mail.example.com"};

static struct signing_domain domains[] = {
	{.name = "example.com", .itself = true, .subdomains = {below_example, 1}},
	{.name = "example.net", .itself = true},
	{.name = "example.org", .below = true},
	{.name = "xn--exmple-cua.com", .itself = true},
};

static struct ip_network networks[4];

static struct arena *names;

static struct config config = {
	.internal = {networks, 4},
	.domains = domains,
	.domain_count = 4,
};

static int set_up(void **state)
{
	const char *name;

	(void)state;
	names = arena_new(0);
	config.exact = name_map_new(names, 4);
	config.below = name_map_new(names, 4);
	for (size_t i = 0; i < 4; i++)
		assert_null(config_index_domain(&config, &domains[i], &name));
	assert_int_equal(ip_network_parse("127.0.0.0/8", &networks[0]), IP_OK);
	assert_int_equal(ip_network_parse("::1/128", &networks[1]), IP_OK);
	assert_int_equal(ip_network_parse("192.168.2.3/32", &networks[2]), IP_OK);
	assert_int_equal(ip_network_parse("2001:db8:1::/48", &networks[3]), IP_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(names);
	return 0;
}

static void test_clients(void **state)
{
	static const struct {
		const char *address; /* NULL: none */
		bool local, authenticated;
		enum client_kind kind;
	} cases[] = {
		{"127.0.0.1", false, false, CLIENT_INTERNAL},
		{"127.255.0.9", false, false, CLIENT_INTERNAL},
		{"::1", false, false, CLIENT_INTERNAL},
		{"192.168.2.3", false, false, CLIENT_INTERNAL},
		{"::ffff:192.168.2.3", false, false, CLIENT_INTERNAL},
		{"2001:db8:1::25", false, false, CLIENT_INTERNAL},
		{"192.168.2.4", false, false, CLIENT_STRANGER},
		{"::ffff:192.168.2.4", false, false, CLIENT_STRANGER},
		{"2001:db8:2::25", false, false, CLIENT_STRANGER},
		{"::2", false, false, CLIENT_STRANGER},
		{"::", false, false, CLIENT_STRANGER},
		{"0.0.0.0", false, false, CLIENT_STRANGER},
		{NULL, false, false, CLIENT_STRANGER},
		{NULL, true, false, CLIENT_LOCAL},
		{"203.0.113.9", false, true, CLIENT_AUTHENTICATED},
		{NULL, false, true, CLIENT_AUTHENTICATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client client = {.local = cases[i].local,
					.authenticated = cases[i].authenticated};

		if (cases[i].address)
			assert_int_equal(ip_parse(cases[i].address, &client.address), IP_OK);
		if (policy_client(&config, &client) != cases[i].kind)
			fail_msg("%s is %s", cases[i].address,
				 client_kind_name(policy_client(&config, &client)));
	}
}

/* A relay that logs in brings strangers' mail, from whichever address. */
static void test_relay_users(void **state)
{
	static const char *users[] = {"relay@example.com", "mx2"};
	static const struct config with_relays = {.relay_users = {users, 2}};
	struct client client = {.authenticated = true};

	(void)state;
	assert_true(config_is_relay_user(&with_relays, "relay@example.com"));
	assert_true(config_is_relay_user(&with_relays, "MX2"));
	assert_false(config_is_relay_user(&with_relays, "user@example.com"));
	assert_false(config_is_relay_user(&with_relays, ""));
	assert_false(config_is_relay_user(&config, "mx2"));
	client.relay = true;
	assert_int_equal(policy_client(&config, &client), CLIENT_STRANGER);
	assert_int_equal(ip_parse("127.0.0.1", &client.address), IP_OK);
	assert_int_equal(policy_client(&config, &client), CLIENT_STRANGER);
}

static void test_no_networks(void **state)
{
	static const struct config none = {.domains = domains, .domain_count = 2};
	struct client client = {.local = false};

	(void)state;
	assert_int_equal(ip_parse("127.0.0.1", &client.address), IP_OK);
	assert_int_equal(policy_client(&none, &client), CLIENT_STRANGER);
}

static void test_messages(void **state)
{
	static const struct {
		const char *from[3];
		const char *obstacle;
		enum verdict verdict;
		const char *domain, *cause; /* as far as they matter */
	} cases[] = {
		{{"u@example.com"}, NULL, VERDICT_SIGN, "example.com", NULL},
		{{"u@mail.example.com"}, NULL, VERDICT_SIGN, "example.com", NULL},
		{{"u@EXAMPLE.net"}, NULL, VERDICT_SIGN, "example.net", NULL},
		{{"a@example.com, b@mail.example.com"}, NULL, VERDICT_SIGN, "example.com", NULL},
		{{"a@example.com, b@elsewhere.test"}, NULL, VERDICT_SIGN, "example.com", NULL},
		{{"b@elsewhere.test, a@example.com"}, NULL, VERDICT_SIGN, "example.com", NULL},
		/* not ours */
		{{NULL}, NULL, VERDICT_PASS, NULL, "no From field"},
		{{"u@elsewhere.test"}, NULL, VERDICT_PASS, NULL, "From domain is not ours"},
		{{"u@other.example.com"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u@notexample.com"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u@example.com.evil.test"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"\"u@example.com\" <u@elsewhere.test>"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"a@elsewhere.test", "b@elsewhere.test"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"\"open <u@elsewhere.test>"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u@elsewhere.test"}, "header too large", VERDICT_PASS, NULL, NULL},
		/* ours, and cannot be signed */
		{{"a@example.com", "b@example.com"},
		 NULL,
		 VERDICT_DEFER,
		 "example.com",
		 "several From fields"},
		{{"a@elsewhere.test", "b@example.com"}, NULL, VERDICT_DEFER, "example.com", NULL},
		{{"a@example.com, b@example.net"},
		 NULL,
		 VERDICT_DEFER,
		 "example.com",
		 "authors in several signing domains"},
		{{"\"open <u@example.com>"},
		 NULL,
		 VERDICT_DEFER,
		 "example.com",
		 "malformed From field"},
		{{"u@example.com <u@elsewhere.test>"}, NULL, VERDICT_DEFER, "example.com", NULL},
		{{"u@elsewhere.test", "\"open <u@mail.example.com>"},
		 NULL,
		 VERDICT_DEFER,
		 NULL,
		 NULL},
		{{"u@example.com"},
		 "header too large",
		 VERDICT_DEFER,
		 "example.com",
		 "header too large"},
		{{"(too large)"}, NULL, VERDICT_DEFER, NULL, "From field too large"},
		/* all below example.org, but not itself; other forms of a name */
		{{"u@a.example.org"}, NULL, VERDICT_SIGN, "example.org", NULL},
		{{"u@b.a.example.org"}, NULL, VERDICT_SIGN, "example.org", NULL},
		{{"u@example.org"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u@notexample.org"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"u@ex\xc3\xa4mple.com"}, NULL, VERDICT_SIGN, "xn--exmple-cua.com", NULL},
		/* malformed: every mention counts, wherever it stands */
		{{"\"open <u@a.b.example.org>"}, NULL, VERDICT_DEFER, "example.org", NULL},
		{{"\"open <u@example.com.evil.test>"}, NULL, VERDICT_DEFER, "example.com", NULL},
		{{"\"open <u@ex\xc3\xa4mple.com>"}, NULL, VERDICT_DEFER, "xn--exmple-cua.com", NULL},
		{{"\"open <u@EX\xc3\x84MPLE.com>"}, NULL, VERDICT_DEFER, "xn--exmple-cua.com", NULL},
		{{"\"open <u@notexample.com>"}, NULL, VERDICT_PASS, NULL, NULL},
		{{"\"open example.com"}, NULL, VERDICT_PASS, NULL, NULL},
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct from_field fields[3];
		struct decision got;
		size_t count = 0;

		for (; count < 3 && cases[i].from[count]; count++) {
			const char *value = cases[i].from[count];

			fields[count] = (struct from_field){.value = value};
			assert_int_equal(from_parse(arena, value, &fields[count].parsed), 0);
			if (strcmp(value, "(too large)") == 0)
				fields[count].value = NULL;
		}
		got = policy_message(&config, fields, count, NULL, cases[i].obstacle);
		if (got.verdict != cases[i].verdict)
			fail_msg("case %zu: verdict %d", i, (int)got.verdict);
		assert_true((got.verdict == VERDICT_SIGN) == (got.cause == NULL));
		if (cases[i].domain)
			assert_string_equal(got.domain->name, cases[i].domain);
		if (cases[i].cause)
			assert_string_equal(got.cause, cases[i].cause);
	}
	arena_free(arena);
}

/* Where no author is ours, Sender decides; it never overrules an author. */
static void test_senders(void **state)
{
	static const struct {
		const char *from, *sender, *domain; /* domain: NULL when it passes */
	} cases[] = {
		{"u@elsewhere.test", "s@example.com", "example.com"},
		{"u@elsewhere.test", "s@mail.example.com", "example.com"},
		{"u@example.net", "s@example.com", "example.net"},
		{"u@elsewhere.test", "s@elsewhere.test", NULL},
		{"u@elsewhere.test", "a@example.com, b@elsewhere.test", NULL},
		{"u@elsewhere.test", "\"open <s@example.com>", NULL},
		{"u@elsewhere.test", NULL, NULL},
		{NULL, "s@example.com", NULL},
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct from_field field = {.value = cases[i].from};
		struct from sender;
		struct decision got;

		if (cases[i].from)
			assert_int_equal(from_parse(arena, cases[i].from, &field.parsed), 0);
		if (cases[i].sender)
			assert_int_equal(from_parse(arena, cases[i].sender, &sender), 0);
		got = policy_message(&config, &field, cases[i].from ? 1 : 0,
				     cases[i].sender ? &sender : NULL, NULL);
		assert_int_equal(got.verdict, cases[i].domain ? VERDICT_SIGN : VERDICT_PASS);
		if (cases[i].domain)
			assert_string_equal(got.domain->name, cases[i].domain);
	}
	arena_free(arena);
}

/* several_authors = reject: those messages alone are refused for good. */
static void test_several_authors(void **state)
{
	struct from_field fields[2] = {{.value = "a@example.com"}, {.value = "b@example.com"}};
	struct from_field both = {.value = "a@example.com, b@example.net"};
	struct from_field broken = {.value = "\"open <u@example.com>"};
	struct arena *arena = arena_new(0);
	struct config rejecting = config;

	(void)state;
	rejecting.several_authors_reject = true;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(from_parse(arena, fields[i].value, &fields[i].parsed), 0);
	assert_int_equal(from_parse(arena, both.value, &both.parsed), 0);
	assert_int_equal(from_parse(arena, broken.value, &broken.parsed), 0);
	assert_int_equal(policy_message(&rejecting, fields, 2, NULL, NULL).verdict, VERDICT_REJECT);
	assert_int_equal(policy_message(&rejecting, &both, 1, NULL, NULL).verdict, VERDICT_REJECT);
	assert_int_equal(policy_message(&rejecting, &broken, 1, NULL, NULL).verdict, VERDICT_DEFER);
	assert_int_equal(policy_message(&config, fields, 2, NULL, NULL).verdict, VERDICT_DEFER);
	fields[0].value = NULL; /* too large: it may be mended */
	assert_int_equal(policy_message(&rejecting, fields, 1, NULL, NULL).verdict, VERDICT_DEFER);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_relay_users),
		cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_several_authors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
