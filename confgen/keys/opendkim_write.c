/* The postern-milter.conf that does what an opendkim.conf did; see opendkim.h. */
#include "common/network.h"
#include "confgen/keys/opendkim.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <stdlib.h>
#include <strings.h>

#define LONGEST_DNS 30 /* seconds that dns_timeout may say */

struct writer {
	struct arena *arena;
	const struct opendkim *given;
	struct strbuf *out;
	struct diagnostics *list;
};

static void tell(struct writer *writer, const char *name, const struct text *value, const char *why)
{
	keys_report(writer->list, CONVERT, value->at, "%s %s is not carried over: %s", name,
		    value->value, why);
	diagnostics_hide_source(writer->list);
}

/* Whether a text can stand in quotes as it is. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127 || strchr("\"'\\$", *text))
			return false;
	return true;
}

static void write_value(struct writer *writer, const char *name, const char *value)
{
	strbuf_addf(writer->out, "%s = \"%s\"\n", name, value);
}

static void write_list(struct writer *writer, const char *name, const struct text_list *list)
{
	strbuf_addf(writer->out, "%s = {", name);
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(writer->out, "%s\"%s\"", i ? ", " : "", list->items[i].value);
	strbuf_adds(writer->out, "}\n");
}

/* --- single settings --- */

/* inet:PORT@HOST, where HOST is an address or localhost. */
static void write_socket(struct writer *writer)
{
	const struct text *value = &writer->given->socket;
	const char *at = value->value ? strchr(value->value, '@') : NULL, *port;
	struct ip_address address;

	if (!value->value)
		return;
	port = strchr(value->value, ':');
	if (strncasecmp(value->value, "inet", 4) != 0 || !at || !port || port > at) {
		tell(writer, "Socket", value,
		     "the socket is unix:/var/spool/postfix/postern/milter.sock, which "
		     "smtpd_milters "
		     "has as unix:postern/milter.sock");
		return;
	}
	port = arena_strndup(writer->arena, port + 1, (size_t)(at - port - 1));
	if (!*port || port[strspn(port, "0123456789")])
		tell(writer, "Socket", value, "its port is no number");
	else if (strcasecmp(at + 1, "localhost") == 0)
		strbuf_addf(writer->out, "socket = \"inet:%s@127.0.0.1\"\n", port);
	else if (ip_parse(at + 1, &address) == IP_OK && is_plain(at + 1))
		strbuf_addf(writer->out, "socket = \"%s:%s@%s\"\n",
			    address.family == IP_V6 ? "inet6" : "inet", port, at + 1);
	else
		tell(writer, "Socket", value, "'socket' wants an address");
}

static bool is_method(const char *word)
{
	return strcasecmp(word, "simple") == 0 || strcasecmp(word, "relaxed") == 0;
}

/* One word is the header's; OpenDKIM's default is simple for both. */
static void write_canonicalization(struct writer *writer)
{
	const struct text *value = &writer->given->canonicalization;
	char *header = arena_strdup(writer->arena, value->value ? value->value : "simple");
	char *slash = strchr(header, '/');
	const char *body = slash ? slash + 1 : "simple";

	if (slash)
		*slash = '\0';
	if (is_method(header) && is_method(body))
		strbuf_addf(writer->out, "canonicalization = \"%s/%s\"\n",
			    *header == 'r' || *header == 'R' ? "relaxed" : "simple",
			    *body == 'r' || *body == 'R' ? "relaxed" : "simple");
	else
		tell(writer, "Canonicalization", value, "it is none of relaxed and simple");
}

static bool is_header_name(const char *name)
{
	return *name && is_plain(name) && !strpbrk(name, "*+|:");
}

/* A list without "+", "-" and "*", which change the default list or are patterns. */
static void write_headers(struct writer *writer, const char *name, const char *theirs,
			  const struct text *value)
{
	struct text_list items = opendkim_items(writer->arena, value);

	if (!value->value)
		return;
	for (size_t i = 0; i < items.count; i++) {
		if (is_header_name(items.items[i].value) && *items.items[i].value != '-')
			continue;
		tell(writer, theirs, value, "only a plain list of names can be");
		return;
	}
	write_list(writer, name, &items);
}

static void write_oversigned(struct writer *writer)
{
	const struct text *value = &writer->given->oversigned;

	/* Debian's own setting; the default has From and more */
	if (value->value && strcasecmp(value->value, "From") == 0 &&
	    !writer->given->signed_headers.value)
		strbuf_adds(writer->out, "# OversignHeaders From: the default has it, and more\n");
	else
		write_headers(writer, "oversigned_headers", "OversignHeaders", value);
}

