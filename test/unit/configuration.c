/* Tests of confgen/configuration: places, values, tables. What Postfix itself can judge is in
 * test/conformance. */
#include "confgen/configuration/configuration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct diagnostics *list;
	struct source main_cf, master_cf;
	struct configuration *configuration;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->arena = arena_new(0);
	fixture->list = diagnostics_new(fixture->arena);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	arena_free(fixture->arena);
	free(fixture);
	return 0;
}

static struct source source_of(const char *name, const char *text)
{
	return (struct source){name, text, strlen(text)};
}

static struct configuration *load(struct fixture *fixture, const char *main_cf,
				  const char *master_cf)
{
	fixture->main_cf = source_of("main.cf", main_cf);
	fixture->master_cf = source_of("master.cf", master_cf);
	fixture->configuration =
		configuration_new(fixture->arena, &fixture->main_cf, &fixture->master_cf,
				  POSTFIX_USUAL, fixture->list);
	return fixture->configuration;
}

static void assert_place(const struct text *text, unsigned line, unsigned column)
{
	struct position position = text_position(text);

	assert_int_equal(position.line, line);
	assert_int_equal(position.column, column);
}

/* What was reported, as diagnostics_print() writes it. */
static char *printed(struct fixture *fixture)
{
	char *text = NULL, *copy;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	diagnostics_print(fixture->list, out, false);
	fclose(out);
	copy = arena_strdup(fixture->arena, text);
	free(text);
	return copy;
}

static void assert_errors(struct fixture *fixture, size_t count)
{
	if (diagnostics_count(fixture->list, SEVERITY_INFO) != count)
		print_error("%s", printed(fixture));
	assert_int_equal(diagnostics_count(fixture->list, SEVERITY_INFO), count);
}

static void pieces_of_a_continued_value_have_places(void **state)
{
	struct configuration *configuration = load(*state,
						   "# first\n"
						   "mynetworks = 10.0.0.0/8,\n"
						   "# between\n"
						   "\n"
						   "\t192.168.0.0/16\n"
						   "   # indented\n"
						   "  !é.example, hash:/x /file\n",
						   "");
	const struct value *value = configuration_value(configuration, NULL, "mynetworks");
	struct list list = list_split(configuration->arena, &value->text);

	assert_errors(*state, 0);
	assert_place(&value->set->name, 2, 1);
	assert_place(&value->set->value, 2, 14);
	assert_int_equal(list.count, 5);
	assert_place(&list.items[0].text, 2, 14);
	assert_place(&list.items[1].text, 5, 2);
	assert_string_equal(list.items[1].text.text, "192.168.0.0/16");
	assert_place(&list.items[2].text, 7, 4);
	assert_true(list.items[2].negated);
	/* columns count characters, not octets */
	assert_place(&list.items[3].text, 7, 15);
	assert_int_equal(list.items[3].kind, LIST_ITEM_TABLE);
	assert_int_equal(list.items[4].kind, LIST_ITEM_FILE);
}

static void parts_of_an_expanded_value_have_places(void **state)
{
	struct configuration *configuration = load(*state,
						   "inner = b,\n"
						   "  c\n"
						   "relay_domains = a $inner ${inner?d} $myorigin,"
						   " e\n",
						   "");
	const struct value *value = configuration_value(configuration, NULL, "relay_domains");
	struct list list = list_split(configuration->arena, &value->text);

	assert_string_equal(value->text.text, "a b,  c d localhost.localdomain, e");
	assert_int_equal(list.count, 6);
	assert_place(&list.items[0].text, 3, 17);
	assert_place(&list.items[1].text, 1, 9);
	assert_place(&list.items[2].text, 2, 3);
	assert_place(&list.items[3].text, 3, 34);
	/* what a default gave has the place of the name that asked for it */
	assert_place(&list.items[4].text, 3, 38);
	assert_place(&list.items[5].text, 3, 48);
}

