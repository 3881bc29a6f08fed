/* The page as a whole; see page.h. */
#include "confgen/page/page_private.h"
#include "confgen/render/templates.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

/* Points: what is wider is scrolled, and not shrunk until nobody can read it. */
#define WIDE_PICTURE	  1150
#define WIDE_TALL_PICTURE 400 /* on a phone */

/* --- the picture --- */

/* Appends a line of it, but for the identifiers, which would come twice in a page. */
static void add_line(struct strbuf *out, const char *line, size_t length)
{
	static const char start[] = "<g id=\"";
	const char *end = NULL;

	if (length > strlen(start) && strncmp(line, start, strlen(start)) == 0)
		end = memchr(line + strlen(start), '"', length - strlen(start));
	if (end) {
		strbuf_adds(out, "<g");
		length -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	strbuf_add(out, line, length);
}

/*
 * What stands in HTML: the element without the XML declaration, and without the titles and comments
 * by which dot names what it draws, since they would be read out. Each of these is a line. NULL:
 * there is no such element, or it is no text.
 */
static json_t *embedded(const char *svg)
{
	const char *line = svg ? strstr(svg, "<svg") : NULL, *end;
	struct strbuf out = STRBUF_INIT;
	json_t *text;

	for (; line && *line; line = end) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (strncmp(line, "<title>", 7) != 0 && strncmp(line, "<!--", 4) != 0)
			add_line(&out, line, (size_t)(end - line));
	}
	text = out.length ? json_string(strbuf_text(&out)) : NULL;
	strbuf_done(&out);
	return text;
}

static bool is_wide(const char *svg, long limit)
{
	const char *width = svg ? strstr(svg, "<svg width=\"") : NULL;

	return width && strtol(width + strlen("<svg width=\""), NULL, 10) > limit;
}

static json_t *picture(struct arena *arena, const struct page *page)
{
	json_t *entry = json_object(), *svg = embedded(page->svg), *tall = embedded(page->tall);
	struct strbuf source = STRBUF_INIT;

	page_set(entry, "wide", json_boolean(is_wide(page->svg, WIDE_PICTURE)));
	page_set(entry, "tall_wide", json_boolean(is_wide(page->tall, WIDE_TALL_PICTURE)));
	page_set(entry, "missing",
		 svg		? json_false()
		 : page->no_svg ? page_text(arena, page->no_svg)
				: json_string("The picture could not be drawn."));
	page_set(entry, "svg", svg ? svg : json_false());
	page_set(entry, "tall", tall ? tall : json_false());
	graph_write_mermaid(page->graph, &source);
	page_set(entry, "source", json_string(strbuf_text(&source)));
	strbuf_done(&source);
	return entry;
}

/* --- what stands on top --- */

static json_t *title(struct arena *arena, const struct page *page)
{
	const struct domain_list *domains = &page->topology->domains;
	const char *first = domains->count ? domains->items[0].head.name.value : NULL;

	if (!first)
		return json_string("Mail without domains");
	if (domains->count == 1)
		return page_textf(arena, "Mail of %s", first);
	return page_textf(arena, "Mail of %s and %s", first,
			  page_count(arena, domains->count - 1, "other domain", "other domains"));
}

/* "1 error, 2 warnings": of each severity that there is. */
static const char *findings_text(struct arena *arena, const struct diagnostics *findings)
{
	static const struct {
		enum severity severity;
		const char *one, *many;
	} kinds[] = {
		{SEVERITY_ERROR, "error", "errors"},
		{SEVERITY_WARNING, "warning", "warnings"},
		{SEVERITY_INFO, "remark", "remarks"},
	};
	const char *text = "";
	size_t before = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const size_t all = diagnostics_count(findings, kinds[i].severity);

		if (all > before)
			text = arena_printf(
				arena, "%s%s%s", text, before ? ", " : "",
				page_count(arena, all - before, kinds[i].one, kinds[i].many));
		before = all;
	}
	return *text ? text : "none";
}

