/* Texts of the picture in a language's own markup; see graph_private.h. */
#include "confgen/graph/graph_private.h"

static void add_text(const struct graph *graph, struct strbuf *out,
		     const struct graph_markup *markup, const char *text)
{
	for (const char *p = text_escaped(graph->arena, text); *p; p++) {
		size_t plain = strcspn(p, markup->special);

		strbuf_add(out, p, plain);
		p += plain;
		if (!*p)
			return;
		strbuf_addf(out, "%s%d;", markup->code, *p);
	}
}

void graph_write_lines(const struct graph *graph, struct strbuf *out,
		       const struct graph_markup *markup, const struct graph_lines *lines,
		       const struct graph_lines *dangers)
{
	for (size_t i = 0; i < lines->count; i++) {
		strbuf_adds(out, i ? markup->next : markup->bold);
		add_text(graph, out, markup, lines->items[i]);
		strbuf_adds(out, i ? "" : markup->bold_end);
	}
	for (size_t i = 0; dangers && i < dangers->count; i++) {
		strbuf_adds(out, markup->next);
		strbuf_adds(out, markup->danger);
		strbuf_adds(out, "! ");
		add_text(graph, out, markup, dangers->items[i]);
		strbuf_adds(out, markup->danger_end);
	}
}
