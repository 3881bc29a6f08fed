/* Logical lines; see lines.h. */
#include "confgen/configuration/lines.h"
#include "common/file.h"
#include "confgen/configuration/parameters.h"
#include "confgen/configuration/rules.h"

#include <errno.h>
#include <sys/stat.h>

void line_reader_init(struct line_reader *reader, struct arena *arena, const struct source *source,
		      struct diagnostics *list)
{
	*reader = (struct line_reader){arena, source, list, source->text, 1};
}

static const char *end_of(const struct source *source)
{
	return source->text + source->length;
}

/* The end of the physical line at `at`: its line feed, or the end of the file. */
static const char *line_end(const struct source *source, const char *at)
{
	const char *end = end_of(source);
	const char *feed = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

	return feed ? feed : end;
}

/* Whether a physical line is blank or a comment. */
static bool is_void(const char *at, const char *end)
{
	while (at < end && text_is_space(*at))
		at++;
	return at == end || *at == '#';
}

/* Whether the physical line at `at` may belong to the logical line before it. */
static bool continues(const struct source *source, const char *at)
{
	return at < end_of(source) && (*at == '#' || text_is_space(*at));
}

/* Steps over a physical line; gives its end. */
static const char *step(struct line_reader *reader)
{
	const char *end = line_end(reader->source, reader->next);

	reader->next = end < end_of(reader->source) ? end + 1 : end;
	reader->line++;
	return end;
}

static void report_leading_space(struct line_reader *reader, const char *at, unsigned line)
{
	struct position position = {reader->source, line, 1};
	struct fix fix = {
		.source = reader->source, .start = (size_t)(at - reader->source->text), .text = ""};

	while (text_is_space(*at)) {
		at++;
		position.column++;
	}
	if (!reader->list)
		return;
	diagnostics_add(reader->list, SEVERITY_ERROR, RULE_LINE_LEADING_SPACE, position,
			"this line begins with white space, but there is none before it to "
			"continue: Postfix ignores it");
	diagnostics_hint(reader->list, "remove the white space at its beginning");
	fix.length = position.column - 1;
	diagnostics_fix(reader->list, &fix);
}

/* The whole logical line whose first physical line, from `raw`, was just stepped over. */
static struct text gather(struct line_reader *reader, const char *raw, const char *end,
			  unsigned line)
{
	struct text_writer writer;
	struct text text;
	const char *nul;

	text_writer_init(&writer, reader->arena);
	text_writer_add_raw(&writer, reader->source, raw, (size_t)(end - raw), line);
	while (continues(reader->source, reader->next)) {
		const char *more = reader->next;

		line = reader->line;
		end = step(reader);
		if (!is_void(more, end))
			text_writer_add_raw(&writer, reader->source, more, (size_t)(end - more),
					    line);
	}
	text = text_writer_take(&writer);
	nul = memchr(text.text, '\0', text.length);
	if (nul)
		text.length = (size_t)(nul - text.text);
	return text;
}

bool line_reader_next(struct line_reader *reader, struct text *line)
{
	while (reader->next < end_of(reader->source)) {
		const char *raw = reader->next;
		unsigned number = reader->line;
		const char *end = step(reader);
		struct text text;

		if (is_void(raw, end))
			continue;
		text = gather(reader, raw, end, number);
		if (text_is_space(*raw)) {
			report_leading_space(reader, raw, number);
			continue;
		}
		if (text.length == 0)
			continue;
		*line = text;
		return true;
	}
	return false;
}

/* Whether "regexp:" or another type whose tables are written in braces stands before `at`. */
static bool is_behind_type(const char *start, const char *at)
{
	const char *word = at - 1;
	const struct table_type *type;

	if (at == start || *word != ':')
		return false;
	while (word > start && word[-1] >= 'a' && word[-1] <= 'z')
		word--;
	type = table_type_find(word, (size_t)(at - 1 - word));
	return type && type->braces;
}

/*
 * Whether "{{" at `at` opens an expression of Jinja or Go, which has no braces inside. Postfix has
 * braces in braces too, in ${{a}=={b}?...} and inline:{{a = b}, ...}.
 */
static bool is_expression(const char *start, const char *at, const char *end)
{
	const char *close = at + 2;

	while (close < end && *close != '{' && *close != '}')
		close++;
	return end - close >= 2 && close > at + 2 && close[0] == '}' && close[1] == '}' &&
	       !is_behind_type(start, at);
}