static void services_override_values(void **state)
{
	struct configuration *configuration =
		load(*state, "smtpd_client_restrictions = $mine\nmine = permit\n",
		     "smtp inet n - n - - smtpd\n"
		     "submission inet n - n - - smtpd\n"
		     "  -o mine=reject -o { smtpd_helo_required = yes }\n"
		     "  -o smtpd_banner=a -osmtpd_banner=b\n");
	const struct service *smtp = master_cf_find(&configuration->master, "smtp", NULL);
	const struct service *submission =
		master_cf_find(&configuration->master, "submission", "inet");
	const struct value *value;

	assert_errors(*state, 0);
	value = configuration_value(configuration, smtp, "smtpd_client_restrictions");
	assert_string_equal(value->text.text, "permit");
	assert_int_equal(value->origin, VALUE_MAIN);
	value = configuration_value(configuration, submission, "smtpd_client_restrictions");
	assert_string_equal(value->text.text, "reject");
	assert_place(&value->text, 3, 11);
	value = configuration_value(configuration, submission, "smtpd_banner");
	assert_string_equal(value->text.text, "b");
	assert_int_equal(value->origin, VALUE_SERVICE);
	assert_place(&value->text, 4, 36);
	assert_true(configuration_yes(configuration, submission, "smtpd_helo_required"));
	assert_false(configuration_yes(configuration, smtp, "smtpd_helo_required"));
	value = configuration_value(configuration, smtp, "smtpd_helo_required");
	assert_int_equal(value->origin, VALUE_DEFAULT);
	assert_int_equal(configuration_position(configuration, smtp, value).line, 1);
	assert_ptr_equal(configuration_position(configuration, NULL, value).source,
			 configuration->main.source);
	assert_null(master_cf_find(&configuration->master, "smtp", "unix"));
}

static void later_entries_win(void **state)
{
	struct configuration *configuration = load(
		*state, "myorigin = a\nmyorigin = b\nMyorigin = c\n",
		"x unix - - n - - smtp -o a=1\nx unix - - n - 5 smtp\nx inet n - n - - smtpd\n");
	const struct assignment *set = main_cf_find(&configuration->main, "myorigin");

	assert_string_equal(set->value.text, "b");
	assert_string_equal(set->replaced->value.text, "a");
	assert_true(set->replaced->overridden);
	assert_false(set->overridden);
	assert_int_equal(configuration->main.count, 3);
	assert_int_equal(master_cf_find(&configuration->master, "x", "unix")->process_limit, 5);
	assert_non_null(master_cf_find(&configuration->master, "x", "unix")->replaced);
	assert_null(master_cf_find(&configuration->master, "x", "inet")->replaced);
}

/* One mistake each, and where it is told. */
static const struct {
	const char *main_cf, *master_cf, *expected;
} mistakes[] = {
	{"a\n", "", "main.cf:1:2: error: missing '=' after attribute name: 'a'"},
	{"a = b\nc d = e\n", "", "main.cf:2:3: error: missing '=' after attribute name: 'c d'"},
	{"= b\n", "", "main.cf:1:1: error: missing attribute name"},
	{".....\n", "", "main.cf:1:6: error: missing '='"},
	{"  a = b\nc = d\n", "", "main.cf:1:3: error: this line begins with white space"},
	{"a = {{ b }}\n", "", "main.cf:1:5: error: this file is a template: {{ ... }}"},
	{"{% if x %}\n", "", "main.cf:1:1: error: this file is a template: {% ... %}"},
	{"a = hash:{{ b }}/c\n", "", "main.cf:1:10: error: this file is a template"},
	{"a = <%= b %>\n", "", "main.cf:1:5: error: this file is a template: <% ... %>"},
	{"${X}\n", "", "hint: if this is a template"},
	{"myorigin = $a\na = x $b\nb = $a\n", "", "[S07]"},
	{"myorigin = x $myorigin\n", "", "main.cf:1:15: error: the value refers to itself"},
	{"myorigin = x $\n", "", "main.cf:1:14: error: '$' without the name"},
	{"myorigin = ${a\n", "", "main.cf:1:12: error: '${' is never closed"},
	{"myorigin = ${a?{b}c}\n", "", "main.cf:1:19: error: ':' or the end"},
	{"myorigin = ${{a}~{b}}\n", "", "main.cf:1:17: error: a comparison wants one of"},
	{"myorigin = ${{a} <level {3.6}?x}\n", "", "error: not compatibility levels"},
	{"myorigin = a\n  ${b.c}\n", "", "main.cf:2:6: error: names of parameters"},
	{"", "smtp inet n - n - -\n", "master.cf:1:1: error: a service has 8 fields"},
	{"", "-o a=b\n", "hint: an option continues the line before only if"},
	{"", "smtp tcp n - n - - smtpd\n", "master.cf:1:6: error: the field 'type'"},
	{"", "smtp inet n Y n - - smtpd\n", "master.cf:1:13: error: the field 'unprivileged'"},
	{"", "smtp inet n - n 1m - smtpd\n", "master.cf:1:17: error: the field 'wakeup'"},
	{"", "smtp inet n - n - 1? smtpd\n", "master.cf:1:19: error: the field 'process_limit'"},
	{"", "smtp inet - - n - - smtpd\n", "master.cf:1:11: error: the field 'private'"},
	{"", "x unix - - n - - smtp\n -o a = b\n",
	 "master.cf:2:5: error: service 'x': missing '='"},
	{"", "x unix - - n - - smtp -o a=b c\n",
	 "master.cf:1:30: error: service 'x': an argument that is no option"},
	{"", "x unix - - n - - smtp -o {a=b\n", "error: service 'x': missing '}'"},
	{"", "x unix - - n - - smtp -o\n", "error: service 'x': an option without its value"},
	{"", "x unix - - n - - smtp -o a=$b$\n", "master.cf:1:30: error: '$' without the name"},
};

