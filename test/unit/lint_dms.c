/*
 * docker-mailserver's override files: what is read, what is found, and what they amount to.
 *
 * How postconf -P takes a line was tried with Postfix 3.7.11: white space in a value is fatal, and
 * a service that is not there gives a warning.
 */
#include "confgen/lint/dms_overrides.h"
#include "confgen/lint/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum file { MAIN, MASTER, PATCHES, ENVIRONMENT, RELAYS, PASSWORDS };

static const struct {
	const char *title;
	enum file file;
	const char *text;
	const char *found; /* "RULE LINE", or NULL for nothing at all */
} cases[] = {
	{"a setting", MASTER, "smtp/unix/smtp_bind_address=192.0.2.1\n", NULL},
	{"spaces around =", MASTER, "smtp/unix/smtp_bind_address = 192.0.2.1\n", NULL},
	{"commas", MASTER, "submission/inet/smtpd_client_restrictions=permit_mynetworks,reject\n",
	 NULL},
	{"white space", MASTER, "submission/inet/smtpd_client_restrictions=a, b\n", "D01 1"},
	{"braces do not help", MASTER, "\nsubmission/inet/smtpd_milters={ inet:h:1 }\n", "D01 2"},
	{"a capital", MASTER, "Submission/inet/syslog_name=x\n", "D02 1"},
	{"an option of master.cf", MASTER, "# x\n  -o syslog_name=x\n", "D02 2"},
	{"white space in front is dropped", MASTER, "  submission/inet/syslog_name=x\n", NULL},
	{"no value", MASTER, "submission/inet/syslog_name\n", "D02 1"},
	{"no type", MASTER, "submission/syslog_name=x\n", "D02 1"},
	{"no such service", MASTER, "submision/inet/syslog_name=x\n", "D02 1"},
	{"no such type", MASTER, "relay/inet/syslog_name=x\n", "D02 1"},
	{"a client's parameter on a server", MASTER, "smtp/inet/smtp_bind_address=192.0.2.1\n",
	 "D09 1"},
	{"smtpd's parameter on postscreen", MASTER, "smtp/inet/smtpd_milters=inet:h:1\n", "D09 1"},
	{"postscreen's own", MASTER, "smtp/inet/postscreen_upstream_proxy_protocol=haproxy\n",
	 NULL},
	{"no line feed at the end", MASTER, "smtp/unix/syslog_name=x\nsmtp/unix/syslog_name=y",
	 "D06 2"},
	{"carriage returns", MASTER, "smtp/unix/syslog_name=x\r\n", "D06 1"},
	{"appending", PATCHES, "#!/bin/bash\necho a=b >> /etc/postfix/main.cf\n", "D03 2"},
	{"tee", PATCHES, "#!/bin/bash\necho a | tee -a /etc/postfix/main.cf\n", "D03 2"},
	{"appending behind a look", PATCHES, "#!/bin/bash\ngrep -q a /etc/x || echo a >> /etc/x\n",
	 NULL},
	{"a comment", PATCHES, "#!/bin/bash\n# echo a >> /etc/x\n", NULL},
	{"appending elsewhere", PATCHES, "#!/bin/bash\necho a >> /var/log/x\n", NULL},
	{"two relays", ENVIRONMENT, "RELAY_HOST=a\nDEFAULT_RELAY_HOST=b\n", "D04 2"},
	{"two relays, in compose.yaml", ENVIRONMENT,
	 "    - RELAY_HOST=a\n    - DEFAULT_RELAY_HOST=b\n", "D04 2"},
	{"one is empty", ENVIRONMENT, "RELAY_HOST=\nDEFAULT_RELAY_HOST=b\n", NULL},
	{"an indexed table", MAIN, "transport_maps = hash:/tmp/docker-mailserver/transport\n",
	 "D05 1"},
	{"a text table", MAIN, "transport_maps = texthash:/tmp/docker-mailserver/transport\n",
	 NULL},
	{"docker-mailserver's own table", MAIN, "alias_maps = hash:/etc/aliases\n", NULL},
	{"bounces", RELAYS, "@a.example [relay.example]:587\n", "D07 0"},
	{"bounces as well", RELAYS, "@a.example [relay.example]:587\n<> [relay.example]:587\n",
	 NULL},
	{"domains that stay out", RELAYS, "@a.example\n", NULL},
	{"no brackets", RELAYS, "@a.example relay.example:587\n<> [relay.example]:587\n", "D08 1"},
	{"a login", PASSWORDS, "@a.example user:hunter2\n", NULL},
	{"a login without a password", PASSWORDS, "@a.example user\n", "D10 1"},
};

static struct dms_overrides *read_one(struct arena *arena, enum file file, const char *text,
				      struct diagnostics *list)
{
	struct dms_overrides *overrides = arena_alloc(arena, sizeof(*overrides));
	struct source *source = arena_alloc(arena, sizeof(*source));
	const struct source **const places[] = {
		[MAIN] = &overrides->main_cf,	    [MASTER] = &overrides->master_cf,
		[PATCHES] = &overrides->patches,    [ENVIRONMENT] = &overrides->environment,
		[RELAYS] = &overrides->relaymap_cf, [PASSWORDS] = &overrides->passwords_cf};

