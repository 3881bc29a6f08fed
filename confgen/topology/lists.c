/*
 * Lists that are too long for the topology itself: files with a domain or an address a line.
 *
 * A topology may come from a stranger and name any file, so what such a file holds is never shown.
 */
#include "common/file.h"
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/syntax.h"

#include <errno.h>

#define LARGEST_LIST	((size_t)64 << 20)
#define MOST_COMPLAINTS 10 /* wrong lines of one file that are worth telling */

struct line_reader {
	char *next;
	struct source *source;
	unsigned line, complaints;
};

static bool open_list(struct arena *arena, const struct topology *topology, const struct text *file,
		      struct diagnostics *list, struct line_reader *reader)
{
	struct source *source;
	size_t length;
	const char *path;
	int error;

	if (!file->value)
		return false;
	path = file->value[0] == '/' ? file->value
				     : arena_printf(arena, "%s/%s", topology->folder, file->value);
	*reader = (struct line_reader){0};
	error = file_read(arena, path, LARGEST_LIST, &reader->next, &length);
	if (error) {
		report(list, LIST_FILE, file->at, "cannot read the list '%s': %s", file->value,
		       error == -EFBIG ? "larger than 64 MiB" : strerror(-error));
		return false;
	}
	/* without text: no diagnostic can show a line of it */
	source = arena_alloc(arena, sizeof(*source));
	source->name = path;
	reader->source = source;
	return true;
}

/* The next line that says something, without blanks and comments around it; NULL at the end. */
static char *next_line(struct line_reader *reader)
{
	while (*reader->next) {
		char *line = reader->next, *end = line + strcspn(line, "\n");

		reader->next = *end ? end + 1 : end;
		reader->line++;
		*end = '\0';
		line += strspn(line, " \t\r");
		line[strcspn(line, " \t\r#")] = '\0';
		if (*line)
			return line;
	}
	return NULL;
}

static struct position here(const struct line_reader *reader)
{
	return (struct position){reader->source, reader->line, 1};
}

/* Whether the line passes the check; else an error, unless there were enough of them. */
static bool is_good(struct line_reader *reader, const char *line,
		    const char *(*check)(const char *value), struct diagnostics *list)
{
	const char *wrong = check(line);

	if (wrong && reader->complaints++ < MOST_COMPLAINTS)
		report(list, LIST_FILE, here(reader), "this line %s", wrong);
	return !wrong;
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* The domains follow those that were there, in an array that has room for them all. */
static void read_set(struct arena *arena, const struct topology *topology, struct domain_set *set,
		     struct domain_list *domains, struct diagnostics *list)
{
	struct line_reader reader;
	struct domain *all;

	set->first = domains->count;
	if (!open_list(arena, topology, &set->file, list, &reader))
		return;
	all = arena_array(arena, domains->count + count_lines(reader.next), sizeof(*all));
	if (domains->count)
		memcpy(all, domains->items, domains->count * sizeof(*all));
	domains->items = all;
	for (char *line; (line = next_line(&reader));) {
		struct domain *domain = &all[domains->count];

		if (!is_good(&reader, line, check_domain, list))
			continue;
		domains->count++;
		*domain = (struct domain){
			.mailboxes = set->mailboxes, .dkim = set->dkim, .dns = set->dns};
		domain->head = (struct head){true, {line, here(&reader)}, set->head.at};
	}
	set->count = domains->count - set->first;
	if (!set->count && !reader.complaints)
		report(list, LIST_FILE, set->file.at, "the list '%s' is empty", set->file.value);
}

static void read_recipients(struct arena *arena, const struct topology *topology,
			    struct domain *domain, struct diagnostics *list)
{
	struct text_list recipients = {0};
	struct line_reader reader;

	for (size_t i = 0; i < domain->recipients.count; i++)
		*arena_push(arena, &recipients) = domain->recipients.items[i];
	if (!open_list(arena, topology, &domain->recipients_file, list, &reader))
		return;
	for (char *line; (line = next_line(&reader));)
		if (is_good(&reader, line, check_recipient, list))
			*arena_push(arena, &recipients) = (struct text){line, here(&reader)};
	domain->recipients = recipients;
}

void topology_read_lists(struct arena *arena, struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->domains.count; i++)
		read_recipients(arena, topology, &topology->domains.items[i], list);
	for (size_t i = 0; i < topology->domain_sets.count; i++)
		read_set(arena, topology, &topology->domain_sets.items[i], &topology->domains,
			 list);
}
