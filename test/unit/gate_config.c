/* postern-gate.conf: what it may say, and every mistake with its place; whom a listener trusts. */
#include "gate/config.h"
#include "gate/listener.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct diagnostics *parse(const char *text, struct gate_config *config)
{
	struct diagnostics *list = diagnostics_new(arena);
	struct source *source = arena_alloc(arena, sizeof(*source));

	*source = (struct source){"g.conf", text, strlen(text)};
	gate_config_read(arena, source, false, list, config);
	return list;
}

/* The first lines of all diagnostics, without excerpts and hints. */
static const char *messages(struct diagnostics *list)
{
	char *printed, *line, *kept = arena_strdup(arena, "");
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	diagnostics_print(list, out, false);
	fclose(out);
	for (line = printed; *line;) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, "g.conf:", 7) == 0)
			kept = arena_printf(arena, "%s%.*s\n", kept, (int)length, line);
		line += length + 1;
	}
	free(printed);
	return kept;
}

#define GOOD "trusted_proxies = {'10.0.0.1'}\nproxied_service = '/s/p'\n"

static void test_defaults(void **state)
{
	struct gate_config config;
	struct diagnostics *list = parse("listener 'smtp' {\n" GOOD "}\n", &config);

	(void)state;
	assert_string_equal(messages(list), "");
	assert_string_equal(config.user, "postfix");
	assert_null(config.chroot);
	assert_null(config.metrics);
	assert_int_equal(config.log, LOG_TO_SYSLOG);
	assert_int_equal(config.wait_seconds, 10);
	assert_int_equal(config.hand_over_seconds, 100);
	assert_int_equal(config.queue_limit, 1000);
	assert_int_equal(config.listener_count, 1);
	assert_string_equal(config.listeners[0].name, "smtp");
	assert_int_equal(config.listeners[0].address_count, 0);
	assert_null(config.listeners[0].direct_service);
	assert_string_equal(config.listeners[0].reply, "421 4.3.2 Service not available here\r\n");
}

static void test_everything(void **state)
{
	static const char text[] =
		"user = 'mail' chroot = '/s/' log = stderr metrics = /s/m.prom\n"
		"wait_seconds = 3 hand_over_seconds = 4 queue_limit = 5\n"
		"listener a {\n addresses = {'192.0.2.1:25', '[2001:db8::1]:26'}\n"
		"trusted_proxies = {'10.0.0.0/8', '[fd00::]/8'}\n"
		"proxied_service = /s/p\n direct_service = /s/d\n}\n"
		"listener b {\n addresses = '*:27'\n" GOOD "refuse = 554 reply = '5.7.1 No'\n}\n"
		"listener c { " GOOD " refuse = close }\n";
	struct gate_config config;
	struct diagnostics *list = parse(text, &config);
	char name[LISTEN_ADDRESS_SIZE];

	(void)state;
	assert_string_equal(messages(list), "");
	assert_string_equal(config.chroot, "/s");
	assert_string_equal(config.metrics, "/s/m.prom");
	assert_int_equal(config.log, LOG_TO_STDERR);
	assert_int_equal(config.wait_seconds, 3);
	assert_int_equal(config.hand_over_seconds, 4);
	assert_int_equal(config.queue_limit, 5);
	assert_int_equal(config.listener_count, 3);
	assert_string_equal(listen_address_format(&config.listeners[0].addresses[0], name),
			    "192.0.2.1:25");
	assert_string_equal(listen_address_format(&config.listeners[0].addresses[1], name),
			    "[2001:db8::1]:26");
	assert_string_equal(config.listeners[0].direct_service, "/s/d");
	assert_true(config.listeners[1].addresses[0].dual);
	assert_string_equal(listen_address_format(&config.listeners[1].addresses[0], name), "*:27");
	assert_string_equal(config.listeners[1].reply, "554 5.7.1 No\r\n");
	assert_null(config.listeners[2].reply);
}

/* What stands in a good listener, what stands after it, and what is said of the two. */
struct mistake {
	const char *inside, *outside, *message;
};

