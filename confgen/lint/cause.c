/* The cause of a rendered line; see cause.h. */
#include "confgen/lint/cause.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The line number in "topology.yaml:16" between `start` and `end`, or 0. */
static unsigned find_reference(const char *name, const char *start, const char *end)
{
	size_t length = strlen(name);
	const char *at = memmem(start, (size_t)(end - start), name, length);

	if (!at || at[length] != ':' || !isdigit((unsigned char)at[length + 1]))
		return 0;
	return (unsigned)strtoul(at + length + 1, NULL, 10);
}

/* The line, and the column where its text begins. */
static struct position place(const struct source *topology, unsigned line)
{
	const char *text = topology->text ? topology->text : "";

	for (unsigned i = 1; i < line && *text; i++) {
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return (struct position){topology, line, (unsigned)strspn(text, " \t-") + 1};
}

struct position cause_find(const struct source *topology, struct position at, const char *what)
{
	const char *slash = topology ? strrchr(topology->name, '/') : NULL;
	const char *name = slash ? slash + 1 : topology ? topology->name : NULL;
	const char *line = at.source ? at.source->text : NULL;
	unsigned found = 0;
	bool exact = false;

	for (unsigned i = 1; name && line && *line && i <= at.line; i++) {
		const char *feed = strchrnul(line, '\n');
		unsigned reference = *line == '#' ? find_reference(name, line, feed) : 0;
		bool fits = reference && what && *what &&
			    memmem(line, (size_t)(feed - line), what, strlen(what));

		if (feed == line) {
			found = 0; /* a block ends */
			exact = false;
		}
		if (reference && (fits || !exact)) {
			found = reference;
			exact = fits;
		}
		line = *feed ? feed + 1 : feed;
	}
	return found ? place(topology, found) : (struct position){0};
}