static void mistakes_have_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		void *own;
		char *text;

		setup(&own);
		load(own, mistakes[i].main_cf, mistakes[i].master_cf);
		text = printed(own);
		if (!strstr(text, mistakes[i].expected))
			print_error("%s\n%s", mistakes[i].expected, text);
		assert_non_null(strstr(text, mistakes[i].expected));
		teardown(&own);
	}
}

/* What looks like a mistake or a template and is none. */
static const struct {
	const char *main_cf, *master_cf;
} right[] = {
	{"myorigin = ${{$myorigin_}=={}?{{a}}:{{b}}}\n", ""},
	{"transport_maps = inline:{{a = b}, {c = d}} inline:{{a=b}}\n", ""},
	{"# {{ template }}\nmyorigin = $$\n", ""},
	{"smtpd_forbidden_commands = CONNECT regexp:{{/^[^A-Z]/ Bogus}}\n", ""},
	{"myorigin=\n", "x unix - n n - - pipe\n flags=R user=a argv=/b {c d} -o e\n"},
	{"a = b", "x unix - n n 60? 0 smtp -v -o a=b -D\n"},
};

static void right_ones_are_not_complained_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		void *own;

		setup(&own);
		assert_non_null(load(own, right[i].main_cf, right[i].master_cf));
		assert_errors(own, 0);
		teardown(&own);
	}
}

static void binary_files_are_refused(void **state)
{
	static const char text[] = "a = b\nc = \0d\n";
	struct fixture *fixture = *state;

	fixture->main_cf = (struct source){"main.cf", text, sizeof(text) - 1};
	assert_null(configuration_new(fixture->arena, &fixture->main_cf, NULL, POSTFIX_USUAL,
				      fixture->list));
	assert_non_null(strstr(printed(fixture), "main.cf:2:5: error: there is a NUL here"));
}

static void expansion_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct strbuf buf = STRBUF_INIT;
	const struct value *value;

	/* 4^40 octets, were it expanded */
	for (unsigned i = 0; i < 40; i++)
		strbuf_addf(&buf, "a%u = $a%u$a%u$a%u$a%u\n", i, i + 1, i + 1, i + 1, i + 1);
	strbuf_adds(&buf, "a40 = x\n");
	load(fixture, strbuf_text(&buf), "");
	value = configuration_value(fixture->configuration, NULL, "a0");
	assert_true(value->failed);
	assert_string_equal(value->text.text, "");
	strbuf_done(&buf);
}

