/* Single values of postern-gate.conf; see config_value.h. */
#include "gate/config_value.h"

#include <ctype.h>

#define LONGEST_NAME  63
#define LONGEST_REPLY 500 /* RFC 5321 4.5.3.1.5: 512 with code, enhanced code aside, and CRLF */

#define mistake(...) diagnostics_add(list, SEVERITY_ERROR, NULL, __VA_ARGS__)

static bool parse_number(const char *text, unsigned long most, unsigned *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	if (digits == 0 || digits > 9 || text[digits])
		return false;
	value = strtoul(text, NULL, 10);
	if (value > most)
		return false;
	*out = (unsigned)value;
	return true;
}

/* The part before the last colon; an IPv6 address must stand in brackets there. */
static bool parse_host(const char *text, size_t length, struct listen_address *out)
{
	char host[IP_TEXT_SIZE];

	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	out->dual = strcmp(host, "*") == 0;
	if (ip_parse(out->dual ? "::" : host, &out->address) != IP_OK)
		return false;
	return out->dual || (out->address.family == IP_V6) == (host[0] == '[');
}

bool listen_address_read(const struct setting *setting, struct diagnostics *list,
			 struct listen_address *address)
{
	struct listen_address found = {.at = setting->at};
	const char *colon = strrchr(setting->value, ':');

	if (!colon || !parse_number(colon + 1, 65535, &found.port) || found.port == 0 ||
	    !parse_host(setting->value, (size_t)(colon - setting->value), &found)) {
		mistake(setting->at, "'%s' is not of the form ADDRESS:PORT", setting->value);
		diagnostics_hint(list, "for example: 192.0.2.1:25, [2001:db8::1]:25, or *:25 for "
				       "every address of this host");
		return false;
	}
	if (ip_unmap(found.address).family != found.address.family) {
		mistake(setting->at, "'%s' is an IPv4 address: write it as one", setting->value);
		return false;
	}
	*address = found;
	return true;
}

/* Whether `..` is one of the parts: what lies below a folder could not be told by its name. */
static bool goes_up(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return true;
	}
	return false;
}

bool path_read(struct arena *arena, const struct setting *setting, struct diagnostics *list,
	       const char **path)
{
	size_t length = strlen(setting->value);

	if (setting->value[0] != '/' || goes_up(setting->value)) {
		mistake(setting->at, "%s '%s' is not an absolute path%s", setting->name,
			setting->value, setting->value[0] == '/' ? " without '..'" : "");
		return false;
	}
	while (length > 1 && setting->value[length - 1] == '/')
		length--;
	*path = arena_strndup(arena, setting->value, length);
	return true;
}

bool number_read(const struct setting *setting, struct diagnostics *list, unsigned least,
		 unsigned most, unsigned *number)
{
	unsigned value = 0;

	if (!parse_number(setting->value, most, &value) || value < least) {
		mistake(setting->at, "%s is '%s': it can be a number from %u to %u", setting->name,
			setting->value, least, most);
		return false;
	}
	*number = value;
	return true;
}

bool listener_name_read(const char *name, struct position at, struct diagnostics *list)
{
	size_t length = strlen(name);

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			length = 0;
	if (length == 0 || length > LONGEST_NAME) {
		mistake(at, "'%s' is no name for a listener", name);
		diagnostics_hint(list, "letters, digits, '.', '_' and '-', at most %d",
				 LONGEST_NAME);
		return false;
	}
	return true;
}

bool reply_text_read(const struct setting *setting, struct diagnostics *list)
{
	const char *text = setting->value;

	for (const char *p = text; *p; p++) {
		if (*p < 0x20 || *p > 0x7e) {
			mistake(setting->at, "reply holds something other than printable ASCII");
			return false;
		}
	}
	if (strlen(text) > LONGEST_REPLY || !*text) {
		mistake(setting->at, "reply has %s", *text ? "more than 500 octets" : "no text");
		return false;
	}
	if (isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
	    isdigit((unsigned char)text[2])) {
		mistake(setting->at, "reply begins with a code of its own");
		diagnostics_hint(list, "the code comes from refuse: write only the text");
		return false;
	}
	return true;
}
