/* Overlay; see merge.h. Edits are gathered first, then made in one pass over the file. */
#include "confgen/apply/merge.h"
#include "common/strbuf.h"

#define FIELDS	8 /* of a service, before its arguments: master(5) */
#define COMMAND 7

/* Octets of the actual file that become `text`. */
struct edit {
	size_t start, end;
	const char *text;
};

struct run {
	const struct merge *merge;
	struct arena *arena;
	struct layout actual, wanted;
	struct {
		struct edit *items;
		size_t count;
	} edits;
	struct strbuf added;
	size_t last_added; /* where the last entry ends that was added earlier, or 0 */
	bool carriage;	   /* lines of the file end with CR LF */
	bool any_added;	   /* something stands below the heading, or will */
};

/* ---- services ---- */

/* The name in "-o name=value" or "-o { name = value }". */
static size_t option_name(const char **option)
{
	*option += strspn(*option, "{ \t");
	return strcspn(*option, "= \t}");
}

static bool same_option(const char *one, const char *other)
{
	size_t length = option_name(&one), other_length = option_name(&other);

	return length == other_length && strncmp(one, other, length) == 0;
}

/* The last "-o" of a service with the name that `like` has, or NULL. */
static const char *find_option(const struct words *words, const char *like)
{
	const char *found = NULL;

	for (size_t i = FIELDS; i + 1 < words->count; i++)
		if (strcmp(words->items[i], "-o") == 0 && same_option(words->items[++i], like))
			found = words->items[i];
	return found;
}

static bool same_fields(const struct words *one, const struct words *other)
{
	if (one->count < FIELDS || other->count < FIELDS)
		return false;
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(one->items[i], other->items[i]) != 0)
			return false;
	return true;
}

static struct words words_of(struct arena *arena, const char *text)
{
	static const char name[] = "former";
	struct source *source = arena_alloc(arena, sizeof(*source));
	struct layout layout;

	*source = (struct source){name, text, strlen(text)};
	layout = layout_read(arena, source, LAYOUT_SERVICES);
	return layout.count ? layout.items[0].words : (struct words){0};
}

static bool has_argument(const struct words *words, const char *argument)
{
	for (size_t i = FIELDS; i < words->count; i++)
		if (strcmp(words->items[i], argument) == 0)
			return true;
	return false;
}

/* What the service has beyond the wanted one, of which we are not the cause: lines of its own. */
static const char *others_arguments(struct arena *arena, const struct words *actual,
				    const struct words *wanted, const struct owned *owned)
{
	const struct words ours = owned ? words_of(arena, owned->set) : (struct words){0};
	const char *text = "";

	for (size_t i = FIELDS; i < actual->count; i++) {
		const char *word = actual->items[i], *former;

		if (strcmp(word, "-o") != 0 || i + 1 == actual->count) {
			if (!has_argument(wanted, word))
				text = arena_printf(arena, "%s  %s\n", text, word);
			continue;
		}
		word = actual->items[++i];
		former = find_option(&ours, word);
		if (find_option(wanted, word) || (former && strcmp(former, word) == 0))
			continue;
		text = arena_printf(arena, "%s  -o %s\n", text, word);
	}
	return text;
}

/* Whether all that is wanted of a service is there already, and nothing of ours beyond it. */
static bool service_fits(struct arena *arena, const struct words *actual,
			 const struct words *wanted, const struct owned *owned)
{
	const struct words ours = owned ? words_of(arena, owned->set) : (struct words){0};

	if (!same_fields(actual, wanted))
		return false;
	for (size_t i = FIELDS; i + 1 < wanted->count; i++) {
		const char *there;

		if (strcmp(wanted->items[i], "-o") != 0)
			continue;
		there = find_option(actual, wanted->items[++i]);
		if (!there || strcmp(there, find_option(wanted, there)) != 0)
			return false;
	}
	for (size_t i = FIELDS; i + 1 < ours.count; i++) {
		const char *there;

		if (strcmp(ours.items[i], "-o") != 0)
			continue;
		there = find_option(actual, ours.items[++i]);
		if (there && strcmp(there, ours.items[i]) == 0 && !find_option(wanted, there))
			return false;
	}
	return true;
}

