/* Unified differences; see diff.h. */
#include "confgen/apply/diff.h"
#include "common/excerpt.h"

#include <stdint.h>
#include <strings.h>

#define CONTEXT	 3    /* lines around a change, as diff -u has it */
#define MOST_ODD 1500 /* lines that differ, beyond which the search for the shortest way ends */
#define MASK	 "********"

struct line {
	const char *text;
	size_t length; /* with its line feed */
};

struct lines {
	const struct source *source;
	struct line *items;
	size_t count;
};

/* Lines before and after that stand for each other: `old` lines become `new` ones. */
struct hunk {
	size_t old, old_count, new, new_count;
};

struct hunks {
	struct hunk *items;
	size_t count;
};

static struct lines split(struct arena *arena, const struct source *source)
{
	struct lines lines = {.source = source};
	const char *at = source->text, *end = at ? at + source->length : at;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed + 1 - at) : (size_t)(end - at);

		*arena_push(arena, &lines) = (struct line){at, length};
		at += length;
	}
	return lines;
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->items[i].length == b->items[j].length &&
	       memcmp(a->items[i].text, b->items[j].text, a->items[i].length) == 0;
}

/* ---- the shortest way from one to the other ---- */

struct search {
	struct arena *arena;
	const struct lines *a, *b;
	size_t skip, n, m; /* equal lines at the start; lines between them and those at the end */
	int *rows[MOST_ODD + 1]; /* the farthest x of each diagonal, for each number of steps */
};

/* How far diagonal `k` gets with `d` steps. */
static int advance(const struct search *search, const int *row, int d, int k)
{
	const int offset = MOST_ODD + 1;
	int x = k == -d || (k != d && row[offset + k - 1] < row[offset + k + 1])
			? row[offset + k + 1]
			: row[offset + k - 1] + 1;

	while (x < (int)search->n && x - k < (int)search->m &&
	       same(search->a, search->skip + (size_t)x, search->b, search->skip + (size_t)(x - k)))
		x++;
	return x;
}

/* The number of steps, or -1 when there are too many. */
static int find_way(struct search *search)
{
	const size_t size = 2 * (MOST_ODD + 1) + 1;
	const int offset = MOST_ODD + 1;
	int *row = arena_array(search->arena, size, sizeof(*row));

	for (int d = 0; d <= MOST_ODD; d++) {
		for (int k = -d; k <= d; k += 2) {
			row[offset + k] = advance(search, row, d, k);
			if (row[offset + k] < (int)search->n ||
			    row[offset + k] - k < (int)search->m)
				continue;
			search->rows[d] = row;
			return d;
		}
		search->rows[d] =
			arena_array(search->arena, 2 * (size_t)d + 3, sizeof(*search->rows[d]));
		memcpy(search->rows[d], row + offset - d - 1,
		       (2 * (size_t)d + 3) * sizeof(*search->rows[d]));
	}
	return -1;
}

/* Marks the lines that go and that come, walking the way back. */
static void walk_back(const struct search *search, int steps, bool *gone, bool *come)
{
	int x = (int)search->n, y = (int)search->m;

	for (int d = steps; d > 0; d--) {
		const int *row = search->rows[d - 1] + d; /* its diagonal 0 */
		int k = x - y;
		bool down = k == -d || (k != d && row[k - 1] < row[k + 1]);
		int from = down ? k + 1 : k - 1;

		x = row[from];
		y = x - from;
		if (down)
			come[search->skip + (size_t)y] = true;
		else
			gone[search->skip + (size_t)x] = true;
	}
}

static void mark(struct arena *arena, const struct lines *a, const struct lines *b, bool *gone,
		 bool *come)
{
	struct search *search = arena_alloc(arena, sizeof(*search));
	size_t tail = 0, least = a->count < b->count ? a->count : b->count;
	int steps = -1;

	*search = (struct search){.arena = arena, .a = a, .b = b};
	while (search->skip < least && same(a, search->skip, b, search->skip))
		search->skip++;
	while (tail < least - search->skip && same(a, a->count - 1 - tail, b, b->count - 1 - tail))
		tail++;
	search->n = a->count - search->skip - tail;
	search->m = b->count - search->skip - tail;
	if (search->n && search->m && search->n < INT32_MAX / 2 && search->m < INT32_MAX / 2)
		steps = find_way(search);
	if (steps >= 0) {
		walk_back(search, steps, gone, come);
		return;
	}
	memset(gone + search->skip, true, search->n);
	memset(come + search->skip, true, search->m);
}

static struct hunks find_hunks(struct arena *arena, const struct lines *a, const struct lines *b)
{
	bool *gone = arena_alloc(arena, a->count + 1), *come = arena_alloc(arena, b->count + 1);
	struct hunks hunks = {0};
	size_t i = 0, j = 0;

	mark(arena, a, b, gone, come);
	while (i < a->count || j < b->count) {
		struct hunk hunk = {.old = i, .new = j};

		while (i < a->count && gone[i])
			i++;
		while (j < b->count && come[j])
			j++;
		hunk.old_count = i - hunk.old;
		hunk.new_count = j - hunk.new;
		if (hunk.old_count || hunk.new_count)
			*arena_push(arena, &hunks) = hunk;
		i++;
		j++;
	}
	return hunks;
}

