/* The keys of all domains: a folder of them, files that several share, and when they are active. */
#include "milter/key.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "key_files.h"

struct loaded {
	struct arena *arena;
	struct source source;
	struct config config;
	char *said;
};

/* Reads a configuration with `text` in it, and its keys. */
static void load(struct loaded *loaded, const char *text)
{
	struct diagnostics *list;
	size_t size;
	FILE *out = open_memstream(&loaded->said, &size);

	loaded->arena = arena_new(0);
	list = diagnostics_new(loaded->arena);
	loaded->source.name = "m.conf";
	loaded->source.text = arena_printf(loaded->arena,
					   "socket = 'inet:9@127.0.0.1' user = 'nobody'\n%s", text);
	loaded->source.length = strlen(loaded->source.text);
	config_read(loaded->arena, &loaded->source, list, &loaded->config);
	keys_load(loaded->arena, &loaded->config, &opener_direct, list);
	diagnostics_print(list, out, false);
	fclose(out);
}

static void unload(struct loaded *loaded)
{
	keys_free(&loaded->config);
	arena_free(loaded->arena);
	free(loaded->said);
}

static const struct key *key_of(const struct loaded *loaded, const char *domain)
{
	const struct signing_domain *found = config_signer(&loaded->config, domain);

	return found ? found->keys[0].key : NULL;
}

static void test_folder(void **state)
{
	struct loaded loaded;
	char text[1000];

	(void)state;
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	make_key("folder/a.test.private");
	make_key("folder/B.test.private");
	make_key("folder/own.test.private");
	make_key("folder/.hidden.test.private");
	make_key("folder/c.test.public");
	make_key("folder/not_a_domain!.private");
	make_key("folder/.private");
	make_key("own");
	snprintf(text, sizeof(text),
		 "key_folder = '%s' key_folder_selector = 's'\n"
		 "domain 'own.test' { selector = 'o' key = '%s' }\n",
		 path_of("folder"), path_of("own"));
	load(&loaded, text);
	assert_int_equal(loaded.config.folder_domain_count, 2);
	assert_non_null(key_of(&loaded, "a.test"));
	assert_non_null(key_of(&loaded, "b.test"));
	assert_ptr_not_equal(key_of(&loaded, "a.test"), key_of(&loaded, "b.test"));
	assert_string_equal(config_signer(&loaded.config, "b.test")->name, "b.test");
	assert_string_equal(config_signer(&loaded.config, "a.test")->keys[0].selector, "s");
	/* a section has its own key, and what only looks like a key's file is left out */
	assert_string_equal(config_signer(&loaded.config, "own.test")->keys[0].selector, "o");
	assert_null(config_signer(&loaded.config, "hidden.test"));
	assert_null(config_signer(&loaded.config, "c.test"));
	assert_non_null(strstr(loaded.said, "not_a_domain!.private is not named after a domain"));
	assert_null(strstr(loaded.said, "error"));
	unload(&loaded);
	/* one that cannot be used is an error, and the others are read all the same */
	write_file("folder/d.test.private", 0600, "no key\n");
	make_key("folder/e.test.private");
	assert_int_equal(chmod(path_of("folder/e.test.private"), 0644), 0);
	load(&loaded, text);
	assert_non_null(strstr(loaded.said, "d.test.private holds no private key in PEM form"));
	assert_non_null(strstr(loaded.said, "e.test.private can be read by others (mode 0644)"));
	assert_non_null(key_of(&loaded, "a.test"));
	unload(&loaded);
	load(&loaded, "key_folder = '/nowhere/keys'\n");
	assert_non_null(strstr(loaded.said, "key_folder /nowhere/keys: No such file"));
	unload(&loaded);
	assert_int_equal(mkdir(path_of("empty"), 0700), 0);
	snprintf(text, sizeof(text), "key_folder = '%s'\n", path_of("empty"));
	load(&loaded, text);
	assert_non_null(strstr(loaded.said, "holds no DOMAIN.private"));
	unload(&loaded);
}

/* Domains may share a file, which is then one key, and is freed once. */
static void test_shared(void **state)
{
	struct loaded loaded;
	char text[2000];

	(void)state;
	make_key("one");
	make_key("ONE");
	snprintf(text, sizeof(text),
		 "domain 'a.test' { selector = 'x' key = '%s' }\n"
		 "domain 'b.test' { selector = 'y' key = '%s' }\n"
		 "domain 'c.test' { key one { file = '%s' } key two { file = '%s' } }\n"
		 "domain 'd.test' { selector = 'z' key = '%s' }\n",
		 path_of("one"), path_of("one"), path_of("one"), path_of("one"), path_of("ONE"));
	load(&loaded, text);
	assert_string_equal(loaded.said, "");
	assert_ptr_equal(key_of(&loaded, "a.test"), key_of(&loaded, "b.test"));
	assert_ptr_equal(key_of(&loaded, "a.test"),
			 config_signer(&loaded.config, "c.test")->keys[1].key);
	assert_int_equal(key_of(&loaded, "a.test")->uses, 4);
	assert_ptr_not_equal(key_of(&loaded, "a.test"), key_of(&loaded, "d.test"));
	unload(&loaded);
	/* each place of a file that cannot be used is told */
	assert_int_equal(chmod(path_of("one"), 0666), 0);
	load(&loaded, text);
	assert_non_null(strstr(loaded.said, "m.conf:2:"));
	assert_non_null(strstr(loaded.said, "m.conf:3:"));
	assert_null(key_of(&loaded, "b.test"));
	unload(&loaded);
}

static void test_active(void **state)
{
	static const struct {
		int64_t from, until, now;
		bool active;
	} cases[] = {
		{INT64_MIN, INT64_MAX, 0, true}, {100, INT64_MAX, 99, false},
		{100, INT64_MAX, 100, true},	 {INT64_MIN, 100, 99, true},
		{INT64_MIN, 100, 100, false},	 {100, 200, 150, true},
		{100, 200, 200, false},
	};
	struct loaded loaded;
	char text[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct signing_key key = {.active_from = cases[i].from,
						.retire_after = cases[i].until};

		if (key_is_active(&key, cases[i].now) != cases[i].active)
			fail_msg("case %zu", i);
	}
	make_key("old");
	snprintf(text, sizeof(text),
		 "domain 'a.test' { key 'k' { file = '%s' retire_after = '2001-01-01' } }\n",
		 path_of("old"));
	load(&loaded, text);
	assert_non_null(strstr(loaded.said, "no key is active now, so its mail must wait"));
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_active),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
