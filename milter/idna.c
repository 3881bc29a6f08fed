/* Internationalized names with libidn2; see idna.h. */
#include "milter/idna.h"

#include <ctype.h>
#include <errno.h>
#include <idn2.h>
#include <stdbool.h>

/*
 * Cuts dots off the end. False for what is no name: other characters stand for ones that a name
 * does not have, such as U+FF20 for '@', or for nothing at all.
 */
static bool tidy(char *ascii)
{
	size_t length = strlen(ascii);

	while (length && ascii[length - 1] == '.')
		ascii[--length] = '\0';
	return length && strspn(ascii, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

int idna_to_ascii(struct arena *arena, const char *text, size_t length, char **out)
{
	char *copy = arena_strndup(arena, text, length), *ascii = NULL;
	bool plain = true;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy; *p; p++) {
		plain = plain && (unsigned char)*p < 0x80;
		if ((unsigned char)*p < 0x80)
			*p = (char)tolower((unsigned char)*p);
	}
	*out = copy;
	if (plain)
		return 0;
	if (length > IDNA_LONGEST ||
	    idn2_lookup_u8((const uint8_t *)copy, (uint8_t **)&ascii,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return -EINVAL;
	if (!tidy(ascii)) {
		idn2_free(ascii);
		return -EINVAL;
	}
	copy = arena_strdup(arena, ascii);
	idn2_free(ascii);
	if (!copy)
		return -ENOMEM;
	*out = copy;
	return 0;
}

/* The last '@' outside of a quoted string. */
static const char *find_at(const char *address, const char *end)
{
	const char *at = NULL;
	bool quoted = false;

	for (; address < end; address++) {
		if (*address == '\\' && address + 1 < end)
			address++;
		else if (*address == '"')
			quoted = !quoted;
		else if (*address == '@' && !quoted)
			at = address;
	}
	return at;
}

int idna_envelope_domain(struct arena *arena, const char *address, const char **out)
{
	size_t length = strlen(address);
	const char *end = address + length, *at;
	char *domain;
	int error;

	if (length && *address == '<') {
		if (end[-1] != '>')
			return -EINVAL;
		address++;
		end--;
	}
	at = find_at(address, end);
	if (!at) {
		*out = "";
		return 0;
	}
	while (end > at + 1 && end[-1] == '.')
		end--;
	if (end == at + 1 || end - at - 1 > IDNA_LONGEST)
		return -EINVAL;
	error = idna_to_ascii(arena, at + 1, (size_t)(end - at - 1), &domain);
	if (!error)
		*out = domain;
	return error;
}
