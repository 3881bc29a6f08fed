/* Single values of the configuration; see config_value.h. */
#include "common/config_value.h"
#include "common/date.h"
#include "common/suggest.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <strings.h>
#include <sys/un.h>

#define mistake(...) diagnostics_add(list, SEVERITY_ERROR, NULL, __VA_ARGS__)
#define caution(...) diagnostics_add(list, SEVERITY_WARNING, NULL, __VA_ARGS__)

static bool read_unix(const struct setting *setting, const char *path, struct diagnostics *list)
{
	if (path[0] != '/') {
		mistake(setting->at, "%s '%s' is not an absolute path", setting->name, path);
		return false;
	}
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		mistake(setting->at, "the path of the socket is longer than %zu octets",
			sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
		return false;
	}
	return true;
}

/* PORT@ADDRESS, as libmilter writes it; Postfix has ADDRESS:PORT. */
static bool read_port(const char *text, unsigned long *port, const char **address)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*port = strtoul(text, &end, 10);
	*address = end + 1;
	return *end == '@' && *port > 0 && *port <= 65535;
}

static bool read_inet(struct arena *arena, const struct setting *setting, const char *rest,
		      enum ip_family family, struct diagnostics *list, const char **address)
{
	const char *scheme = family == IP_V4 ? "inet" : "inet6", *text;
	char canonical[IP_TEXT_SIZE];
	struct ip_address ip;
	unsigned long port;

	if (!read_port(rest, &port, &text) || ip_parse(text, &ip) != IP_OK || ip.family != family) {
		mistake(setting->at, "%s '%s' is not of the form %s:PORT@ADDRESS", setting->name,
			setting->value, scheme);
		diagnostics_hint(list, "for example: %s:8894@%s", scheme,
				 family == IP_V4 ? "127.0.0.1" : "::1");
		return false;
	}
	if (!ip_is_loopback(&ip) && strcmp(setting->name, "socket") == 0)
		caution(setting->at,
			"whoever can connect to %s can have any mail signed: let only the mail "
			"server in",
			ip_format(&ip, canonical));
	else if (!ip_is_loopback(&ip))
		caution(setting->at, "%s is open to whoever can connect to %s", setting->name,
			ip_format(&ip, canonical));
	*address = arena_printf(arena, "%s:%lu@%s", scheme, port, ip_format(&ip, canonical));
	return true;
}

bool socket_address_read(struct arena *arena, const struct setting *setting,
			 struct diagnostics *list, const char **address, const char **path)
{
	static const struct {
		const char *prefix;
		enum ip_family family;
	} schemes[] = {
		{"unix:", IP_NONE}, {"local:", IP_NONE}, {"inet:", IP_V4}, {"inet6:", IP_V6}};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *rest = setting->value + strlen(schemes[i].prefix);

		if (strncmp(setting->value, schemes[i].prefix, strlen(schemes[i].prefix)) != 0)
			continue;
		if (schemes[i].family != IP_NONE) {
			if (!read_inet(arena, setting, rest, schemes[i].family, list, address))
				return false;
			*path = NULL;
			return true;
		}
		if (!read_unix(setting, rest, list))
			return false;
		*address = arena_printf(arena, "unix:%s", rest);
		*path = *address + strlen("unix:");
		return true;
	}
	mistake(setting->at, "%s '%s' is neither unix:PATH nor inet:PORT@ADDRESS", setting->name,
		setting->value);
	return false;
}

bool mode_read(const struct setting *setting, struct diagnostics *list, mode_t *mode)
{
	const char *text = setting->value;
	size_t length = strlen(text);

	if (length < 3 || length > 4 || strspn(text, "01234567") != length ||
	    (length == 4 && text[0] != '0')) {
		mistake(setting->at, "%s '%s' is not a mode in octal digits", setting->name, text);
		diagnostics_hint(list, "for example: %s = \"0660\"", setting->name);
		return false;
	}
	*mode = (mode_t)strtoul(text, NULL, 8);
	return true;
}

bool network_read(const struct setting *setting, struct diagnostics *list,
		  struct ip_network *network)
{
	static const char *const causes[] = {
		[IP_ERROR_SYNTAX] = "is no address or network",
		[IP_ERROR_PREFIX] = "has a bad prefix length",
		[IP_ERROR_HOST_BITS] = "has bits set beyond its prefix",
	};
	enum ip_error error = ip_network_parse(setting->value, network);

	if (error == IP_OK)
		return true;
	mistake(setting->at, "'%s' %s", setting->value, causes[error]);
	diagnostics_hint(list, "a network is written 192.168.2.0/24 or 2001:db8::/32");
	return false;
}

bool word_read(const struct setting *setting, const char *const *words, size_t count,
	       struct diagnostics *list, unsigned *index)
{
	const char *nearest = suggest(setting->value, words, count), *all = "";
	char text[128];
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(setting->value, words[i]) == 0) {
			*index = (unsigned)i;
			return true;
		}
	}
	text[0] = '\0';
	for (size_t i = 0; i < count && length < sizeof(text); i++, all = ", ")
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
					   i && i + 1 == count ? " or " : all, words[i]);
	mistake(setting->at, "%s is '%s': it can be %s", setting->name, setting->value, text);
	if (nearest)
		diagnostics_hint(list, "did you mean '%s'?", nearest);
	return false;
}

