/* Fingerprints of findings; see fingerprint.h. */
#include "confgen/report/fingerprint.h"

#include <openssl/sha.h>

void fingerprints_init(struct fingerprints *fingerprints, struct arena *arena)
{
	*fingerprints = (struct fingerprints){.arena = arena, .seen = name_map_new(arena, 64)};
}

/* The line of a finding without white space around it; its length is 0 where there is none. */
static const char *find_line(struct fingerprints *fingerprints, const struct diagnostic *item,
			     size_t *length)
{
	const struct source *source = item->at.source;
	const char *line = excerpt_line(&fingerprints->cursor, item->at), *end, *stop;

	*length = 0;
	if (!line)
		return "";
	end = source->text + source->length;
	stop = memchr(line, '\n', (size_t)(end - line));
	if (!stop)
		stop = end;
	if (item->hide_source || excerpt_is_secret(source, line))
		for (const char *at = line; at < stop; at++)
			if (strchr("=:", *at))
				stop = at;
	while (line < stop && strchr(" \t\r", *line))
		line++;
	while (line < stop && strchr(" \t\r", stop[-1]))
		stop--;
	*length = (size_t)(stop - line);
	return line;
}

static const char *file_of(const struct diagnostic *item)
{
	const char *name = item->at.source ? item->at.source->name : "";

	while (strncmp(name, "./", 2) == 0)
		for (name += 2; *name == '/'; name++)
			;
	return name;
}

static const char *digest(struct arena *arena, const char *text)
{
	unsigned char octets[SHA256_DIGEST_LENGTH];
	char *digits = arena_alloc(arena, FINGERPRINT_DIGITS + 1);

	SHA256((const unsigned char *)text, strlen(text), octets);
	for (size_t i = 0; i < FINGERPRINT_DIGITS / 2; i++)
		snprintf(digits + 2 * i, 3, "%02x", octets[i]);
	return digits;
}

const char *fingerprint_make(struct fingerprints *fingerprints, const struct diagnostic *item)
{
	struct arena *arena = fingerprints->arena;
	size_t length, *count = arena_alloc(arena, sizeof(*count)), *seen;
	const char *line = find_line(fingerprints, item, &length), *base;

	/* of a file as a whole there may be several, which only their messages tell apart */
	if (!item->at.line) {
		line = item->message;
		length = strlen(line);
	}
	base = digest(arena,
		      arena_printf(arena, "1\n%s\n%s\n%.*s", item->rule ? item->rule : "",
				   file_of(item), (int)(length > 65536 ? 65536 : length), line));
	*count = 1;
	seen = name_map_add(fingerprints->seen, base, count);
	if (!seen)
		return base;
	return digest(arena, arena_printf(arena, "%s %zu", base, ++*seen));
}
