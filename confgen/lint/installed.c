/* The release that is installed; see installed.h. */
#include "confgen/lint/installed.h"
#include "common/file.h"

#include <string.h>

#define LARGEST_STATUS ((size_t)64 << 20)

/* The version in the paragraph that begins with `start`; "3.7.11-0+deb12u1", perhaps with an epoch.
 */
static bool read_version(struct arena *arena, const char *start, const char *version,
			 enum postfix_release *out)
{
	const char *end = strstr(start, "\n\n"), *found, *colon;
	size_t length;
	char *text;

	found = strstr(start, version);
	if (!found || (end && found > end))
		return false;
	found += strlen(version);
	text = arena_strndup(arena, found, strcspn(found, "\n"));
	colon = strchr(text, ':');
	if (colon)
		text = arena_strdup(arena, colon + 1);
	length = strspn(text, "0123456789.");
	text[length] = '\0';
	return postfix_release_parse(text, out);
}

bool installed_release_in(const char *path, const char *package, const char *version,
			  enum postfix_release *out)
{
	struct arena *arena = arena_new(0);
	const char *found;
	char *text;
	size_t length;
	bool known = false;

	if (file_read(arena, path, LARGEST_STATUS, &text, &length) == 0) {
		found = strstr(text, package);
		known = found && read_version(arena, found + 1, version, out);
	}
	arena_free(arena);
	return known;
}

bool installed_release(enum postfix_release *out)
{
	return installed_release_in("/var/lib/dpkg/status", "\nPackage: postfix\n",
				    "\nVersion: ", out) ||
	       installed_release_in("/lib/apk/db/installed", "\nP:postfix\n", "\nV:", out);
}