/* One that every Postfix has: the topology only says that it is there. */
static bool is_common(const struct entry *actual, const struct entry *wanted)
{
	const struct words *has = &actual->words, *wants = &wanted->words;

	return wants->count == FIELDS && has->count >= FIELDS &&
	       strcmp(wants->items[1], "inet") != 0 && strcmp(wants->items[1], "pass") != 0 &&
	       strcmp(has->items[COMMAND], wants->items[COMMAND]) == 0;
}

/* ---- edits ---- */

static void add_edit(struct run *run, size_t start, size_t end, const char *text)
{
	*arena_push(run->arena, &run->edits) = (struct edit){start, end, text};
}

static bool has_carriages(const struct source *source)
{
	const char *feed = memchr(source->text, '\n', source->length);

	return feed && feed > source->text && feed[-1] == '\r';
}

/* Lines of ours end as the file's do. */
static const char *our_lines(struct run *run, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	const char *lines;

	for (const char *feed; (feed = strchr(text, '\n')); text = feed + 1) {
		strbuf_add(&out, text, (size_t)(feed - text));
		strbuf_adds(&out,
			    run->carriage && !(feed > text && feed[-1] == '\r') ? "\r\n" : "\n");
	}
	strbuf_adds(&out, text);
	if (*text)
		strbuf_adds(&out, run->carriage ? "\r\n" : "\n");
	lines = arena_strdup(run->arena, strbuf_text(&out));
	strbuf_done(&out);
	return lines;
}

static const char *value_of(struct run *run, const char *text)
{
	struct source *source = arena_alloc(run->arena, sizeof(*source));
	struct layout layout;

	*source = (struct source){run->merge->file, text, strlen(text)};
	layout = layout_read(run->arena, source, run->merge->kind);
	return layout.count ? layout.items[0].value : "";
}

static void own(struct run *run, const struct entry *wanted, const struct owned *owned,
		const char *former)
{
	*arena_push(run->arena, run->merge->after) = (struct owned){
		.file = run->merge->file,
		.key = wanted->key,
		.set = wanted->value,
		.former = owned ? owned->former : former,
	};
	if (!run->merge->after->items[run->merge->after->count - 1].former)
		run->any_added = true;
}

static void merge_entry(struct run *run, const struct entry *wanted)
{
	const struct entry *actual = layout_find(&run->actual, wanted->key);
	const struct owned *owned = owned_find(run->merge->before, run->merge->file, wanted->key);
	const char *lines = our_lines(run, layout_lines(run->arena, &run->wanted, wanted));
	bool services = run->merge->kind == LAYOUT_SERVICES;

	/* one that lacks fields is none to Postfix */
	if (services && wanted->words.count < FIELDS)
		return;
	if (!actual) {
		strbuf_adds(&run->added, lines);
		own(run, wanted, owned, NULL);
		return;
	}
	if (services && !owned && is_common(actual, wanted))
		return;
	if (owned && !owned->former && actual->end > run->last_added)
		run->last_added = actual->end;
	if (services ? service_fits(run->arena, &actual->words, &wanted->words, owned)
		     : strcmp(actual->value, wanted->value) == 0) {
		own(run, wanted, owned, layout_lines(run->arena, &run->actual, actual));
		return;
	}
	if (services)
		lines = our_lines(run, arena_printf(run->arena, "%s%s", lines,
						    others_arguments(run->arena, &actual->words,
								     &wanted->words, owned)));
	own(run, wanted, owned, layout_lines(run->arena, &run->actual, actual));
	add_edit(run, actual->start, actual->end,
		 arena_printf(run->arena, "%s%s", lines,
			      layout_comments(run->arena, &run->actual, actual)));
}

/* Whether nobody changed since what we set last time. */
static bool is_as_set(struct run *run, const struct entry *actual, const struct owned *owned)
{
	struct words set, former;

	if (run->merge->kind != LAYOUT_SERVICES)
		return strcmp(actual->value, owned->set) == 0;
	set = words_of(run->arena, owned->set);
	former = words_of(run->arena, owned->former ? owned->former : "");
	return service_fits(run->arena, &actual->words, &set, NULL) &&
	       strcmp(others_arguments(run->arena, &actual->words, &set, NULL),
		      others_arguments(run->arena, &former, &set, NULL)) == 0;
}

