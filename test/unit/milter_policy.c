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
		{{"\"open <u@ex\xc3\xa4mple.com>"},
		 NULL,
		 VERDICT_DEFER,
		 "xn--exmple-cua.com",
		 NULL},
		{{"\"open <u@EX\xc3\x84MPLE.com>"},
		 NULL,
		 VERDICT_DEFER,
		 "xn--exmple-cua.com",
		 NULL},
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

static struct ip_network proxies[1], own[1];

/* A listener with the proxy 192.0.2.10; on the trusting one 10.1.0.0/16 is internal. */
static struct config with_listener(struct listener *listener, bool proxied, bool trusting,
				   enum rule_action action)
{
	struct config other = config;

	assert_int_equal(ip_network_parse("192.0.2.10", &proxies[0]), IP_OK);
	assert_int_equal(ip_network_parse("10.1.0.0/16", &own[0]), IP_OK);
	*listener = (struct listener){
		.name = "l", .mode = MODE_SIGN, .proxied = proxied, .proxies = {proxies, 1}};
	if (trusting) {
		listener->internal = (struct networks){own, 1};
		listener->has_internal = true;
	}
	for (size_t i = 0; i < RULE_COUNT; i++)
		listener->actions[i] = action;
	other.all_proxies = (struct networks){proxies, 1};
	return other;
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool proxied, trusting;
		const char *cause; /* part of it; NULL: it can be true */
		bool later;
		enum client_kind kind; /* where the rule only logs */
	} cases[] = {
		{"203.0.113.9", true, false, NULL, false, CLIENT_STRANGER},
		{"127.0.0.1", true, false, "loopback", false, CLIENT_STRANGER},
		{"127.0.0.1", true, true, "loopback", false, CLIENT_STRANGER},
		{"::ffff:127.0.0.1", true, false, "loopback", false, CLIENT_STRANGER},
		{"::1", true, false, "loopback", false, CLIENT_STRANGER},
		{"0.0.0.0", true, false, "unspecified", false, CLIENT_STRANGER},
		{"::", true, false, "unspecified", false, CLIENT_STRANGER},
		{"::ffff:0.0.0.0", true, false, "unspecified", false, CLIENT_STRANGER},
		{"169.254.0.1", true, false, "link-local", false, CLIENT_STRANGER},
		{"fe80::1", true, false, "link-local", false, CLIENT_STRANGER},
		{"239.1.2.3", true, false, "multicast", false, CLIENT_STRANGER},
		{"ff02::1", true, false, "multicast", false, CLIENT_STRANGER},
		{"192.168.2.3", true, false, "internal", false, CLIENT_STRANGER},
		{"::ffff:192.168.2.3", true, false, "internal", false, CLIENT_STRANGER},
		{"192.168.2.3", true, true, NULL, false, CLIENT_STRANGER},
		{"10.1.0.1", true, true, NULL, false, CLIENT_INTERNAL},
		{"10.1.0.1", true, false, NULL, false, CLIENT_STRANGER},
		{"192.0.2.10", true, false, "proxy itself", true, CLIENT_STRANGER},
		{"::ffff:192.0.2.10", true, true, "proxy itself", true, CLIENT_STRANGER},
		{"192.0.2.11", true, false, NULL, false, CLIENT_STRANGER},
		{NULL, true, false, NULL, false, CLIENT_STRANGER},
		/* not proxied */
		{"192.0.2.10", false, false, "header lost", false, CLIENT_STRANGER},
		{"::ffff:192.0.2.10", false, false, "header lost", false, CLIENT_STRANGER},
		{"127.0.0.1", false, false, NULL, false, CLIENT_INTERNAL},
		{"192.168.2.3", false, false, NULL, false, CLIENT_INTERNAL},
		{"192.168.2.3", false, true, NULL, false, CLIENT_STRANGER},
		{"10.1.0.1", false, true, NULL, false, CLIENT_INTERNAL},
		{"169.254.0.1", false, false, NULL, false, CLIENT_STRANGER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listener listener;
		struct client client = {.listener = &listener};
		struct config other = with_listener(&listener, cases[i].proxied, cases[i].trusting,
						    ACTION_REJECT);
		struct judgement got;

		if (cases[i].address)
			assert_int_equal(ip_parse(cases[i].address, &client.address), IP_OK);
		got = policy_address(&other, &client);
		if (cases[i].cause ? !got.cause || !strstr(got.cause, cases[i].cause)
				   : got.cause != NULL)
			fail_msg("case %zu, %s: %s", i, cases[i].address,
				 got.cause ? got.cause : "true");
		assert_int_equal(got.kind, cases[i].cause ? JUDGEMENT_REJECT : JUDGEMENT_GOOD);
		assert_int_equal(got.later, cases[i].later);
		assert_int_equal(policy_client(&other, &client), cases[i].kind);
		/* a login counts wherever it comes from, a forged sendmail(1) does not */
		client.local = cases[i].proxied;
		assert_int_equal(policy_client(&other, &client), cases[i].kind);
		client.authenticated = true;
		assert_int_equal(policy_client(&other, &client), CLIENT_AUTHENTICATED);
	}
}

