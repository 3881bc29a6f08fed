/* Texts and bounded lists for the page; see page_private.h. */
#include "confgen/page/page_private.h"
#include "confgen/topology/schema.h"

#define MOST_SHOWN 6
#define MOST_MORE  300

json_t *page_text(struct arena *arena, const char *text)
{
	return text ? json_string(text_escaped(arena, text)) : json_false();
}

json_t *page_textf(struct arena *arena, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return page_text(arena, text);
}

json_t *page_place(struct arena *arena, struct position at)
{
	return at.source && at.line ? json_string(view_place(arena, at)) : json_false();
}

/* NULL would be a text that is no UTF-8, which page_text() does not let through: a bug. */
void page_set(json_t *object, const char *key, json_t *value)
{
	if (!value || json_object_set_new(object, key, value) < 0)
		abort();
}

const char *page_count(struct arena *arena, size_t count, const char *one, const char *many)
{
	return arena_printf(arena, "%zu %s", count, count == 1 ? one : many);
}

struct page_names page_names_begin(struct arena *arena)
{
	return (struct page_names){arena, json_array(), json_array(), 0};
}

void page_names_add(struct page_names *names, const char *name)
{
	json_t *entry;

	if (names->count++ >= MOST_SHOWN + MOST_MORE)
		return;
	entry = json_object();
	page_set(entry, "name", page_text(names->arena, name));
	page_set(entry, "last", json_false());
	view_push(names->count <= MOST_SHOWN ? names->shown : names->more, entry);
}

static void mark_last(json_t *array)
{
	if (json_array_size(array))
		page_set(json_array_get(array, json_array_size(array) - 1), "last", json_true());
}

json_t *page_names_end(struct page_names *names)
{
	const size_t more = names->count > MOST_SHOWN ? names->count - MOST_SHOWN : 0;
	json_t *list = json_object();

	mark_last(names->shown);
	mark_last(names->more);
	page_set(list, "shown", names->shown);
	page_set(list, "more", names->more);
	page_set(list, "none", json_boolean(names->count == 0));
	page_set(list, "has_more", json_boolean(more > 0));
	page_set(list, "more_count", page_textf(names->arena, "%zu", more));
	page_set(list, "rest",
		 more > MOST_MORE ? page_textf(names->arena, "%zu", more - MOST_MORE)
				  : json_false());
	return list;
}

json_t *page_rows(struct arena *arena, json_t *rows, size_t total)
{
	const size_t shown = json_array_size(rows);
	json_t *list = json_object();

	page_set(list, "rows", rows);
	page_set(list, "any", json_boolean(total > 0));
	page_set(list, "count", page_textf(arena, "%zu", total));
	page_set(list, "rest",
		 total > shown ? page_textf(arena, "%zu", total - shown) : json_false());
	return list;
}

const char *page_tls(struct arena *arena, enum tls_level level, bool wrapper)
{
	static const char *const words[] = {
		[TLS_NONE] = "none: in clear",
		[TLS_MAY] = "may: where the other side offers it",
		[TLS_DANE] = "dane: verified where DNSSEC says how",
		[TLS_ENCRYPT] = "encrypt: always, certificate not verified",
		[TLS_DANE_ONLY] = "dane-only: verified by DNSSEC, or no mail",
		[TLS_FINGERPRINT] = "fingerprint: one certificate only",
		[TLS_VERIFY] = "verify: certificate verified",
		[TLS_SECURE] = "secure: certificate and name verified",
	};

	return wrapper ? arena_printf(arena, "%s; from the first octet", words[level])
		       : words[level];
}
