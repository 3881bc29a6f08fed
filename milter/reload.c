/* Reloads, and tells what became of it; see reload.h. */
#include "milter/reload.h"
#include "common/log.h"

/* Writes what was printed of mistakes to the log; excerpts of the source are left out. */
static void log_lines(const char *text, enum log_level level)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length && *text != ' ')
			log_write(level, "%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static bool differ(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

static void tell_kept(const struct config *started, const struct config *now)
{
	const struct {
		const char *name;
		bool differs;
	} kept[] = {
		{"socket", strcmp(started->socket, now->socket) != 0},
		{"socket_mode", started->socket_mode != now->socket_mode},
		{"socket_group", started->socket_group != now->socket_group},
		{"user", strcmp(started->user, now->user) != 0},
		{"log", started->log != now->log},
		{"policy_socket", differ(started->policy_socket, now->policy_socket)},
		{"http", differ(started->http, now->http)},
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i].differs)
			log_write(LOG_LEVEL_WARNING, "a reload does not change %s: restart for it",
				  kept[i].name);
}

bool reload(struct snapshot_place *place, const char *file, const struct opener *opener,
	    const struct config *started)
{
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	struct snapshot *next;
	int status = 0;

	if (!out) {
		log_write(LOG_LEVEL_ERROR, "no reload: out of memory");
		return false;
	}
	next = snapshot_read(file, opener, out, &status);
	fclose(out);
	log_lines(printed ? printed : "", next ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR);
	free(printed);
	if (!next) {
		log_write(LOG_LEVEL_ERROR,
			  "%s cannot be used: the old configuration stays in force", file);
		return false;
	}
	tell_kept(started, &next->config);
	log_write(LOG_LEVEL_INFO, "reloaded %s, domains: %zu", file,
		  next->config.domain_count + next->config.folder_domain_count);
	snapshot_replace(place, next);
	return true;
}