static const struct mistake mistakes[] = {
	{"addresses = {'25'}", "", "g.conf:1:29: error: '25' is not of the form ADDRESS:PORT\n"},
	{"addresses = {'::1:25'}", "",
	 "g.conf:1:29: error: '::1:25' is not of the form ADDRESS:PORT\n"},
	{"addresses = {'[127.0.0.1]:25'}", "",
	 "g.conf:1:29: error: '[127.0.0.1]:25' is not of the form ADDRESS:PORT\n"},
	{"addresses = {'*:0'}", "", "g.conf:1:29: error: '*:0' is not of the form ADDRESS:PORT\n"},
	{"addresses = {'*:65536'}", "",
	 "g.conf:1:29: error: '*:65536' is not of the form ADDRESS:PORT\n"},
	{"addresses = {'[::ffff:127.0.0.1]:25'}", "",
	 "g.conf:1:29: error: '[::ffff:127.0.0.1]:25' is an IPv4 address: write it as one\n"},
	{"addresses = {'*:25', '1.2.3.4:25'}", "",
	 "g.conf:1:37: error: 1.2.3.4:25 collides with *:25 of line 1\n"},
	{"addresses = {'1.2.3.4:25'}", "listener b {\naddresses = {'0.0.0.0:25'}\n" GOOD "}",
	 "g.conf:6:15: error: 0.0.0.0:25 collides with 1.2.3.4:25 of line 1\n"},
	{"addresses = {'0.0.0.0:25', '[::]:25'}", "", ""},
	{"direct_service = 'x'", "",
	 "g.conf:1:33: error: direct_service 'x' is not an absolute path\n"},
	{"direct_service = '/x/../y'", "",
	 "g.conf:1:33: error: direct_service '/x/../y' is not an absolute path without '..'\n"},
	{"direct_service = '/s/p'", "",
	 "g.conf:1:33: error: direct_service is the service that believes PROXY headers: every "
	 "client could forge one\n"},
	{"direct_service = /x", "chroot = /s",
	 "g.conf:1:32: error: /x does not lie below chroot /s\n"},
	{"", "chroot = /s metrics = /sx/m",
	 "g.conf:5:23: error: /sx/m does not lie below chroot /s\n"},
	{"refuse = 553", "", "g.conf:1:24: error: refuse is '553': it can be close, 421 or 554\n"},
	{"reply = '5.7.1 No'", "",
	 "g.conf:1:24: error: reply begins with 5., which does not go with 421\n"},
	{"reply = '421 No'", "", "g.conf:1:24: error: reply begins with a code of its own\n"},
	/* escapes hide where a value stands: the begin of the line is told instead */
	{"reply = \"a\\nb\"", "",
	 "g.conf:1:1: error: reply holds something other than printable ASCII\n"},
	{"reply = No refuse = close", "",
	 "g.conf:1:23: warning: reply is never sent: refuse is close\n"},
	{"refuse = 554 direct_service = /d", "",
	 "g.conf:1:24: warning: nobody is refused: direct_service takes every connection\n"},
	{"refuse = close refuse = 421", "", "g.conf:1:39: error: refuse is given twice\n"},
	{"", "wait_seconds = 0",
	 "g.conf:5:16: error: wait_seconds is '0': it can be a number from 1 "
	 "to 300\n"},
	{"", "queue_limit = 1x",
	 "g.conf:5:15: error: queue_limit is '1x': it can be a number from 1 "
	 "to 100000\n"},
	{"", "log = sylog", "g.conf:5:7: error: log is 'sylog': it can be syslog or stderr\n"},
	{"", "listener 'b c' {}", "g.conf:5:1: error: 'b c' is no name for a listener\n"},
	{"", "listener A {}", "g.conf:5:1: error: listener A is given twice\n"},
	{"", "listener b {}",
	 "g.conf:5:1: error: listener b has no proxied_service\n"
	 "g.conf:5:1: error: listener b has no trusted_proxies\n"},
	{"", "lissener = 1", "g.conf:5:1: error: unknown setting 'lissener'\n"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const struct mistake *row = &mistakes[i];
		const char *text =
			arena_printf(arena, "listener a {  %s\n" GOOD "}%s%s\n", row->inside,
				     *row->outside ? "\n" : "", row->outside);
		struct gate_config config;

		/* the closing brace has a line of its own: what stands outside begins on line 4 */
		if (*row->outside)
			text = arena_printf(arena, "listener a {  %s\n" GOOD "}\n%s\n", row->inside,
					    row->outside);
		if (strcmp(messages(parse(text, &config)), row->message) != 0)
			print_message("row %zu:\n%s", i, text);
		assert_string_equal(messages(parse(text, &config)), row->message);
	}
}

