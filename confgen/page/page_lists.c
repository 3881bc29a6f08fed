/* What was found, what is dangerous, and which files there are. */
#include "confgen/page/page_private.h"

#define MOST_UNFOLDED 20 /* findings */

/* --- findings --- */

static json_t *finding(struct arena *arena, const struct diagnostic *item)
{
	json_t *entry = json_object();
	const char *place = item->at.source && item->at.source->name ? item->at.source->name : "";

	if (item->at.line)
		place = arena_printf(arena, "%s:%u", place, item->at.line);
	page_set(entry, "severity", json_string(severity_name(item->severity)));
	page_set(entry, "error", json_boolean(item->severity == SEVERITY_ERROR));
	page_set(entry, "place", page_text(arena, *place ? place : NULL));
	page_set(entry, "message", page_text(arena, item->message));
	page_set(entry, "hint", page_text(arena, item->hint));
	page_set(entry, "rule", page_text(arena, item->rule));
	return entry;
}

/* The worst come first, lest the others fill the page; most of them behind a fold. */
json_t *page_findings(struct arena *arena, const struct page *page)
{
	json_t *rows = json_array(), *more = json_array(), *list;
	size_t count = 0;

	diagnostics_sort(page->findings);
	for (int severity = SEVERITY_ERROR; severity <= SEVERITY_INFO; severity++) {
		const struct diagnostic *item;
		size_t at = 0;

		while ((item = diagnostics_next(page->findings, &at)))
			if (item->severity == (enum severity)severity && count++ < PAGE_MOST_ROWS)
				view_push(count <= MOST_UNFOLDED ? rows : more,
					  finding(arena, item));
	}
	list = page_rows(arena, rows, count);
	page_set(list, "has_more", json_boolean(json_array_size(more) > 0));
	page_set(list, "more_count", page_textf(arena, "%zu", json_array_size(more)));
	page_set(list, "more", more);
	page_set(list, "rest",
		 count > PAGE_MOST_ROWS ? page_textf(arena, "%zu", count - PAGE_MOST_ROWS)
					: json_false());
	return list;
}

json_t *page_dangers(struct arena *arena, const struct page *page)
{
	const struct graph *graph = page->graph;
	json_t *rows = json_array();

	for (size_t i = 0; i < graph->dangers.count && i < PAGE_MOST_ROWS; i++) {
		json_t *entry = json_object();

		page_set(entry, "text", page_text(arena, graph->dangers.items[i].text));
		page_set(entry, "origin", page_place(arena, graph->dangers.items[i].at));
		view_push(rows, entry);
	}
	return page_rows(arena, rows, graph->dangers.count);
}

/* --- files --- */

static json_t *file_entry(struct arena *arena, const struct rendered_file *file)
{
	json_t *entry = json_object();

	page_set(entry, "path", page_text(arena, file->path));
	page_set(entry, "install", page_text(arena, file->install));
	page_set(entry, "owner", page_text(arena, file->owner));
	page_set(entry, "mode", page_text(arena, file->install_mode));
	page_set(entry, "index", page_text(arena, file->index));
	page_set(entry, "secret", json_boolean(file->mode == 0600));
	return entry;
}

json_t *page_files(struct arena *arena, const struct page *page)
{
	json_t *rows = json_array();
	size_t count = 0;

	for (size_t i = 0; i < page->files->count; i++) {
		const struct rendered_file *file = &page->files->items[i];

		if (file->install && count++ < PAGE_MOST_ROWS)
			view_push(rows, file_entry(arena, file));
	}
	return page_rows(arena, rows, count);
}