/* How many checks were made, and how many of them went as they should. */
static json_t *tests_text(struct arena *arena, const struct page *page, bool *passed)
{
	size_t good = 0;

	for (size_t i = 0; i < page->check_count; i++)
		good += page->checks[i].why == NULL;
	*passed = good == page->check_count;
	return page->check_count ? page_textf(arena, "%zu of %zu passed", good, page->check_count)
				 : json_string("not run");
}

static json_t *summary(struct arena *arena, const struct page *page)
{
	const struct topology *topology = page->topology;
	const struct diagnostics *findings = page->findings;
	json_t *entry = json_object();
	bool passed;

	page_set(entry, "title", title(arena, page));
	page_set(entry, "nodes",
		 page_text(arena, page_count(arena, topology->nodes.count, "host", "hosts")));
	page_set(entry, "domains",
		 page_text(arena, page_count(arena, topology->domains.count, "domain", "domains")));
	page_set(entry, "routes",
		 page_text(arena, page_count(arena, topology->routes.count, "route", "routes")));
	page_set(entry, "findings", page_text(arena, findings_text(arena, findings)));
	page_set(entry, "has_errors", json_boolean(diagnostics_count(findings, SEVERITY_ERROR)));
	page_set(entry, "has_findings", json_boolean(diagnostics_count(findings, SEVERITY_INFO)));
	page_set(entry, "dangers", page_textf(arena, "%zu", page->graph->dangers.count));
	page_set(entry, "has_dangers", json_boolean(page->graph->dangers.count > 0));
	page_set(entry, "tests", tests_text(arena, page, &passed));
	page_set(entry, "run", json_boolean(page->check_count > 0));
	page_set(entry, "all_passed", json_boolean(passed));
	return entry;
}

static json_t *view(struct arena *arena, const struct page *page)
{
	json_t *data = json_object();
	const char *slash = strrchr(page->path, '/');

	page_set(data, "topology", page_text(arena, slash ? slash + 1 : page->path));
	page_set(data, "version", json_string(POSTERN_VERSION));
	page_set(data, "summary", summary(arena, page));
	page_set(data, "picture", picture(arena, page));
	page_set(data, "dangers", page_dangers(arena, page));
	page_set(data, "routes", page_routes(arena, page));
	page_set(data, "listeners", page_listeners(arena, page));
	page_set(data, "trust", page_trust(arena, page));
	page_set(data, "dns", page_dns(arena, page));
	page_set(data, "findings", page_findings(arena, page));
	page_set(data, "tests", page_tests(arena, page));
	page_set(data, "files", page_files(arena, page));
	return data;
}

/* --- style and script --- */

/* As Content-Security-Policy names what may stand in the page: by its hash. */
static json_t *hash_of(const char *text)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char encoded[4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1];

	SHA256((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock((unsigned char *)encoded, digest, sizeof(digest));
	return json_string(encoded);
}

/* A template that the page has in itself, and its hash as NAME_hash. */
static int add_part(struct templates *templates, json_t *data, const char *name,
		    const char *template)
{
	struct strbuf text = STRBUF_INIT;
	int error = templates_render(templates, template, data, &text);

	if (!error) {
		page_set(data, name, json_string(strbuf_text(&text)));
		page_set(data, arena_printf(templates->arena, "%s_hash", name),
			 hash_of(strbuf_text(&text)));
	}
	strbuf_done(&text);
	return error;
}

int page_render(struct arena *arena, const struct page *page, const char *folder,
		struct diagnostics *list, struct strbuf *out)
{
	struct templates templates;
	json_t *data;
	int error = templates_init(&templates, arena, folder, list);

	if (error)
		return error;
	data = view(arena, page);
	error = add_part(&templates, data, "style", "report/style.css");
	if (!error)
		error = add_part(&templates, data, "script", "report/script.js");
	templates.html = true;
	if (!error)
		error = templates_render(&templates, "report/report.html", data, out);
	json_decref(data);
	return error;
}
