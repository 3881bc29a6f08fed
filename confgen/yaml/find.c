/* Finding one's way in a tree, and from it back to the text; see tree.h. */
#include "confgen/yaml/tree.h"

struct yaml_node *yaml_get(const struct yaml_node *node, const char *key,
			   const struct yaml_pair **pair)
{
	for (size_t i = 0; node && node->kind == YAML_MAPPING && i < node->count; i++) {
		if (strcmp(node->pairs[i].key, key) != 0)
			continue;
		if (pair)
			*pair = &node->pairs[i];
		return node->pairs[i].value;
	}
	return NULL;
}

/* Lines end as libyaml has it: with LF, CR or both. */
size_t yaml_offset(struct position at)
{
	const char *text = at.source->text, *end = text + at.source->length, *p = text;

	for (unsigned line = 1; line < at.line && p < end; p++)
		if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n')))
			line++;
	if (p == text && at.source->length >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (unsigned column = 1; column < at.column && p < end; column++)
		do
			p++;
		while (p < end && ((unsigned char)*p & 0xc0) == 0x80);
	return (size_t)(p - text);
}

/* Bounded by the depth of trees. */
bool yaml_equal(const struct yaml_node *a, const struct yaml_node *b,
		const struct yaml_node *ignored)
{
	if (a == ignored)
		return true;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == YAML_SCALAR)
		return a->length == b->length && memcmp(a->text, b->text, a->length) == 0 &&
		       (a->quoted == b->quoted || !yaml_is_null(a->quoted ? b : a));
	for (size_t i = 0; i < a->count; i++) {
		if (a->kind == YAML_MAPPING && strcmp(a->pairs[i].key, b->pairs[i].key) != 0)
			return false;
		if (!yaml_equal(a->kind == YAML_MAPPING ? a->pairs[i].value : a->items[i],
				b->kind == YAML_MAPPING ? b->pairs[i].value : b->items[i], ignored))
			return false;
	}
	return true;
}