/* Behind a proxy that is seen as the client there may be anybody, even where its address is
 * internal. */
static void test_proxy_is_never_internal(void **state)
{
	struct ip_network wide;
	struct listener listener;
	struct client client = {.listener = &listener};

	(void)state;
	assert_int_equal(ip_network_parse("192.0.2.0/24", &wide), IP_OK);
	for (int proxied = 0; proxied < 2; proxied++) {
		for (int named = 0; named < 2; named++) {
			struct config other = with_listener(&listener, proxied, false, ACTION_LOG);
			bool known = named || !proxied; /* a proxied listener looks at its own */

			other.internal = listener.internal = (struct networks){&wide, 1};
			listener.has_internal = true;
			if (named)
				other.all_proxies.count = 0;
			else
				listener.proxies.count = 0;
			assert_int_equal(ip_parse("192.0.2.11", &client.address), IP_OK);
			assert_int_equal(policy_client(&other, &client), CLIENT_INTERNAL);
			assert_int_equal(ip_parse("192.0.2.10", &client.address), IP_OK);
			assert_int_equal(policy_client(&other, &client),
					 known ? CLIENT_STRANGER : CLIENT_INTERNAL);
		}
	}
}

static void test_actions(void **state)
{
	static const struct {
		enum rule_action action;
		int kind;
		const char *code, *status;
	} cases[] = {
		{ACTION_REJECT, JUDGEMENT_REJECT, "550", "5.7.1"},
		{ACTION_TEMPFAIL, JUDGEMENT_TEMPFAIL, "451", "4.7.1"},
		{ACTION_QUARANTINE, JUDGEMENT_QUARANTINE, NULL, NULL},
		{ACTION_LOG, JUDGEMENT_GOOD, NULL, NULL},
	};
	struct listener listener;
	struct client client = {.listener = &listener};

	(void)state;
	assert_int_equal(ip_parse("::1", &client.address), IP_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config other = with_listener(&listener, true, false, cases[i].action);
		struct judgement got = policy_address(&other, &client);

		assert_int_equal(got.kind, cases[i].kind);
		assert_non_null(got.cause);
		if (!cases[i].code)
			continue;
		assert_string_equal(got.code, cases[i].code);
		assert_string_equal(got.status, cases[i].status);
		assert_non_null(strstr(got.text, "Client address ::1: "));
		listener.reply = "go away";
		assert_string_equal(policy_address(&other, &client).text, "go away");
	}
}

static struct domain_set make_set(struct arena *arena, const char *const *listed, size_t count)
{
	struct domain_set set = {.exact = NULL};

	for (size_t i = 0; i < count; i++)
		domain_set_add(arena, &set, listed[i]);
	return set;
}

