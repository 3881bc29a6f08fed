/* Tests of confgen/apply: names that may be written, what a difference shows, how services merge.
 */
#include "confgen/apply/diff.h"
#include "confgen/apply/history.h"
#include "confgen/apply/merge.h"
#include "confgen/apply/place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *path;
		bool good;
	} rows[] = {
		{"config/main.cf", true},
		{"postern/postern-milter.conf", true},
		{"config/", false},
		{"config", false},
		{"config/.hidden", false},
		{"config/..", false},
		{"config/.", false},
		{"config/../passwd", false},
		{"config/a/b", false},
		{"config//etc/passwd", false},
		{"/etc/passwd", false},
		{"configs/main.cf", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum place_root root;
		const char *name;

		if (place_split(rows[i].path, &root, &name) != rows[i].good)
			fail_msg("%s", rows[i].path);
	}
}

static struct source source_of(const char *text)
{
	return (struct source){"main.cf", text, text ? strlen(text) : 0};
}

static void test_masks(void **state)
{
	static const struct {
		const char *line, *shown;
		enum diff_mask mask;
	} rows[] = {
		{"relayhost = [mx]", "relayhost = [mx]", DIFF_SETTINGS},
		{"smtp_sasl_password_maps = hash:/etc/postfix/sasl",
		 "smtp_sasl_password_maps = hash:/etc/postfix/sasl", DIFF_SETTINGS},
		{"smtp_sasl_password_maps = texthash:${config_directory}/sasl, proxy:mysql:/a",
		 "smtp_sasl_password_maps = texthash:${config_directory}/sasl, proxy:mysql:/a",
		 DIFF_SETTINGS},
		{"smtp_sasl_password_maps = static:bob:pw", "smtp_sasl_password_maps = ********",
		 DIFF_SETTINGS},
		{"smtp_sasl_password_maps=inline:{a=b}", "smtp_sasl_password_maps= ********",
		 DIFF_SETTINGS},
		{"smtp_sasl_password_maps = hash:pw", "smtp_sasl_password_maps = ********",
		 DIFF_SETTINGS},
		{"ldap_bind_pw = x", "ldap_bind_pw = ********", DIFF_SETTINGS},
		{"# the Password is x", "********", DIFF_SETTINGS},
		{"  -o smtp_sasl_password_maps=static:a:b", "  ********", DIFF_SETTINGS},
		{"[mx]:587\tbob:pw", "[mx] ********", DIFF_SECRET},
		{"bob:{SHA512-CRYPT}x", "bob ********", DIFF_SECRET},
		{"# bob x", "# ********", DIFF_SECRET},
		{"a password", "a password", DIFF_PLAIN},
		{"\033[2J", "\\x1b[2J", DIFF_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *arena = arena_new(0);
		const struct source none = source_of(NULL), one = source_of(rows[i].line);
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		diff_print(arena, "x", &none, &one, rows[i].mask, out);
		fclose(out);
		assert_string_equal(text,
				    arena_printf(arena,
						 "--- /dev/null\n+++ x\n@@ -0,0 +1,1 @@\n+%s\n"
						 "\\ No newline at end of file\n",
						 rows[i].shown));
		free(text);
		arena_free(arena);
	}
}

/* What a service becomes, and what it becomes when the topology has it no more. */
static void test_services(void **state)
{
	static const struct {
		const char *actual, *wanted, *merged;
	} rows[] = {
		{"smtp inet n - y - - smtpd\n", "smtp inet n - n - - smtpd\n",
		 "smtp inet n - n - - smtpd\n"},
		/* options of others stay, ours win */
		{"smtp inet n - n - - smtpd\n  -o a=1 -o b=2 -v\n",
		 "smtp inet n - n - - smtpd\n  -o a=3\n",
		 "smtp inet n - n - - smtpd\n  -o a=3\n  -o b=2\n  -v\n"},
		/* the same, written otherwise */
		{"smtp  inet n - n - - smtpd -o a=3 -o b=2\n",
		 "smtp inet n - n - - smtpd\n  -o a=3\n",
		 "smtp  inet n - n - - smtpd -o a=3 -o b=2\n"},
		/* what every Postfix has is left alone, but an option of ours counts */
		{"smtp unix - - y - - smtp\n", "smtp unix - - n - - smtp\n",
		 "smtp unix - - y - - smtp\n"},
		{"smtp unix - - y - - smtp\n", "smtp unix - - n - - smtp -o a=1\n",
		 "smtp unix - - n - - smtp -o a=1\n"},
		{"# none\n", "pickup unix n - n 60 1 pickup\n",
		 "# none\n\n" MERGE_HEADING "pickup unix n - n 60 1 pickup\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct source actual = source_of(rows[i].actual);
		const struct source wanted = source_of(rows[i].wanted), empty = source_of("");
		const struct owned_list none = {0};
		struct owned_list owned = {0}, nothing = {0};
		struct words left = {0};
		struct arena *arena = arena_new(0);
		struct merge merge = {
			arena, LAYOUT_SERVICES, "config/master.cf", &actual, &wanted, &none, &owned,
			&left};
		struct source merged = {.name = "master.cf"};
		size_t length;

		merged.text = merge_files(&merge, &merged.length);
		assert_string_equal(merged.text, rows[i].merged);
		merge.actual = &merged;
		merge.wanted = &empty;
		merge.before = &owned;
		merge.after = &nothing;
		assert_string_equal(merge_files(&merge, &length), rows[i].actual);
		assert_int_equal(left.count, 0);
		arena_free(arena);
	}
}

/* An option of ours that the topology drops goes, one of others that looks like it stays. */
static void test_dropped_options(void **state)
{
	const struct source actual = source_of("smtp inet n - n - - smtpd\n  -o mine=1\n");
	const struct source more = source_of("smtp inet n - n - - smtpd\n  -o a=1\n  -o b=2\n");
	const struct source less = source_of("smtp inet n - n - - smtpd\n  -o a=1\n");
	const struct owned_list none = {0};
	struct owned_list first = {0}, second = {0};
	struct words left = {0};
	struct arena *arena = arena_new(0);
	struct merge merge = {
		arena, LAYOUT_SERVICES, "config/master.cf", &actual, &more, &none, &first, &left};
	struct source merged = {.name = "master.cf"};
	size_t length;

	(void)state;
	merged.text = merge_files(&merge, &merged.length);
	merge.actual = &merged;
	merge.wanted = &less;
	merge.before = &first;
	merge.after = &second;
	assert_string_equal(merge_files(&merge, &length),
			    "smtp inet n - n - - smtpd\n  -o a=1\n  -o mine=1\n");
	arena_free(arena);
}

/* Files of earlier states: each is in the first later state that changed it. */
static void test_history(void **state)
{
	struct state_file one[] = {{"config/main.cf", true, true}, {"config/t", false, true}};
	struct state_file two[] = {{"config/t", true, false}};
	struct state states[] = {
		{.number = 3, .amounts_to = 3, .files = {one, 2}},
		{.number = 4, .amounts_to = 4, .files = {two, 1}},
	};
	const struct history history = {states, 2};
	bool there;
	int from;

	(void)state;
	assert_true(history_reaches(&history, 2) && history_reaches(&history, 4));
	assert_false(history_reaches(&history, 1) || history_reaches(&history, 5));
	assert_true(history_file(&history, 2, "config/t", &from, &there));
	assert_true(from == 3 && !there);
	assert_true(history_file(&history, 3, "config/t", &from, &there));
	assert_true(from == 4 && there);
	assert_false(history_file(&history, 4, "config/t", &from, &there));
	assert_int_equal(history_written(&history, "config/t"), 0);
	assert_int_equal(history_written(&history, "config/main.cf"), 3);
	assert_int_equal(history_written(&history, "config/none"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_services),	cmocka_unit_test(test_history),
		cmocka_unit_test(test_dropped_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