	*source = (struct source){"file", text, strlen(text)};
	*places[file] = source;
	dms_overrides_read(arena, overrides, list);
	return overrides;
}

static char *printed(struct arena *arena, struct diagnostics *list)
{
	char *text = NULL, *copy;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	diagnostics_print(list, out, false);
	fclose(out);
	copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

static void finds_what_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(0);
		struct diagnostics *list = diagnostics_new(arena);
		const char *found, *where;

		dms_lint(arena, read_one(arena, cases[i].file, cases[i].text, list), list);
		found = printed(arena, list);
		if (!cases[i].found) {
			if (diagnostics_count(list, SEVERITY_INFO))
				fail_msg("%s: %s", cases[i].title, found);
		} else {
			where = cases[i].found[4] == '0'
					? "file: "
					: arena_printf(arena, "file:%s:", cases[i].found + 4);
			if (diagnostics_count(list, SEVERITY_INFO) != 1 ||
			    !strstr(found, arena_printf(arena, "[%.3s]", cases[i].found)) ||
			    !strstr(found, where))
				fail_msg("%s: %s, but: %s", cases[i].title, cases[i].found, found);
		}
		assert_null(strstr(found, "hunter2"));
		arena_free(arena);
	}
}

static void passwords_are_never_shown(void **state)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const char *found;

	(void)state;
	dms_lint(arena, read_one(arena, PASSWORDS, "@a.example hunter2\r\n", list), list);
	found = printed(arena, list);
	assert_non_null(strstr(found, "[D10]"));
	assert_null(strstr(found, "hunter2"));
	arena_free(arena);
}

static const char stock_main[] = "mynetworks = 127.0.0.0/8\nrelayhost =";
static const char stock_master[] = "smtp inet n - n - 1 postscreen\n"
				   "submission inet n - n - - smtpd\n"
				   "  -o syslog_name=stock\n"
				   "# a comment\n"
				   "  -o smtpd_sasl_auth_enable=yes\n"
				   "smtp unix - - n - - smtp\n";

static void overrides_are_applied(void **state)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source own_main = {"postfix-main.cf", "relayhost = [a.example]\n", 24};
	struct source own_master = {"postfix-master.cf",
				    "submission/inet/syslog_name=own\n"
				    "smtp/unix/smtp_bind_address=192.0.2.1\n"
				    "smtp/inet/syslog_name=two words\n",
				    102};
	struct source main_cf = {"main.cf", stock_main, sizeof(stock_main) - 1};
	struct source master_cf = {"master.cf", stock_master, sizeof(stock_master) - 1};
	struct dms_overrides overrides = {.main_cf = &own_main, .master_cf = &own_master};
	struct dms_applied *applied;
	struct configuration *configuration;
	const struct service *service;
	const struct value *value;
	struct position at;

	(void)state;
	assert_int_equal(own_main.length, strlen(own_main.text));
	assert_int_equal(own_master.length, strlen(own_master.text));
	dms_overrides_read(arena, &overrides, list);
	applied = dms_overrides_apply(arena, &overrides, &main_cf, &master_cf);
	configuration = configuration_new(arena, &applied->main_cf, &applied->master_cf,
					  POSTFIX_USUAL, list);
	assert_int_equal(diagnostics_count(list, SEVERITY_INFO), 0);

	value = configuration_value(configuration, NULL, "relayhost");
	assert_string_equal(value->text.text, "[a.example]");
	at = dms_applied_position(applied, text_position(&value->set->name));
	assert_ptr_equal(at.source, &own_main);
	assert_int_equal(at.line, 1);
	value = configuration_value(configuration, NULL, "mynetworks");
	at = dms_applied_position(applied, text_position(&value->set->name));
	assert_ptr_equal(at.source, &main_cf);

	service = master_cf_find(&configuration->master, "submission", "inet");
	value = configuration_value(configuration, service, "syslog_name");
	assert_string_equal(value->text.text, "own");
	at = dms_applied_position(applied, text_position(&value->set->name));
	assert_ptr_equal(at.source, &own_master);
	assert_int_equal(at.line, 1);
	assert_true(configuration_yes(configuration, service, "smtpd_sasl_auth_enable"));
	value = configuration_value(configuration, service, "smtpd_sasl_auth_enable");
	at = dms_applied_position(applied, text_position(&value->set->name));
	assert_ptr_equal(at.source, &master_cf);
	assert_int_equal(at.line, 5);

	service = master_cf_find(&configuration->master, "smtp", "unix");
	value = configuration_value(configuration, service, "smtp_bind_address");
	assert_string_equal(value->text.text, "192.0.2.1");
	service = master_cf_find(&configuration->master, "smtp", "inet");
	assert_int_equal(service->overrides.count, 0); /* postconf -P refuses it */
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_it_should),
		cmocka_unit_test(passwords_are_never_shown),
		cmocka_unit_test(overrides_are_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