static void write_seconds(struct writer *writer, const char *name, const char *theirs,
			  const struct text *value, unsigned long most)
{
	char *end;
	unsigned long seconds;

	if (!value->value)
		return;
	seconds = strtoul(value->value, &end, 10);
	if (end == value->value || *end || *value->value == '-' || seconds > most)
		tell(writer, theirs, value, "it is no number of seconds that is allowed here");
	else if (seconds)
		strbuf_addf(writer->out, "%s = \"%lus\"\n", name, seconds);
}

static void write_servers(struct writer *writer)
{
	const struct text *value = &writer->given->nameservers;
	struct text_list items = opendkim_items(writer->arena, value);
	struct ip_address address;

	if (!value->value)
		return;
	for (size_t i = 0; i < items.count; i++) {
		if (ip_parse(items.items[i].value, &address) == IP_OK &&
		    is_plain(items.items[i].value))
			continue;
		tell(writer, "Nameservers", value, "each must be an address");
		return;
	}
	write_list(writer, "dns_servers", &items);
}

static void write_authserv_id(struct writer *writer)
{
	const struct text *value = &writer->given->authserv_id;

	if (!value->value || strcasecmp(value->value, "HOSTNAME") == 0)
		return;
	if (check_host(value->value) || !is_plain(value->value))
		tell(writer, "AuthservID", value, "it is no host name");
	else
		write_value(writer, "authserv_id", value->value);
}

/* "s", "v" or "sv", the default. */
static void write_mode(struct writer *writer)
{
	const char *mode = writer->given->mode.value ? writer->given->mode.value : "sv";
	bool signs = strpbrk(mode, "sS") != NULL, verifies = strpbrk(mode, "vV") != NULL;

	if (mode[strspn(mode, "svSV")] || (!signs && !verifies)) {
		tell(writer, "Mode", &writer->given->mode, "it is none of s, v and sv");
		return;
	}
	strbuf_addf(writer->out, "\nlistener \"*\" { mode = %s }\n",
		    signs && verifies ? "both"
		    : signs	      ? "sign"
				      : "verify");
}

/* --- domains --- */

static bool is_written(const struct import_keys *keys, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(keys->items[i].domain, keys->items[index].domain) == 0)
			return true;
	return false;
}

/* What all keys of a domain sign beside it: one list a section. */
static void write_subdomains(struct writer *writer, const char *domain)
{
	const struct import_keys *keys = &writer->given->keys;
	struct text_list names = {0};
	bool below = false;

	for (size_t i = 0; i < keys->count; i++) {
		const struct import_key *key = &keys->items[i];

		if (strcasecmp(key->domain, domain) != 0)
			continue;
		below = below || key->below;
		for (size_t j = 0; j < key->subdomains.count; j++)
			*arena_push(writer->arena, &names) = key->subdomains.items[j];
	}
	if (below)
		strbuf_adds(writer->out, "    subdomains = {\"*\"}\n");
	else if (names.count) {
		strbuf_adds(writer->out, "    ");
		write_list(writer, "subdomains", &names);
	}
}

static void write_domain(struct writer *writer, const char *domain)
{
	const struct import_keys *keys = &writer->given->keys;

	strbuf_addf(writer->out, "\ndomain \"%s\" {\n", domain);
	write_subdomains(writer, domain);
	for (size_t i = 0; i < keys->count; i++) {
		const struct import_key *key = &keys->items[i];

		if (strcasecmp(key->domain, domain) != 0)
			continue;
		if (is_plain(key->path))
			strbuf_addf(writer->out, "    key \"%s\" { file = \"%s\" }\n",
				    key->selector, key->path);
		else
			tell(writer, "the key", &(struct text){key->domain, key->at},
			     "its path cannot be written in quotes");
	}
	strbuf_adds(writer->out, "}\n");
}

void opendkim_write(struct arena *arena, const struct opendkim *given, struct strbuf *out,
		    struct diagnostics *list)
{
	struct writer writer = {arena, given, out, list};

	strbuf_adds(out, "# Converted from OpenDKIM's configuration by postern-confgen convert; "
			 "see postern-milter.conf(5).\n"
			 "postern = 1\n");
	write_socket(&writer);
	write_list(&writer, "internal_networks", &given->networks);
	write_canonicalization(&writer);
	write_headers(&writer, "signed_headers", "SignHeaders", &given->signed_headers);
	write_oversigned(&writer);
	write_seconds(&writer, "signature_lifetime", "SignatureTTL", &given->lifetime, 0xffffffff);
	write_authserv_id(&writer);
	write_servers(&writer);
	write_seconds(&writer, "dns_timeout", "DNSTimeout", &given->dns_timeout, LONGEST_DNS);
	for (size_t i = 0; i < given->keys.count; i++)
		if (!is_written(&given->keys, i))
			write_domain(&writer, given->keys.items[i].domain);
	write_mode(&writer);
}