static void names_are_classified(void **state)
{
	struct configuration *configuration =
		load(*state,
		     "smtpd_restriction_classes = strict, $more\nmore = lax\nstrict = reject\n"
		     "amavis_destination_recipient_limit = 1\n",
		     "amavis unix - - n - - smtp\nspawned unix - n n - - spawn argv=$command\n");
	static const struct {
		const char *name;
		enum name_class expected;
	} cases[] = {
		{"myhostname", NAME_BUILT_IN},
		{"Myhostname", NAME_UNKNOWN},
		{"smtp_tlsrpt_enable", NAME_OTHER_RELEASE},
		{"fallback_relay", NAME_OTHER_RELEASE},
		{"amavis_destination_recipient_limit", NAME_SERVICE},
		{"amavis_time_limit", NAME_UNKNOWN},
		{"spawned_time_limit", NAME_SERVICE},
		{"other_destination_recipient_limit", NAME_UNKNOWN},
		{"strict", NAME_CLASS},
		{"lax", NAME_CLASS},
		{"more", NAME_USER},
		{"command", NAME_USER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(configuration_classify(configuration, cases[i].name),
				 cases[i].expected);
	assert_int_equal(configuration_kind(configuration, "strict"), PARAMETER_RESTRICTIONS);
	assert_int_equal(configuration_kind(configuration, "amavis_destination_recipient_limit"),
			 PARAMETER_INTEGER);
}

static void undefined_names_are_noted(void **state)
{
	struct configuration *configuration = load(*state, "myorigin = $a ${b?$c}\nx = $mydomain\n",
						   "s unix - - n - - smtp -o relayhost=${d}\n");

	assert_errors(*state, 0);
	assert_int_equal(configuration->undefined.count, 3);
	assert_string_equal(configuration->undefined.items[0].name.text, "a");
	assert_place(&configuration->undefined.items[0].name, 1, 13);
	assert_string_equal(configuration->undefined.items[1].name.text, "b");
	assert_null(configuration->undefined.items[1].service);
	assert_string_equal(configuration->undefined.items[2].name.text, "d");
	assert_non_null(configuration->undefined.items[2].service);
}

static void readers_of_parameters(void **state)
{
	static const struct {
		const char *parameter, *daemon;
		bool expected;
	} cases[] = {
		/* as the manual pages of the daemons list them */
		{"smtp_bind_address", "smtp", true},
		{"smtp_bind_address", "smtpd", false},
		{"smtp_bind_address", "postscreen", false},
		{"smtpd_upstream_proxy_protocol", "smtpd", true},
		{"smtpd_upstream_proxy_protocol", "postscreen", false},
		{"postscreen_upstream_proxy_protocol", "postscreen", true},
		{"postscreen_upstream_proxy_protocol", "smtpd", false},
		{"myhostname", "smtpd", true},
		{"smtpd_recipient_restrictions", "cleanup", false},
		{"mailbox_size_limit", "local", true},
		{"mailbox_size_limit", "virtual", false},
		{"transport_maps", "trivial-rewrite", true},
		{"transport_maps", "smtp", false},
		{"smtp_bind_address", "someone-elses", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct parameter *parameter = parameter_find(cases[i].parameter);

		assert_non_null(parameter);
		if (parameter_read_by(parameter, cases[i].daemon) != cases[i].expected)
			print_error("%s %s\n", cases[i].parameter, cases[i].daemon);
		assert_int_equal(parameter_read_by(parameter, cases[i].daemon), cases[i].expected);
	}
}

static void parameters_are_sorted(void **state)
{
	size_t count;
	const struct parameter *all = parameter_all(&count);

	(void)state;
	assert_true(count > 850);
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(all[i - 1].name, all[i].name) < 0);
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(parameter_find(all[i].name), &all[i]);
		if (all[i].successor && *all[i].successor)
			assert_non_null(parameter_find(all[i].successor));
	}
}

static void releases_are_told_apart(void **state)
{
	const struct parameter *protocols = parameter_find("smtp_tls_protocols");
	enum postfix_release release;

	(void)state;
	assert_string_equal(parameter_default(protocols, POSTFIX_3_5), "!SSLv2, !SSLv3");
	assert_string_equal(parameter_default(protocols, POSTFIX_3_7), ">=TLSv1");
	assert_false(parameter_in(parameter_find("smtp_tlsrpt_enable"), POSTFIX_3_7));
	assert_true(parameter_in(parameter_find("smtp_tlsrpt_enable"), POSTFIX_3_10));
	assert_true(postfix_release_parse("3.8.6", &release));
	assert_int_equal(release, POSTFIX_3_7);
	assert_true(postfix_release_parse("3.12", &release));
	assert_int_equal(release, POSTFIX_3_10);
	assert_false(postfix_release_parse("x", &release));
}

static void restrictions_take_arguments(void **state)
{
	struct configuration *configuration =
		load(*state,
		     "smtpd_recipient_restrictions = Permit_MyNetworks,\n"
		     " check_policy_service { inet:[::1]:1, timeout=1 } warn_if_reject\n"
		     " reject_rbl_client x.example=127.0.0.2 hash:/a mine check_client_access\n",
		     "");
	const struct value *value =
		configuration_value(configuration, NULL, "smtpd_recipient_restrictions");
	struct restriction_uses uses = restrictions_read(configuration->arena, &value->text);

	assert_int_equal(uses.count, 7);
	assert_string_equal(uses.items[0].restriction->name, "permit_mynetworks");
	assert_string_equal(uses.items[1].argument->text.text, "{ inet:[::1]:1, timeout=1 }");
	assert_string_equal(uses.items[3].argument->text.text, "x.example=127.0.0.2");
	assert_true(uses.items[3].warn_only);
	assert_false(uses.items[4].warn_only);
	assert_null(uses.items[4].restriction);
	assert_int_equal(uses.items[4].name->kind, LIST_ITEM_TABLE);
	assert_null(uses.items[5].restriction);
	assert_non_null(uses.items[6].restriction);
	assert_null(uses.items[6].argument);
	assert_int_equal(configuration_tables(configuration, value).count, 1);
}

static void tables_nest(void **state)
{
	struct fixture *fixture = *state;
	struct text reference =
		text_constant("proxy:unionmap:{pipemap:{hash:/a, inline:{b=c}} static:{d e}}");
	struct table *table = table_parse(fixture->arena, &reference, fixture->list);
	struct table *unionmap = table->parts.items[0];

	assert_errors(fixture, 0);
	assert_string_equal(table->type->name, "proxy");
	assert_int_equal(unionmap->parts.count, 2);
	assert_string_equal(unionmap->parts.items[1]->name.text, "{d e}");
	assert_int_equal(unionmap->parts.items[0]->parts.count, 2);
	assert_string_equal(unionmap->parts.items[0]->parts.items[0]->name.text, "/a");
	reference = text_constant("unionmap:{a");
	table_parse(fixture->arena, &reference, fixture->list);
	reference = text_constant("/no/type");
	assert_null(table_parse(fixture->arena, &reference, fixture->list)->type);
	assert_errors(fixture, 2);
}

static void entries_of_tables(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "# c\n"
				   "a  smtp:[b]\n"
				   "  :25\n"
				   "lonely\n"
				   "\"q r\"@x y # z\n"
				   "A twice\n";
	struct source source = source_of("table", text);
	struct table_contents *contents =
		table_read(fixture->arena, table_type_find("hash", 4), &source, fixture->list);

	assert_int_equal(contents->count, 3);
	assert_string_equal(contents->items[0].value.text, "smtp:[b]  :25");
	assert_place(&contents->items[0].value, 2, 4);
	assert_string_equal(contents->items[1].key.text, "\"q r\"@x");
	assert_string_equal(contents->items[1].value.text, "y # z");
	assert_ptr_equal(contents->items[2].beaten_by, &contents->items[0]);
	assert_ptr_equal(table_find(contents, "A"), &contents->items[0]);
	assert_null(table_find(contents, "lonely"));
	assert_non_null(strstr(printed(fixture), "table:4:1: warning: a key without a value"));
	/* it may hold a password */
	assert_null(strstr(printed(fixture), "lonely"));
}

static void patterns_of_tables(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "/^a\\/b$/i\tREJECT $$x\n"
				   "if !/c/\n"
				   "!/d/ OK\n"
				   "endif\n"
				   "/e/Q no\n"
				   "/f no\n"
				   "endif\n"
				   "word no\n"
				   "if /g/\n";
	struct source source = source_of("table", text);
	struct table_contents *contents =
		table_read(fixture->arena, table_type_find("regexp", 6), &source, fixture->list);

	assert_int_equal(contents->count, 5);
	assert_string_equal(contents->items[0].key.text, "^a\\/b$");
	assert_string_equal(contents->items[0].options.text, "i");
	assert_string_equal(contents->items[0].value.text, "REJECT $$x");
	assert_place(&contents->items[0].key, 1, 2);
	assert_int_equal(contents->items[1].kind, TABLE_IF);
	assert_true(contents->items[1].negated);
	assert_true(contents->items[2].negated);
	assert_int_equal(contents->items[3].kind, TABLE_ENDIF);
	/* four lines that are skipped, and the if that is not closed */
	assert_errors(fixture, 5);
}

static void numbers_and_times(void **state)
{
	struct configuration *configuration = load(*state,
						   "message_size_limit = 12\nminimal_backoff_time ="
						   " 2h\nmaximal_queue_lifetime = 3\n"
						   "queue_run_delay = x\ndelay_warning_time = 4\n",
						   "");
	static const struct {
		const char *name;
		long expected;
	} cases[] = {
		{"minimal_backoff_time", 7200},
		{"maximal_queue_lifetime", 3 * 86400L}, /* days, as postconf(5) says */
		{"delay_warning_time", 4 * 3600L},	/* hours */
		{"bounce_queue_lifetime", 5 * 86400L},	/* the default */
	};
	long number;

	assert_true(value_number(configuration_value(configuration, NULL, "message_size_limit"),
				 &number));
	assert_int_equal(number, 12);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(value_seconds(configuration_value(configuration, NULL, cases[i].name),
					  &number));
		assert_int_equal(number, cases[i].expected);
	}
	assert_false(value_seconds(configuration_value(configuration, NULL, "queue_run_delay"),
				   &number));
}

