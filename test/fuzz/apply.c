/*
 * Overlay and differences. The input is a letter for the sort of file, what is there, an octet 1,
 * and what is wanted.
 *
 * Whatever the files hold: merging twice is merging once; giving all back gives the file that was
 * there; and who follows the difference, line by line, gets from the one to the other.
 */
#include "confgen/apply/diff.h"
#include "confgen/apply/merge.h"
#include "common/strbuf.h"

#include <assert.h>
#include <stdint.h>

#define MOST_LETTERS 200 /* finding the shortest way is what takes long */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct source *source_of(struct arena *arena, const char *text, size_t length)
{
	struct source *source = arena_alloc(arena, sizeof(*source));

	*source = (struct source){"main.cf", arena_strndup(arena, text, length), length};
	return source;
}

static struct source *merge(struct arena *arena, enum layout_kind kind, const struct source *actual,
			    const struct source *wanted, const struct owned_list *before,
			    struct owned_list *after, struct words *left)
{
	const struct merge merge = {arena, kind, "config/main.cf", actual, wanted, before,
				    after, left};
	size_t length;
	const char *text = merge_files(&merge, &length);

	return source_of(arena, text, length);
}

static bool same(const struct source *a, const struct source *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void test_merge(struct arena *arena, enum layout_kind kind, const struct source *actual,
		       const struct source *wanted)
{
	const struct owned_list none = {0};
	struct owned_list owned = {0}, again = {0}, nothing = {0};
	struct words left = {0};
	const struct source *merged, *twice, *back;

	merged = merge(arena, kind, actual, wanted, &none, &owned, &left);
	assert(left.count == 0);
	twice = merge(arena, kind, merged, wanted, &owned, &again, &left);
	assert(same(merged, twice));
	back = merge(arena, kind, merged, source_of(arena, "", 0), &owned, &nothing, &left);
	/* a line feed at the end, which was added, stays */
	if (left.count == 0 && actual->length && actual->text[actual->length - 1] == '\n')
		assert(same(actual, back));
}

/* The number at `*at`, which is stepped over it and one octet more. */
static size_t number(const char **at)
{
	char *end;
	size_t value = strtoul(*at, &end, 10);

	assert(end > *at);
	*at = end + 1;
	return value;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* Follows a difference of texts whose lines all end in a line feed. */
static void follow(const char *diff, const struct source *before, const struct source *after)
{
	struct strbuf out = STRBUF_INIT;
	const char *from = before->text;
	size_t line = 0;

	for (const char *at = next_line(next_line(diff)); *at; at = next_line(at)) {
		if (*at == '@') {
			const char *numbers = at + strlen("@@ -");
			size_t start = number(&numbers), count = number(&numbers);

			for (size_t goal = count ? start - 1 : start; line < goal; line++) {
				const char *next = next_line(from);

				strbuf_add(&out, from, (size_t)(next - from));
				from = next;
			}
			continue;
		}
		if (*at != '-')
			strbuf_add(&out, at + 1, (size_t)(next_line(at) - at - 1));
		if (*at != '+') {
			assert(strncmp(at + 1, from, strcspn(from, "\n") + 1) == 0);
			from = next_line(from);
			line++;
		}
	}
	strbuf_adds(&out, from);
	assert(out.length == after->length && strcmp(strbuf_text(&out), after->text) == 0);
	strbuf_done(&out);
}

/* Few different lines, so that there is something to find; each octet is one. */
static struct source *letters(struct arena *arena, const struct source *source)
{
	size_t count = source->length < MOST_LETTERS ? source->length : MOST_LETTERS;
	char *text = arena_alloc(arena, 2 * count + 1);

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = (char)('a' + (source->text[i] & 7));
		text[2 * i + 1] = '\n';
	}
	return source_of(arena, text, 2 * count);
}

static void test_diff(struct arena *arena, const struct source *before, const struct source *after)
{
	char *diff = NULL;
	size_t size;
	FILE *out = open_memstream(&diff, &size);

	assert(out);
	diff_print(arena, "x", before, after, DIFF_PLAIN, out);
	fclose(out);
	if (same(before, after))
		assert(size == 0);
	else
		follow(diff, before, after);
	free(diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1, *split;
	struct source *actual, *wanted;
	enum layout_kind kind;
	struct arena *arena;

	if (size < 2 || size > 20000 || !(split = memchr(text, 1, size - 1)))
		return 0;
	arena = arena_new(0);
	kind = data[0] == 's' ? LAYOUT_SERVICES : LAYOUT_SETTINGS;
	actual = source_of(arena, text, (size_t)(split - text));
	wanted = source_of(arena, split + 1, size - 2 - actual->length);
	test_diff(arena, letters(arena, actual), letters(arena, wanted));
	/* where braces do not match, a service put together anew may split in other words */
	if ((kind == LAYOUT_SETTINGS || !memchr(data, '{', size)) &&
	    layout_check(actual, diagnostics_new(arena)) &&
	    layout_check(wanted, diagnostics_new(arena)) &&
	    !strstr(actual->text, "Added by postern"))
		test_merge(arena, kind, actual, wanted);
	arena_free(arena);
	return 0;
}
