/*
 * common/network: what Python's ipaddress knows nothing of. The rest is compared with it by
 * network_oracle.py.
 */
#include "common/network.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_brackets(void **state)
{
	/* postconf(5) mynetworks, RFC 5321 (4.1.3) */
	static const struct {
		const char *text;
		enum ip_error error;
		const char *expected;
	} cases[] = {
		{"[::1]", IP_OK, "[::1]/128"},
		{"[2001:db8::]/32", IP_OK, "[2001:db8::]/32"},
		{"[192.0.2.1]", IP_OK, "192.0.2.1/32"},
		{"[192.0.2.0]/24", IP_OK, "192.0.2.0/24"},
		{"[IPv6:2001:db8::1]", IP_OK, "[2001:db8::1]/128"},
		{"[ipv6:2001:db8::1]", IP_OK, "[2001:db8::1]/128"},
		{"[IPv6:192.0.2.1]", IP_ERROR_SYNTAX, NULL},
		{"IPv6:2001:db8::1", IP_ERROR_SYNTAX, NULL},
		{"[2001:db8::/32]", IP_ERROR_SYNTAX, NULL},
		{"[2001:db8::1", IP_ERROR_SYNTAX, NULL},
		{"2001:db8::1]", IP_ERROR_SYNTAX, NULL},
		{"[[::1]]", IP_ERROR_SYNTAX, NULL},
		{"[]", IP_ERROR_SYNTAX, NULL},
		{"[", IP_ERROR_SYNTAX, NULL},
		{"]", IP_ERROR_SYNTAX, NULL},
		{"", IP_ERROR_SYNTAX, NULL},
		{" 192.0.2.1", IP_ERROR_SYNTAX, NULL},
		{"[::1]/129", IP_ERROR_PREFIX, NULL},
		{"[::1]/", IP_ERROR_PREFIX, NULL},
		{"10.0.0.0/08", IP_ERROR_PREFIX, NULL},
		{"10.0.0.0/255.0.0.0", IP_ERROR_PREFIX, NULL},
		{"10.0.0.0/4294967304", IP_ERROR_PREFIX, NULL}, /* 8, in 32 bits */
		{"[::1]/127", IP_ERROR_HOST_BITS, NULL},
		{"1111111111111111111111111111111111111111111111111111111", IP_ERROR_SYNTAX, NULL},
		{"[111111111111111111111111111111111111111111111111111111111]", IP_ERROR_SYNTAX,
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_network network = {.prefix = 77};
		char text[IP_TEXT_SIZE];

		assert_int_equal(ip_network_parse(cases[i].text, &network), cases[i].error);
		if (cases[i].expected)
			assert_string_equal(ip_network_format_postfix(&network, text),
					    cases[i].expected);
		else
			assert_int_equal(network.prefix, 77);
	}
}

/* The longest text there is has room, with its NUL. */
static void test_longest(void **state)
{
	static const char longest[] = "[1111:2222:3333:4444:5555:6666:7777:8888]/128";
	char text[IP_TEXT_SIZE];
	struct ip_network network;

	(void)state;
	assert_int_equal(ip_network_parse(longest, &network), IP_OK);
	assert_string_equal(ip_network_format_postfix(&network, text), longest);
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct ip_address address;
	char text[IP_TEXT_SIZE];

	(void)state;
	address = ip_from_sockaddr((const struct sockaddr *)&v4);
	assert_string_equal(ip_format(&address, text), "127.0.0.1");
	address = ip_from_sockaddr((const struct sockaddr *)&v6);
	assert_string_equal(ip_format(&address, text), "::1");
	assert_int_equal(ip_from_sockaddr(&local).family, IP_NONE);
	assert_int_equal(ip_from_sockaddr(NULL).family, IP_NONE);
}

/* No address is in no network, not even in the one that holds all. */
static void test_none(void **state)
{
	struct ip_address none = {0};
	struct ip_network all, of_none = ip_host_network(&none);

	(void)state;
	assert_int_equal(ip_network_parse("0.0.0.0/0", &all), IP_OK);
	assert_false(ip_network_contains(&all, &none));
	assert_false(ip_network_contains(&of_none, &none));
	assert_false(ip_is_unspecified(&none));
	assert_int_equal(ip_unmap(none).family, IP_NONE);
}

static void test_host_network(void **state)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ip_address address;
		struct ip_network parsed, made;

		assert_int_equal(ip_parse(texts[i], &address), IP_OK);
		assert_int_equal(ip_network_parse(texts[i], &parsed), IP_OK);
		made = ip_host_network(&address);
		assert_true(ip_network_equal(&made, &parsed));
		assert_true(ip_equal(&made.address, &address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brackets),     cmocka_unit_test(test_longest),
		cmocka_unit_test(test_sockaddr),     cmocka_unit_test(test_none),
		cmocka_unit_test(test_host_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