bool switch_read(const struct setting *setting, struct diagnostics *list, bool *value)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
	unsigned index;

	if (!word_read(setting, words, sizeof(words) / sizeof(words[0]), list, &index))
		return false;
	*value = index % 2 == 1;
	return true;
}

bool version_read(const struct setting *setting, struct diagnostics *list)
{
	if (strcmp(setting->value, CONFIG_VERSION) == 0)
		return true;
	mistake(setting->at,
		"the file is of version '%s', but this program reads version " CONFIG_VERSION,
		setting->value);
	diagnostics_hint(
		list, "a newer file needs a newer program; CHANGELOG tells how to write it back");
	return false;
}

bool duration_read(const struct setting *setting, struct diagnostics *list, uint64_t *seconds)
{
	static const struct {
		char suffix[2];
		uint64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
	const char *text = setting->value;
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (digits == 0 || digits > 9 || strcmp(text + digits, units[i].suffix) != 0)
			continue;
		*seconds = strtoull(text, NULL, 10) * units[i].seconds;
		return true;
	}
	mistake(setting->at, "%s '%s' is not a time", setting->name, text);
	diagnostics_hint(list, "for example: %s = \"14d\" (s, m, h, d, w)", setting->name);
	return false;
}

bool date_read(const struct setting *setting, struct diagnostics *list, int64_t *seconds)
{
	int64_t value;

	if (date_parse(setting->value, &value)) {
		*seconds = value;
		return true;
	}
	mistake(setting->at, "%s '%s' is no date", setting->name, setting->value);
	diagnostics_hint(list, "for example: \"2026-12-01\" or \"2026-12-01T06:00:00Z\"");
	return false;
}

bool field_name_read(const struct setting *setting, struct diagnostics *list)
{
	const char *text = setting->value;

	for (; *text > ' ' && *text < 0x7f && *text != ':'; text++)
		;
	if (!*text && text > setting->value && strlen(setting->value) < 128)
		return true;
	mistake(setting->at, "%s: '%s' is no name of a header field", setting->name,
		setting->value);
	return false;
}

bool server_address_check(const struct setting *setting, struct diagnostics *list)
{
	const char *value = setting->value, *bracket = *value == '[' ? strchr(value, ']') : NULL;
	const char *colon = bracket ? bracket + 1 : strchr(value, ':');
	size_t length = strlen(value);
	struct ip_address ip;
	char text[IP_TEXT_SIZE];

	if (colon && *colon == ':' && (bracket || !strchr(colon + 1, ':'))) {
		unsigned long port = strtoul(colon + 1, NULL, 10);
		size_t digits = strspn(colon + 1, "0123456789");

		if (digits == 0 || digits > 5 || colon[1 + digits] || port == 0 || port > 65535)
			length = sizeof(text);
		else
			length = (size_t)(colon - value);
	}
	if (length < sizeof(text)) {
		memcpy(text, value, length);
		text[length] = '\0';
		if (ip_parse(text, &ip) == IP_OK)
			return true;
	}
	mistake(setting->at, "%s: '%s' is no address of a server", setting->name, value);
	diagnostics_hint(list, "for example: \"127.0.0.1\", \"192.0.2.1:5353\" or \"[::1]:53\"");
	return false;
}

bool is_domain_name(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 253)
		return false;
	for (;;) {
		size_t label = strcspn(text, ".");

		if (label == 0 || label > 63 || text[0] == '-' || text[label - 1] == '-')
			return false;
		for (size_t i = 0; i < label; i++)
			if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
				return false;
		if (!text[label])
			return true;
		text += label + 1;
	}
}

char *domain_read(struct arena *arena, const char *text, struct position at,
		  struct diagnostics *list)
{
	char *name;

	if (!text)
		return NULL;
	if (!is_domain_name(text)) {
		mistake(at, "'%s' is no domain name", text);
		for (const char *p = text; *p; p++) {
			if ((unsigned char)*p >= 0x80) {
				diagnostics_hint(
					list, "write it in its ASCII form, which begins with xn--");
				break;
			}
		}
		return NULL;
	}
	name = arena_strdup(arena, text);
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

bool group_find(const char *name, struct position at, struct diagnostics *list, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group)
		*gid = group->gr_gid;
	else
		mistake(at, "socket_group: there is no group '%s'", name);
	return group != NULL;
}

bool user_find(const char *name, struct position at, struct diagnostics *list, uid_t *uid,
	       gid_t *gid)
{
	const struct passwd *user = getpwnam(name);

	if (!user) {
		mistake(at, "user: there is no user '%s'", name);
		return false;
	}
	if (user->pw_uid == 0)
		caution(at, "user: %s keeps all privileges", name);
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return true;
}