/* Where the entry ends, with the comments of its former lines, which were put behind it. */
static size_t end_with_comments(struct run *run, const struct entry *actual, const char *former)
{
	const struct source *source = run->merge->actual;
	struct source *old = arena_alloc(run->arena, sizeof(*old));
	struct layout layout;
	const char *comments;

	*old = (struct source){run->merge->file, former, strlen(former)};
	layout = layout_read(run->arena, old, run->merge->kind);
	comments = layout.count ? layout_comments(run->arena, &layout, &layout.items[0]) : "";
	if (strlen(comments) > source->length - actual->end ||
	    strncmp(source->text + actual->end, comments, strlen(comments)) != 0)
		return actual->end;
	return actual->end + strlen(comments);
}

/* What was ours and is not wanted any more. */
static void release(struct run *run, const struct owned *owned)
{
	const struct entry *actual = layout_find(&run->actual, owned->key);

	if (!actual)
		return;
	if (!is_as_set(run, actual, owned)) {
		*arena_push(run->arena, run->merge->left) = owned->key;
		return;
	}
	if (owned->former && strcmp(value_of(run, owned->former), actual->value) == 0)
		return;
	if (owned->former)
		add_edit(run, actual->start, end_with_comments(run, actual, owned->former),
			 owned->former);
	else
		add_edit(run, actual->start, actual->end, "");
}

/* ---- the heading ---- */

/* Where the line stands that begins with the heading, or NULL. */
static const char *find_heading(const struct source *source)
{
	const size_t length = strlen(MERGE_HEADING) - 1;

	for (const char *at = source->text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, MERGE_HEADING, length) == 0)
			return at;
	return NULL;
}

static void place_added(struct run *run)
{
	const struct source *source = run->merge->actual;
	const char *heading = find_heading(source);
	size_t at = run->last_added;

	if (heading && !run->any_added) {
		size_t start = (size_t)(heading - source->text);
		const char *end = heading + strcspn(heading, "\n");

		/* with the blank line that was put before it */
		if (start >= 2 && heading[-1] == '\n' && heading[-2] == '\n')
			start--;
		else if (start >= 3 && strncmp(heading - 3, "\n\r\n", 3) == 0)
			start -= 2;
		add_edit(run, start, (size_t)(end + (*end == '\n') - source->text), "");
	}
	if (!run->added.length)
		return;
	if (!at && heading) {
		const char *end = heading + strcspn(heading, "\n");

		at = (size_t)(end + (*end == '\n') - source->text);
	}
	if (!at) {
		at = source->length;
		heading = our_lines(
			run, arena_printf(run->arena, "%s%s", at ? "\n" : "", MERGE_HEADING));
	} else {
		heading = "";
	}
	add_edit(run, at, at,
		 arena_printf(run->arena, "%s%s%s",
			      at && source->text[at - 1] != '\n' ? our_lines(run, "\n") : "",
			      heading, strbuf_text(&run->added)));
}

/* ---- making them ---- */

static int compare_edits(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static const char *make_edits(struct run *run, size_t *length)
{
	const struct source *source = run->merge->actual;
	struct strbuf out = STRBUF_INIT;
	size_t at = 0;
	char *text;

	if (run->edits.count)
		qsort(run->edits.items, run->edits.count, sizeof(struct edit), compare_edits);
	for (size_t i = 0; i < run->edits.count; i++) {
		const struct edit *edit = &run->edits.items[i];

		strbuf_add(&out, source->text + at, edit->start - at);
		strbuf_adds(&out, edit->text);
		at = edit->end;
	}
	strbuf_add(&out, source->text + at, source->length - at);
	*length = out.length;
	text = arena_strndup(run->arena, strbuf_text(&out), out.length);
	strbuf_done(&out);
	return text;
}

const char *merge_files(const struct merge *merge, size_t *length)
{
	struct run run = {.merge = merge, .arena = merge->arena};
	const char *text;

	run.carriage = has_carriages(merge->actual);
	run.actual = layout_read(merge->arena, merge->actual, merge->kind);
	run.wanted = layout_read(merge->arena, merge->wanted, merge->kind);
	for (size_t i = 0; i < run.wanted.count; i++)
		/* of those of one name the last is in force */
		if (layout_find(&run.wanted, run.wanted.items[i].key) == &run.wanted.items[i])
			merge_entry(&run, &run.wanted.items[i]);
	for (size_t i = 0; i < merge->before->count; i++) {
		const struct owned *owned = &merge->before->items[i];

		if (strcmp(owned->file, merge->file) == 0 && !layout_find(&run.wanted, owned->key))
			release(&run, owned);
	}
	place_added(&run);
	text = make_edits(&run, length);
	strbuf_done(&run.added);
	return text;
}
