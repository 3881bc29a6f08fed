/* The tests of the page: those of the topology, and those that nobody should have to write. */
#include "confgen/page/page_private.h"
#include "confgen/topology/schema.h"

/* What becomes of the message, in a word or two. */
static const char *outcome(struct arena *arena, const struct expectation *expect)
{
	if (expect->delivered_at.value)
		return arena_printf(arena, "delivered at %s", expect->delivered_at.value);
	if (expect->relayed_to.value)
		return arena_printf(arena, "relayed to %s", expect->relayed_to.value);
	return expect->verdict.given ? outcome_words[expect->verdict.value] : "handled";
}

static const char *listed(struct arena *arena, const char *text, const struct text_list *list,
			  const char *first, const char *other)
{
	for (size_t i = 0; i < list->count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? other : first, list->items[i].value);
	return text;
}

/* What a test expects, in words. */
static const char *expected(struct arena *arena, const struct expectation *expect)
{
	const char *text = outcome(arena, expect);

	text = listed(arena, text, &expect->via, " by way of ", ", ");
	text = listed(arena, text, &expect->source_address, ", from ", " or ");
	if (expect->code.given)
		text = arena_printf(arena, "%s with %lu", text, expect->code.value);
	if (expect->signed_by.value)
		text = arena_printf(arena, "%s, signed by %s", text, expect->signed_by.value);
	if (expect->rewritten_from.value)
		text = arena_printf(arena, "%s, as from %s", text, expect->rewritten_from.value);
	return text;
}

static void set_result(struct arena *arena, json_t *entry, const struct page_check *check)
{
	page_set(entry, "run", json_boolean(check));
	page_set(entry, "passed", json_boolean(check && !check->why));
	page_set(entry, "detail",
		 page_text(arena, !check       ? NULL
				  : check->why ? check->why
					       : check->got));
}

static json_t *own(struct arena *arena, const struct test_case *test,
		   const struct page_check *check)
{
	json_t *entry = json_object();

	page_set(entry, "name", page_text(arena, test->label.value));
	page_set(entry, "at", page_text(arena, test->at.value));
	page_set(entry, "client", page_text(arena, test->client.value));
	page_set(entry, "from", page_text(arena, test->from.value));
	page_set(entry, "to", page_text(arena, test->to.value));
	page_set(entry, "expected", page_text(arena, expected(arena, &test->expect)));
	page_set(entry, "origin", page_place(arena, test->head.at));
	set_result(arena, entry, check);
	return entry;
}

static json_t *implied(struct arena *arena, const struct page_check *check)
{
	json_t *entry = json_object();

	page_set(entry, "name", page_text(arena, check->check->name));
	page_set(entry, "messages", page_textf(arena, "%zu", check->check->requests.count));
	set_result(arena, entry, check);
	return entry;
}

/* The checks of the topology's own tests come first, in their order. */
json_t *page_tests(struct arena *arena, const struct page *page)
{
	const struct test_list *tests = &page->topology->tests;
	json_t *rows = json_array(), *list;

	for (size_t i = 0; i < tests->count && i < PAGE_MOST_ROWS; i++)
		view_push(rows, own(arena, &tests->items[i],
				    i < page->check_count ? &page->checks[i] : NULL));
	list = page_rows(arena, rows, tests->count);
	rows = json_array();
	for (size_t i = tests->count; i < page->check_count; i++)
		if (json_array_size(rows) < PAGE_MOST_ROWS)
			view_push(rows, implied(arena, &page->checks[i]));
	page_set(
		list, "implied",
		page_rows(arena, rows,
			  page->check_count > tests->count ? page->check_count - tests->count : 0));
	return list;
}