/* ---- printing ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* A word that cannot be a secret itself: a lookup table that is a file or a query, yes, no. */
static bool is_harmless(const char *word, size_t length)
{
	static const char *const prefixes[] = {
		"hash:", "btree:",    "cdb:",  "lmdb:",	 "dbm:",   "sdbm:",   "cidr:",	  "regexp:",
		"pcre:", "texthash:", "ldap:", "mysql:", "pgsql:", "sqlite:", "memcache:"};
	static const char *const words[] = {"yes", "no", "noanonymous", "noplaintext", "=", "-o"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && strncmp(word, words[i], length) == 0)
			return true;
	if (length > 6 && strncmp(word, "proxy:", 6) == 0) {
		word += 6;
		length -= 6;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (length > prefix && strncmp(word, prefixes[i], prefix) == 0)
			return word[prefix] == '/' || word[prefix] == '$';
	}
	return false;
}

static bool all_harmless(const char *text, size_t length)
{
	for (size_t i = 0, word; i < length; i += word) {
		for (word = 0; i + word < length && !is_blank(text[i + word]);)
			word++;
		if (word && !is_harmless(text + i, word))
			return false;
		word += !word;
	}
	return true;
}

static bool mentions(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= length; i++)
		if (strncasecmp(text + i, word, size) == 0)
			return true;
	return false;
}

/* How many octets of a line may be shown; the mask takes the place of the others. */
static size_t shown(const struct lines *lines, size_t at, enum diff_mask mask, size_t length)
{
	const char *text = lines->items[at].text;
	size_t show = 0;

	if (mask == DIFF_PLAIN)
		return length;
	if (mask == DIFF_SECRET) {
		while (show < length && !is_blank(text[show]) && text[show] != ':')
			show++;
		return text[0] == '#' && length ? 1 : show;
	}
	if (!excerpt_is_secret(lines->source, text) && !mentions(text, length, "_pw"))
		return length;
	if (length && !is_blank(text[0])) {
		const char *equals = memchr(text, '=', length);

		show = equals ? (size_t)(equals - text) + 1 : 0;
	}
	while (show < length && is_blank(text[show]))
		show++;
	return all_harmless(text + show, length - show) ? length : show;
}

static void print_text(const char *text, size_t length, FILE *out)
{
	for (const char *tab; (tab = memchr(text, '\t', length)); text = tab + 1) {
		print_escaped(out, text, (size_t)(tab - text));
		fputc('\t', out);
		length -= (size_t)(tab + 1 - text);
	}
	print_escaped(out, text, length);
}

static void print_line(char sign, const struct lines *lines, size_t at, enum diff_mask mask,
		       FILE *out)
{
	const struct line *line = &lines->items[at];
	bool feed = line->text[line->length - 1] == '\n';
	size_t length = line->length - feed, show = shown(lines, at, mask, length);

	fputc(sign, out);
	print_text(line->text, show, out);
	if (show < length)
		fprintf(out, "%s" MASK, show && !is_blank(line->text[show - 1]) ? " " : "");
	fputs(feed ? "\n" : "\n\\ No newline at end of file\n", out);
}

/* The start of a range in a heading: for none, the line before. */
static size_t heading(size_t first, size_t count)
{
	return count ? first + 1 : first;
}

/* Prints the hunks from `first` to `end`, which stand close together, below one heading. */
static void print_hunks(const struct lines *a, const struct lines *b, const struct hunk *first,
			const struct hunk *last, enum diff_mask mask, FILE *out)
{
	size_t before = first->old < CONTEXT ? first->old : CONTEXT;
	size_t left = a->count - last->old - last->old_count;
	size_t after = left < CONTEXT ? left : CONTEXT;
	size_t start = first->old - before, new_start = first->new - before;
	size_t olds = last->old + last->old_count + after - start;
	size_t news = last->new + last->new_count + after - new_start;

	fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", heading(start, olds), olds,
		heading(new_start, news), news);
	for (const struct hunk *hunk = first; hunk <= last; hunk++) {
		for (; start < hunk->old; start++)
			print_line(' ', a, start, mask, out);
		for (; start < hunk->old + hunk->old_count; start++)
			print_line('-', a, start, mask, out);
		for (size_t i = 0; i < hunk->new_count; i++)
			print_line('+', b, hunk->new + i, mask, out);
	}
	for (size_t i = 0; i < after; i++)
		print_line(' ', a, start + i, mask, out);
}

static void print_name(const char *sign, const char *name, const struct source *source, FILE *out)
{
	fputs(sign, out);
	name = source->text ? name : "/dev/null";
	print_escaped(out, name, strlen(name));
	fputc('\n', out);
}

void diff_print(struct arena *arena, const char *name, const struct source *before,
		const struct source *after, enum diff_mask mask, FILE *out)
{
	struct lines a = split(arena, before), b = split(arena, after);
	struct hunks hunks = find_hunks(arena, &a, &b);

	if (!hunks.count && !before->text == !after->text)
		return;
	print_name("--- ", name, before, out);
	print_name("+++ ", name, after, out);
	for (size_t first = 0, end; first < hunks.count; first = end) {
		for (end = first + 1; end < hunks.count; end++) {
			const struct hunk *last = &hunks.items[end - 1];

			if (hunks.items[end].old - last->old - last->old_count >
			    (size_t)2 * CONTEXT)
				break;
		}
		print_hunks(&a, &b, &hunks.items[first], &hunks.items[end - 1], mask, out);
	}
}