/* How deep in the braces of a "${" a line is, its next octet being `at`. */
static size_t follow_braces(size_t level, const char *start, const char *at)
{
	if (*at == '{')
		return level || (at > start && at[-1] == '$') ? level + 1 : 0;
	return level && *at == '}' ? level - 1 : level;
}

/* The first sign of a template in a physical line, and what it looks like; or NULL. */
static const char *find_template(const char *start, const char *end, const char **kind)
{
	size_t level = 0;

	for (const char *at = start; at + 1 < end; at++) {
		level = follow_braces(level, start, at);
		if (at[0] == '<' && at[1] == '%') {
			*kind = "<% ... %>";
			return at;
		}
		if (level || at[0] != '{')
			continue;
		*kind = at[1] == '%' ? "{% ... %}" : "{{ ... }}";
		if (at[1] == '%' || (at[1] == '{' && is_expression(start, at, end)))
			return at;
	}
	return NULL;
}

static struct position place(const struct source *source, unsigned line, const char *start,
			     const char *at)
{
	struct position position = {source, line, 1};

	for (; start < at; start++)
		position.column += ((unsigned char)*start & 0xC0) != 0x80;
	return position;
}

bool lines_check(const struct source *source, struct diagnostics *list)
{
	unsigned line = 1;
	const char *end;

	for (const char *at = source->text; at < end_of(source); at = end + 1, line++) {
		const char *sign, *kind = NULL;

		end = line_end(source, at);
		sign = memchr(at, '\0', (size_t)(end - at));
		if (sign) {
			diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_BINARY,
					place(source, line, at, sign),
					"there is a NUL here: this is not a text file");
			diagnostics_hint(list, "write the file anew, as UTF-8 or ASCII");
			return false;
		}
		sign = is_void(at, end) ? NULL : find_template(at, end, &kind);
		if (sign) {
			diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_TEMPLATE,
					place(source, line, at, sign),
					"this file is a template: %s is nothing to Postfix", kind);
			diagnostics_hint(list, "give the file that the template renders to");
			return false;
		}
	}
	return true;
}

/* What a shell makes of <(command): the only pipes that are meant. */
static bool is_descriptor(const char *path)
{
	return strncmp(path, "/dev/fd/", strlen("/dev/fd/")) == 0;
}

int lines_load(struct arena *arena, const char *path, const char *name, size_t limit,
	       struct diagnostics *list, const struct source **source)
{
	struct source *read = arena_alloc(arena, sizeof(*read));
	char *text;
	int error;

	read->name = arena_strdup(arena, name);
	error = is_descriptor(path) ? file_read(arena, path, limit, &text, &read->length)
				    : file_read_regular(arena, path, limit, &text, &read->length);
	if (!error) {
		read->text = text;
		*source = read;
		return 0;
	}
	if (error == -EFBIG)
		diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_READ, (struct position){read, 0, 0},
				"larger than %zu MiB: not read", limit >> 20);
	else
		diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_READ, (struct position){read, 0, 0},
				"cannot be read: %s",
				error == -EINVAL ? "not a regular file" : strerror(-error));
	diagnostics_hint(list, "give a folder with main.cf and master.cf, or one of these files, "
			       "that you may read");
	return error;
}

/* Whether a symbolic link leads to a file that is neither in the folder nor where we are. */
static bool leads_outside(const char *folder, const char *path)
{
	char *here = realpath(".", NULL), *real = realpath(path, NULL);
	struct stat status;
	bool outside = lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && real &&
		       !file_is_below(folder, path) &&
		       (!here || strcmp(here, "/") == 0 || !file_is_below(here, path));

	free(here);
	free(real);
	return outside;
}

int lines_load_inside(struct arena *arena, const char *folder, const char *path, size_t limit,
		      struct diagnostics *list, const struct source **source)
{
	struct source *link;

	if (!leads_outside(folder, path))
		return lines_load(arena, path, path, limit, list, source);
	link = arena_alloc(arena, sizeof(*link));
	link->name = arena_strdup(arena, path);
	diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_READ, (struct position){link, 0, 0},
			"a symbolic link that leads out of the folder: not read");
	diagnostics_hint(list, "give lint the file that it leads to, if you trust who made the "
			       "link");
	return -EXDEV;
}
