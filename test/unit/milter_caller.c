/* What of a mail server's words about its client can be relied on. */
#include "milter/caller.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char *relays[] = {"Relay"};
static struct listener listeners[] = {{.name = "*"}, {.name = "in", .proxied = true}};
static const struct config config = {
	.listeners = listeners, .listener_count = 2, .relay_users = {relays, 1}};

/* "ADDRESS PORT", or NULL for none. */
static const struct sockaddr *make(const char *text, struct sockaddr_storage *storage)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
	struct ip_address ip;
	char address[64];
	unsigned port;

	if (!text)
		return NULL;
	memset(storage, 0, sizeof(*storage));
	assert_int_equal(sscanf(text, "%63s %u", address, &port), 2);
	if (ip_parse(address, &ip) != IP_OK)
		return (const struct sockaddr *)storage; /* of no family */
	storage->ss_family = ip.family == IP_V4 ? AF_INET : AF_INET6;
	if (ip.family == IP_V4) {
		v4->sin_port = htons((in_port_t)port);
		memcpy(&v4->sin_addr, ip.octets, sizeof(v4->sin_addr));
	} else {
		v6->sin6_port = htons((in_port_t)port);
		memcpy(&v6->sin6_addr, ip.octets, sizeof(v6->sin6_addr));
	}
	return (const struct sockaddr *)storage;
}

static void test_connect(void **state)
{
	static const struct {
		const char *hostname, *address, *shown; /* shown: NULL is no address */
		bool local;
	} cases[] = {
		{"localhost", NULL, NULL, true},
		{"unknown", NULL, NULL, false},
		{"localhost.example.com", NULL, NULL, false},
		{"localhost", "unix 0", NULL, true},
		{"localhost", "127.0.0.1 0", "127.0.0.1", true},
		{"localhost", "::1 0", "::1", true},
		{"localhost", "127.0.0.1 40000", "127.0.0.1", false},
		{"localhost", "::1 40000", "::1", false},
		{"localhost", "::ffff:127.0.0.1 40000", "127.0.0.1", false},
		{"localhost", "203.0.113.9 0", "203.0.113.9", false},
		{"a.test", "::ffff:203.0.113.9 25", "203.0.113.9", false},
	};
	const struct connect_macros none = {NULL, NULL, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage storage;
		struct caller caller = {.connected = false};
		char text[IP_TEXT_SIZE] = "";

		caller_connect(&caller, cases[i].hostname, make(cases[i].address, &storage), &none);
		assert_true(caller.connected);
		if (caller.client.address.family != IP_NONE)
			ip_format(&caller.client.address, text);
		if (caller.client.local != cases[i].local ||
		    strcmp(text, cases[i].shown ? cases[i].shown : "") != 0)
			fail_msg("case %zu: %d '%s'", i, caller.client.local, text);
	}
}

/* The mail server's name goes into a field, so it must be one. */
static void test_server(void **state)
{
	static const struct {
		const char *macro, *server;
	} cases[] = {{"mx.example.com", "mx.example.com"},
		     {NULL, "localhost"},
		     {"", "localhost"},
		     {"a b", "localhost"},
		     {"a;b.test", "localhost"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct caller caller = {.connected = false};

		caller_connect(&caller, "x", NULL,
			       &(struct connect_macros){.server = cases[i].macro});
		assert_string_equal(caller.server, cases[i].server);
	}
}

/* A second client on a connection whose begin libmilter lost gains nothing from the first. */
static void test_other_client(void **state)
{
	static const struct {
		const char *first, *second;
		bool same;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "203.0.113.9", false},
		{"127.0.0.1", NULL, false},
		{NULL, "127.0.0.1", false},
		{NULL, NULL, true},
		{"127.0.0.1", "127.0.0.10", false},
		{"localhost", "localhost", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage storage;
		struct caller caller = {.connected = false};
		bool address = cases[i].second && strcmp(cases[i].second, "localhost") != 0;

		caller_connect(&caller, "localhost", make("127.0.0.1 0", &storage),
			       &(struct connect_macros){.client = cases[i].first});
		caller_mail(&caller, cases[i].second);
		if (caller.connected != cases[i].same || caller.client.local != cases[i].same)
			fail_msg("case %zu", i);
		if (!cases[i].same)
			assert_int_equal(caller.client.address.family != IP_NONE, address);
		/* what is lost stays lost */
		caller_mail(&caller, cases[i].first);
		assert_int_equal(caller.connected, cases[i].same);
	}
}

static void test_login(void **state)
{
	static const struct {
		const char *user;
		bool authenticated, relay;
	} cases[] = {{NULL, false, false},
		     {"", false, false},
		     {"user", true, false},
		     {"RELAY", true, true},
		     {"relay2", true, false}};
	char longest[2000];

	(void)state;
	memset(longest, 'u', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct caller caller = {.connected = false};

		caller_login(&caller, &config, cases[i].user);
		assert_int_equal(caller.client.authenticated, cases[i].authenticated);
		assert_int_equal(caller.client.relay, cases[i].relay);
		if (cases[i].authenticated)
			assert_string_equal(caller.client.user, cases[i].user);
		/* a login holds for one message */
		caller_rest(&caller);
		assert_false(caller.client.authenticated || caller.client.relay);
		assert_null(caller.client.user);
		caller_login(&caller, &config, longest);
		assert_true(strlen(caller.client.user) < sizeof(caller.user));
	}
}

static void test_listener(void **state)
{
	struct caller caller = {.connected = false};

	(void)state;
	caller_connect(&caller, "x", NULL, &(struct connect_macros){.listener = "in"});
	caller_meet(&caller, &config);
	assert_ptr_equal(caller.client.listener, &listeners[1]);
	caller_rest(&caller);
	assert_null(caller.client.listener);
	caller_connect(&caller, "x", NULL, &(struct connect_macros){.listener = "IN"});
	caller_meet(&caller, &config);
	assert_ptr_equal(caller.client.listener, &listeners[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect),	     cmocka_unit_test(test_server),
		cmocka_unit_test(test_other_client), cmocka_unit_test(test_login),
		cmocka_unit_test(test_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