static void files_outside_are_not_read(void **state)
{
	struct fixture *fixture = *state;
	char folder[] = "/tmp/postern-configuration-XXXXXX";
	struct configuration *configuration = load(fixture, "", "");
	struct text reference;
	const struct table_contents *contents;
	char *link;

	assert_non_null(mkdtemp(folder));
	configuration->directory = folder;
	link = arena_printf(fixture->arena, "%s/link", folder);
	assert_int_equal(symlink("/etc/hostname", link), 0);
	assert_null(configuration_path(configuration, "/etc/passwd"));
	assert_null(configuration_path(configuration, "/etc/postfix/../passwd"));
	assert_null(configuration_path(configuration, link));
	assert_non_null(configuration_path(configuration, "/etc/postfix/absent"));
	reference = text_constant("hash:/etc/postfix/absent");
	assert_int_equal(configuration_contents(configuration,
						table_parse(fixture->arena, &reference, NULL),
						fixture->list, &contents),
			 CONTENTS_MISSING);
	reference = text_constant("texthash:/etc/passwd");
	assert_int_equal(configuration_contents(configuration,
						table_parse(fixture->arena, &reference, NULL),
						fixture->list, &contents),
			 CONTENTS_OUTSIDE);
	unlink(link);
	rmdir(folder);
	assert_errors(fixture, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pieces_of_a_continued_value_have_places),
		TEST(parts_of_an_expanded_value_have_places),
		TEST(services_override_values),
		TEST(later_entries_win),
		TEST(mistakes_have_places),
		TEST(right_ones_are_not_complained_of),
		TEST(binary_files_are_refused),
		TEST(expansion_is_bounded),
		TEST(names_are_classified),
		TEST(undefined_names_are_noted),
		TEST(readers_of_parameters),
		TEST(parameters_are_sorted),
		TEST(releases_are_told_apart),
		TEST(restrictions_take_arguments),
		TEST(tables_nest),
		TEST(entries_of_tables),
		TEST(patterns_of_tables),
		TEST(numbers_and_times),
		TEST(files_outside_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