static void test_empty(void **state)
{
	struct gate_config config;

	(void)state;
	assert_string_equal(messages(parse("", &config)),
			    "g.conf: error: has no listener section\n");
	assert_string_equal(
		messages(
			parse("listener a { proxied_service = /s trusted_proxies = {} }", &config)),
		"g.conf:1:35: warning: trusted_proxies is empty: no proxy is let in\n");
	assert_string_equal(
		messages(parse("listener a { proxied_service = /s trusted_proxies = {'::/0', "
			       "'::ffff:1.2.3.4', '1.2.3.4/8'} }",
			       &config)),
		"g.conf:1:55: warning: ::/0 is every address there is: anybody may claim to be "
		"anybody\n"
		"g.conf:1:63: error: '::ffff:1.2.3.4' is an IPv4 address in IPv6 form\n"
		"g.conf:1:81: error: '1.2.3.4/8' has bits set beyond its prefix\n");
}

static void test_inside(void **state)
{
	(void)state;
	assert_string_equal(gate_config_inside(NULL, "/a/b"), "/a/b");
	assert_string_equal(gate_config_inside("/a", "/a/b"), "/b");
	assert_null(gate_config_inside("/a", "/ab"));
	assert_null(gate_config_inside("/a", "/a"));
}

static void test_trust(void **state)
{
	static const struct {
		const char *peer;
		bool trusted;
	} rows[] = {
		{"10.0.0.1", true},	   {"10.0.0.2", false},
		{"::ffff:10.0.0.1", true}, {"::ffff:10.0.0.2", false},
		{"::10.0.0.1", false},	   {"2001:db8::7", true},
		{"2001:db9::7", false},	   {"192.0.2.255", true},
		{"192.0.3.0", false},	   {"::1", false},
		{"127.0.0.1", false},
	};
	struct gate_config config;
	struct diagnostics *list =
		parse("listener a { proxied_service = /s trusted_proxies = {'10.0.0.1', "
		      "'192.0.2.0/24', '2001:db8::/32'} }",
		      &config);

	(void)state;
	assert_string_equal(messages(list), "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_address peer;

		assert_int_equal(ip_parse(rows[i].peer, &peer), IP_OK);
		assert_int_equal(listener_trusts(&config.listeners[0], peer), rows[i].trusted);
	}
	assert_false(listener_trusts(&config.listeners[0], (struct ip_address){.family = IP_NONE}));
}

static void test_log_limit(void **state)
{
	struct log_limit limit = {0};
	unsigned left_out = 99;

	(void)state;
	assert_true(log_limit_allows(&limit, 1000, 2, 100, &left_out));
	assert_int_equal(left_out, 0);
	assert_true(log_limit_allows(&limit, 1050, 2, 100, &left_out));
	left_out = 99;
	assert_false(log_limit_allows(&limit, 1060, 2, 100, &left_out));
	assert_false(log_limit_allows(&limit, 1099, 2, 100, &left_out));
	assert_int_equal(left_out, 99);
	assert_true(log_limit_allows(&limit, 1100, 2, 100, &left_out));
	assert_int_equal(left_out, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_everything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mistakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trust, set_up, tear_down),
		cmocka_unit_test(test_log_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
