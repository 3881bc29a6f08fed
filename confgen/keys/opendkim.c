/* The text of opendkim.conf, by a table of its settings; see opendkim.h. */
#include "confgen/keys/opendkim.h"
#include "confgen/keys/rules.h"

#include <stddef.h>
#include <strings.h>

#define LONGEST_NAME 64

/* A setting: where its value goes, or why it goes nowhere. */
struct row {
	const char *name;
	size_t offset;
	const char *why; /* NULL: it is carried over */
};

#define CARRY(name, member)                                   \
	{                                                     \
		name, offsetof(struct opendkim, member), NULL \
	}
#define TELL(name, why)      \
	{                    \
		name, 0, why \
	}

#define SUPERVISOR "the service manager's business here"
#define LOGGED	   "the log has a line for each message anyhow"
#define JUDGED	   "no message is refused for its signatures: the results are for others to act on"
#define OLD	   "has no counterpart"

static const struct row rows[] = {
	CARRY("Domain", domains),
	CARRY("Selector", selector),
	CARRY("KeyFile", key_file),
	CARRY("KeyTable", key_table),
	CARRY("SigningTable", signing_table),
	CARRY("InternalHosts", internal_hosts),
	CARRY("Mode", mode),
	CARRY("Canonicalization", canonicalization),
	CARRY("Socket", socket),
	CARRY("SubDomains", subdomains),
	CARRY("MultipleSignatures", several),
	CARRY("SignHeaders", signed_headers),
	CARRY("OversignHeaders", oversigned),
	CARRY("SignatureTTL", lifetime),
	CARRY("AuthservID", authserv_id),
	CARRY("Nameservers", nameservers),
	CARRY("DNSTimeout", dns_timeout),
	TELL("Include", "is not followed: convert that file as well, and join the results"),
	TELL("UserID",
	     "postern-milter becomes the user postern, or what 'user' says; keys stay root's"),
	TELL("UMask", "the mode of the socket is 0660, or what 'socket_mode' says"),
	TELL("PidFile", SUPERVISOR),
	TELL("Background", SUPERVISOR),
	TELL("AutoRestart", SUPERVISOR),
	TELL("AutoRestartRate", SUPERVISOR),
	TELL("AutoRestartCount", SUPERVISOR),
	TELL("ChangeRootDirectory", SUPERVISOR),
	TELL("MaximumHeaders", "the limit is 1 MiB of signed fields"),
	TELL("Syslog", "syslog is the default, and 'log' says otherwise"),
	TELL("SyslogFacility", "the facility is mail"),
	TELL("SyslogName", "the name is postern-milter"),
	TELL("SyslogSuccess", LOGGED),
	TELL("LogWhy", LOGGED),
	TELL("LogResults", LOGGED),
	TELL("SignatureAlgorithm", "the type of the key decides"),
	TELL("MinimumKeyBits", "keys below 1024 bits never pass (RFC 8301)"),
	TELL("RequireSafeKeys", "keys that others can read are always refused"),
	TELL("ExternalIgnoreList", "it only silences a warning of OpenDKIM's"),
	TELL("PeerList", "mail of such clients is judged as every stranger's"),
	TELL("MTA", "a 'listener' section has the name of a service, and its mode"),
	TELL("MacroList", "whoever logged in is signed for, and 'relay_users' are not"),
	TELL("TrustAnchorFile", "DNSSEC is the business of the resolver in 'dns_servers'"),
	TELL("UnboundConfigFile", "DNSSEC is the business of the resolver in 'dns_servers'"),
	TELL("On-Default", JUDGED),
	TELL("On-BadSignature", JUDGED),
	TELL("On-NoSignature", JUDGED),
	TELL("On-DNSError", JUDGED),
	TELL("On-InternalError", "mail that cannot be signed is deferred, always"),
	TELL("On-KeyNotFound", JUDGED),
	TELL("On-Security", "mail that cannot be signed is deferred, always"),
	TELL("On-SignatureError", "mail that cannot be signed is deferred, always"),
	TELL("AlwaysAddARHeader", "verified messages always get the field"),
	TELL("RemoveOldSignatures", "signatures of others stay, as RFC 6376 wants"),
	TELL("OmitHeaders", "see 'signed_headers'"),
	TELL("BodyLengthDB", "the whole body is signed: l= lets anybody append to it"),
	TELL("SenderHeaders", "the From field decides"),
	TELL("TemporaryDirectory", OLD),
	TELL("BaseDirectory", OLD),
	TELL("Statistics", "see 'http' for metrics"),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void take(struct opendkim *out, const char *name, const struct text *value,
		 struct diagnostics *list)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct text *place = (struct text *)((char *)out + rows[i].offset);

		if (strcasecmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].why) {
			keys_report(list, CONVERT, value->at, "%s is not carried over: %s",
				    rows[i].name, rows[i].why);
			diagnostics_hide_source(list);
			return;
		}
		if (place->value)
			keys_report(list, CONVERT, place->at,
				    "%s is given again in line %u, which counts", rows[i].name,
				    value->at.line);
		*place = *value;
		return;
	}
	keys_report(list, CONVERT, value->at, "%s is not carried over: it has no counterpart",
		    name);
	diagnostics_hide_source(list);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line without its end: NAME VALUE, and perhaps a comment. */
static void read_line(struct arena *arena, const char *start, const char *end, struct position at,
		      struct opendkim *out, struct diagnostics *list)
{
	const char *comment = memchr(start, '#', (size_t)(end - start)), *name;
	struct text value = {.at = at};

	end = comment ? comment : end;
	while (start < end && is_blank(*start))
		start++;
	while (end > start && is_blank(end[-1]))
		end--;
	if (start == end)
		return;
	for (name = start; name < end && !is_blank(*name);)
		name++;
	if (name - start > LONGEST_NAME || name == end) {
		keys_report(list, CONVERT, at, "this line is no NAME VALUE");
		diagnostics_hide_source(list);
		return;
	}
	for (value.value = name; is_blank(*value.value);)
		value.value++;
	value.value = arena_strndup(arena, value.value, (size_t)(end - value.value));
	take(out, arena_strndup(arena, start, (size_t)(name - start)), &value, list);
}

void opendkim_read(struct arena *arena, const struct source *source, struct opendkim *out,
		   struct diagnostics *list)
{
	const char *next = source->text, *end = source->text + source->length;
	struct position at = {source, 0, 1};

	*out = (struct opendkim){0};
	while (next < end) {
		const char *stop = memchr(next, '\n', (size_t)(end - next));

		stop = stop ? stop : end;
		at.line++;
		read_line(arena, next, stop, at, out, list);
		next = stop + (stop < end);
	}
}

struct text_list opendkim_items(struct arena *arena, const struct text *value)
{
	struct text_list items = {0};
	const char *next = value->value ? value->value : "";

	if (strncasecmp(next, "csl:", 4) == 0)
		next += 4;
	while (*next) {
		size_t length = strcspn(next, ", \t");

		if (length)
			*arena_push(arena, &items) =
				(struct text){arena_strndup(arena, next, length), value->at};
		next += length + (next[length] != '\0');
	}
	return items;
}
