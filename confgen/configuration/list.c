/* Lists; see list.h. */
#include "confgen/configuration/list.h"

bool list_next(const struct text *text, const char *separators, bool braces, size_t *at,
	       size_t *start, size_t *length)
{
	size_t begin = *at + strspn(text->text + *at, separators), end;
	size_t level = 0;

	*at = begin;
	if (text->text[begin] == '\0')
		return false;
	for (end = begin; text->text[end]; end++) {
		char c = text->text[end];

		if (braces && c == '{')
			level++;
		else if (level && c == '}')
			level--;
		else if (level == 0 && strchr(separators, c))
			break;
	}
	*start = begin;
	*length = end - begin;
	*at = end;
	return true;
}

size_t list_balanced(const char *text, size_t at, size_t end)
{
	size_t level = 0;

	for (size_t i = at; i < end; i++) {
		if (text[i] == '{')
			level++;
		else if (text[i] == '}' && level && --level == 0)
			return i + 1 - at;
		if (level == 0)
			return 0;
	}
	return 0;
}

const char *list_strip_braces(struct arena *arena, const struct text *piece, struct text *out)
{
	size_t balanced = list_balanced(piece->text, 0, piece->length);

	if (balanced == 0) {
		*out = text_trim(arena, piece, 1, piece->length - 1);
		return "missing '}'";
	}
	*out = text_trim(arena, piece, 1, balanced - 2);
	return balanced == piece->length ? NULL : "syntax error after '}'";
}

static enum list_item_kind kind_of(const struct text *item)
{
	if (item->text[0] == '/')
		return LIST_ITEM_FILE;
	if (item->text[0] != '[' && strchr(item->text, ':'))
		return LIST_ITEM_TABLE;
	return LIST_ITEM_PLAIN;
}

struct list list_split(struct arena *arena, const struct text *value)
{
	struct list list = {0};
	size_t at = 0, start, length;

	while (list_next(value, LIST_SEPARATORS, true, &at, &start, &length)) {
		struct list_item *item = arena_push(arena, &list);
		size_t bangs = 0;

		while (bangs < length && value->text[start + bangs] == '!')
			bangs++;
		item->negated = bangs % 2 == 1;
		item->text = text_slice(arena, value, start + bangs, length - bangs);
		item->kind = kind_of(&item->text);
	}
	return list;
}
