/*
 * Fuzzes templates over data with every kind of value. The template is also its own partial, so
 * that recursion is covered. What is checked: the two modes agree where strict mode has no
 * complaint, and a failure says why and leaves the output alone.
 */
#include "confgen/render/mustache.h"

#include <stdint.h>

#define LIMIT ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char facts[] =
	"{\"s\":\"text\",\"h\":\"<&>\",\"c\":\"a\\nb\",\"i\":-7,\"r\":0.25,\"t\":true,\"f\":false,"
	"\"n\":null,\"e\":[],\"l\":[1,\"two\",null,[3,[4]],{\"s\":\"inner\",\"x\":1}],"
	"\"o\":{\"p\":{\"q\":\"deep\",\"l\":[{\"z\":1},{\"z\":2}]},\"s\":\"shadow\"}}";

struct fixture {
	struct source template;
	struct source indented;
};

static const struct source *find_partial(void *context, const char *name)
{
	const struct fixture *fixture = context;

	if (strcmp(name, "self") == 0)
		return &fixture->template;
	return strcmp(name, "p") == 0 ? &fixture->indented : NULL;
}

static int render(const struct fixture *fixture, json_t *values, bool strict, bool html,
		  struct strbuf *out)
{
	const struct mustache_loader loader = {find_partial, (void *)fixture};
	const struct mustache_options options = {
		.partials = &loader, .html = html, .strict = strict, .limit = LIMIT};
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	int status = mustache_render(arena, &fixture->template, values, &options, out, list);

	if ((status == 0) != (diagnostics_count(list, SEVERITY_INFO) == 0))
		abort();
	if (out->length > LIMIT || (status < 0 && out->length))
		abort();
	arena_free(arena);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char indented[] = "one\n  {{>self}}\n\n{{s}} two";
	const struct fixture fixture = {{"t", (const char *)data, size},
					{"p", indented, sizeof(indented) - 1}};
	struct strbuf strict = STRBUF_INIT, lax = STRBUF_INIT, html = STRBUF_INIT;
	json_t *values = json_loads(facts, 0, NULL);

	if (!values)
		abort();
	if (render(&fixture, values, true, false, &strict) == 0 &&
	    (render(&fixture, values, false, false, &lax) < 0 || strict.length != lax.length ||
	     memcmp(strbuf_text(&strict), strbuf_text(&lax), lax.length) != 0))
		abort();
	render(&fixture, values, false, true, &html);
	strbuf_done(&strict);
	strbuf_done(&lax);
	strbuf_done(&html);
	json_decref(values);
	return 0;
}