static void test_bindings(void **state)
{
	static const char *own_domain[] = {"example.com"}, *below[] = {"*.example.com"};
	static const char *robots[] = {"Robot"}, *submission[] = {"submission"};
	static struct ip_network app, pair;
	struct arena *arena = arena_new(0);
	const struct sender_binding bindings[] = {
		{.name = "app", .networks = {&app, 1}, .domains = make_set(arena, own_domain, 1)},
		{.name = "robot",
		 .networks = {&pair, 1},
		 .users = {robots, 1},
		 .domains = make_set(arena, below, 1),
		 .null_sender = true},
		{.name = "listener",
		 .listeners = {submission, 1},
		 .domains = make_set(arena, own_domain, 1)},
	};
	static const struct {
		const char *address, *user, *listener, *domain; /* domain: NULL is <> */
		bool local, allowed, allowed_by_deny;
	} cases[] = {
		{"10.0.0.0", NULL, "*", "example.com", false, true, true},
		{"::ffff:10.0.0.0", NULL, "*", "elsewhere.test", false, false, false},
		{"10.0.0.0", NULL, "*", "a.example.com", false, false, false},
		{"10.0.0.0", NULL, "*", "", false, false, false},
		{"10.0.0.0", NULL, "*", NULL, false, false, false},
		{"10.0.0.0", "robot", "*", "a.example.com", false, true, true},
		{"10.0.0.0", "robot", "*", "example.com", false, true, true},
		{"10.0.0.0", "robot", "*", NULL, false, true, true},
		{"10.0.0.1", "ROBOT", "*", "a.b.example.com", false, true, true},
		{"10.0.0.1", "robot", "*", "example.com", false, false, false},
		{"10.0.0.1", "robot", "*", "aexample.com", false, false, false},
		{"10.0.0.1", "robot", "*", ".example.com", false, false, false},
		{"10.0.0.1", NULL, "*", "elsewhere.test", false, true, false},
		{"10.0.0.2", "robot", "*", "elsewhere.test", false, true, false},
		{"203.0.113.9", NULL, "submission", "elsewhere.test", false, false, false},
		{"203.0.113.9", NULL, "submission", "example.com", false, true, true},
		{"203.0.113.9", NULL, "*", NULL, false, true, false},
		{NULL, NULL, "*", "elsewhere.test", true, true, true},
		{NULL, NULL, "*", "elsewhere.test", false, true, false},
	};
	struct config other = config;

	(void)state;
	assert_int_equal(ip_network_parse("10.0.0.0/32", &app), IP_OK);
	assert_int_equal(ip_network_parse("10.0.0.0/31", &pair), IP_OK);
	other.bindings = (struct sender_binding *)bindings;
	other.binding_count = sizeof(bindings) / sizeof(bindings[0]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listener listener = {.name = cases[i].listener};
		struct client client = {
			.listener = &listener, .user = cases[i].user, .local = cases[i].local};

		if (cases[i].address)
			assert_int_equal(ip_parse(cases[i].address, &client.address), IP_OK);
		for (int deny = 0; deny < 2; deny++) {
			bool wanted = deny ? cases[i].allowed_by_deny : cases[i].allowed;
			struct judgement got;

			other.binding_default_deny = deny;
			got = policy_sender(&other, &client, cases[i].domain);
			if ((got.kind == JUDGEMENT_GOOD) != wanted)
				fail_msg("case %zu, deny %d: %s", i, deny, got.text);
			if (!wanted)
				assert_string_equal(got.code, "550");
		}
	}
	arena_free(arena);
}

