/*
 * The Mustache language's own test cases against the engine: mustache_spec FOLDER. Prints how many
 * cases of each file passed. Exit status 77: the folder is not there.
 */
#include "confgen/render/mustache.h"

#include <errno.h>
#include <unistd.h>

static const char *const modules[] = {"comments", "delimiters", "interpolation",
				      "inverted", "partials",	"sections"};

struct partials {
	struct arena *arena;
	const json_t *texts;
};

static struct source source_of(const char *name, const json_t *text)
{
	return (struct source){name, json_string_value(text), json_string_length(text)};
}

static const struct source *find_partial(void *context, const char *name)
{
	const struct partials *partials = context;
	const json_t *text = json_object_get(partials->texts, name);
	struct source *source;

	if (!text)
		return NULL;
	source = arena_alloc(partials->arena, sizeof(*source));
	*source = source_of(arena_strdup(partials->arena, name), text);
	return source;
}

static bool passes(const json_t *test)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct partials partials = {arena, json_object_get(test, "partials")};
	const struct mustache_loader loader = {find_partial, &partials};
	const struct mustache_options options = {.partials = &loader, .html = true};
	const char *name = json_string_value(json_object_get(test, "name"));
	const struct source template = source_of(name, json_object_get(test, "template"));
	const json_t *expected = json_object_get(test, "expected");
	struct strbuf out = STRBUF_INIT;
	bool passed = template.text && json_is_string(expected) &&
		      mustache_render(arena, &template, json_object_get(test, "data"), &options,
				      &out, list) == 0 &&
		      out.length == json_string_length(expected) &&
		      memcmp(strbuf_text(&out), json_string_value(expected), out.length) == 0;

	if (!passed) {
		printf("FAILED: %s\n", name);
		printf("expected: %s\nrendered: %s\n", json_string_value(expected),
		       strbuf_text(&out));
		diagnostics_print(list, stdout, false);
	}
	strbuf_done(&out);
	arena_free(arena);
	return passed;
}

/* Whether all cases of a file, and at least one, passed. */
static bool run_file(const char *folder, const char *module)
{
	char path[4096];
	json_t *root;
	const json_t *tests, *test;
	json_error_t error;
	size_t i, passed = 0, count;

	snprintf(path, sizeof(path), "%s/%s.json", folder, module);
	root = json_load_file(path, 0, &error);
	if (!root) {
		printf("%s:%d: %s\n", path, error.line, error.text);
		return false;
	}
	tests = json_object_get(root, "tests");
	count = json_array_size(tests);
	json_array_foreach (tests, i, test)
		passed += passes(test);
	json_decref(root);
	printf("%s: %zu of %zu cases passed\n", module, passed, count);
	return count > 0 && passed == count;
}

int main(int argc, char **argv)
{
	bool good = true;

	if (argc != 2) {
		fprintf(stderr, "usage: mustache_spec FOLDER\n");
		return 2;
	}
	if (access(argv[1], F_OK) < 0 && errno == ENOENT) {
		printf("skipped: the Mustache test cases are not in %s\n", argv[1]);
		return 77;
	}
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		good = run_file(argv[1], modules[i]) && good;
	return good ? 0 : 1;
}