/* The nearest of what is listed counts, in whatever order it stands. */
static void test_excepted_domains(void **state)
{
	static const char *listed[] = {"example.com",	    "*.example.com",	"!b.example.com",
				       "*.c.b.example.com", "!*.b.example.com", "x.example.com",
				       "!x.example.com"};
	static const char *reversed[sizeof(listed) / sizeof(listed[0])];
	static const struct {
		const char *domain;
		bool allowed;
	} cases[] = {
		{"example.com", true},	    {"a.example.com", true},
		{"b.example.com", false},   {"a.b.example.com", false},
		{"c.b.example.com", false}, {"d.c.b.example.com", true},
		{"bb.example.com", true},   {"x.example.com", false},
		{"a.x.example.com", true},  {"", false},
		{"!b.example.com", true}, /* no domain, and below example.com */
		{"notexample.com", false},
	};
	const size_t count = sizeof(listed) / sizeof(listed[0]);
	static struct ip_network all;
	struct client client = {.listener = NULL};
	struct config other = config;

	(void)state;
	assert_int_equal(ip_network_parse("10.0.0.0/8", &all), IP_OK);
	assert_int_equal(ip_parse("10.0.0.1", &client.address), IP_OK);
	for (size_t i = 0; i < count; i++)
		reversed[count - 1 - i] = listed[i];
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		struct sender_binding binding = {
			.networks = {&all, 1},
			.domains = make_set(arena, i % 2 ? reversed : listed, count)};

		other.bindings = &binding;
		other.binding_count = 1;
		if ((policy_sender(&other, &client, cases[i / 2].domain).kind == JUDGEMENT_GOOD) !=
		    cases[i / 2].allowed)
			fail_msg("%s, order %zu", cases[i / 2].domain, i % 2);
		arena_free(arena);
	}
}

/* Whom `from` lets pass as an author; the envelope does not depend on it. */
static void test_bound_authors(void **state)
{
	static const char *own_domain[] = {"example.com"};
	static const struct {
		const char *domain;
		bool sender, allowed, ours;
	} cases[] = {
		{"example.com", true, true, true},
		{"example.net", false, false,
		 false}, /* signed by its parent's section, or its own */
		{"elsewhere.test", false, false, true},
		{"unsigned.test", false, false, true},
		{"notexample.com", false, false, true},
		{"", false, false, false},
	};
	static struct ip_network app;
	struct client client = {.listener = NULL}, stranger = {.listener = NULL};
	struct config other = config;

	(void)state;
	assert_int_equal(ip_network_parse("10.0.0.1/32", &app), IP_OK);
	assert_int_equal(ip_parse("10.0.0.1", &client.address), IP_OK);
	assert_int_equal(ip_parse("10.0.0.2", &stranger.address), IP_OK);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const char *domain = cases[i / 2].domain;
		struct arena *arena = arena_new(0);
		struct sender_binding binding = {.networks = {&app, 1},
						 .domains = make_set(arena, own_domain, 1),
						 .from = i % 2 ? AUTHORS_OURS : AUTHORS_ALLOWED};
		bool wanted = i % 2 ? cases[i / 2].ours : cases[i / 2].allowed;
		struct judgement got;

		other.bindings = &binding;
		other.binding_count = 1;
		got = policy_author(&other, &client, domain);
		if ((got.kind == JUDGEMENT_GOOD) != wanted)
			fail_msg("author %s, from %zu", domain, i % 2);
		if (!wanted && *domain)
			assert_non_null(strstr(got.text, domain));
		got = policy_sender(&other, &client, domain);
		if ((got.kind == JUDGEMENT_GOOD) != cases[i / 2].sender)
			fail_msg("sender %s, from %zu", domain, i % 2);
		assert_int_equal(policy_author(&other, &stranger, domain).kind, JUDGEMENT_GOOD);
		arena_free(arena);
	}
}

/* What a stranger wrote must not get into an answer as it is. */
static void test_shown_domains(void **state)
{
	struct config other = config;
	struct client client = {.listener = NULL};
	struct judgement got;
	char domain[2000];

	(void)state;
	other.binding_default_deny = true;
	got = policy_sender(&other, &client, "a\r\nb%s\xff.test");
	assert_string_equal(got.text, "Sender domain a??b?s?.test is not allowed for this client");
	memset(domain, 'x', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	got = policy_sender(&other, &client, domain);
	assert_non_null(strstr(got.text, "is not allowed for this client"));
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
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_proxy_is_never_internal),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_excepted_domains),
		cmocka_unit_test(test_bound_authors),
		cmocka_unit_test(test_shown_domains),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
