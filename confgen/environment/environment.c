/* Variables to a topology in YAML; see environment.h. */
#include "confgen/environment/environment.h"
#include "common/network.h"
#include "common/utf8.h"
#include "common/strbuf.h"
#include "confgen/environment/relayhost.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

#include <strings.h>
#include <unistd.h>

#define DEFAULT_NETWORKS "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
#define PARAMETER	 "POSTFIX_"
#define BLANK		 " \t\r\n"

struct names {
	const char **items;
	size_t count;
};

struct translation {
	struct arena *arena;
	struct diagnostics *list;
	const struct environment *from;
	struct strbuf out;
	struct names domains;
	struct names extra; /* pairs: name, value */
};

#define wrong(translation, ...)                                                                   \
	diagnostics_add((translation)->list, SEVERITY_ERROR, "environment", (struct position){0}, \
			__VA_ARGS__)
#define doubt(translation, ...)                                               \
	diagnostics_add((translation)->list, SEVERITY_WARNING, "environment", \
			(struct position){0}, __VA_ARGS__)

/* The value of a variable, or NULL: for the image, empty is not set. */
static const char *get(const struct translation *t, const char *name)
{
	size_t length = strlen(name);

	for (const char *const *row = t->from->variables; *row; row++)
		if (strncmp(*row, name, length) == 0 && (*row)[length] == '=')
			return (*row)[length + 1] ? *row + length + 1 : NULL;
	return NULL;
}

/* The older variable, or the parameter that came to stand for it. */
static const char *get_either(const struct translation *t, const char *name, const char *newer,
			      const char **used)
{
	const char *value = get(t, name);

	*used = value || !get(t, newer) ? name : newer;
	return value ? value : get(t, newer);
}

static void push(struct translation *t, struct names *names, const char *name)
{
	*arena_push(t->arena, names) = name;
}

/* Each word of a value, in turn; NULL after the last. */
static const char *next_word(struct arena *arena, const char **rest, const char *separators)
{
	size_t length;
	const char *word;

	*rest += strspn(*rest, separators);
	length = strcspn(*rest, separators);
	word = length ? arena_strndup(arena, *rest, length) : NULL;
	*rest += length;
	return word;
}

/* --- YAML --- */

/* Neither a control character, nor what ends a line in YAML, nor what it cannot hold. */
static bool is_plain(uint32_t code)
{
	return code >= 0x20 && (code < 0x7f || code >= 0xa0) && code != 0x2028 && code != 0x2029 &&
	       code != 0xfeff && code != 0xfffe && code != 0xffff;
}

/* In double quotes. What YAML would have to escape otherwise is a mistake anyhow. */
static void add_quoted(struct translation *t, const char *variable, const char *value)
{
	size_t left = strlen(value), step;

	strbuf_addch(&t->out, '"');
	for (const char *p = value; left; p += step, left -= step) {
		uint32_t code = 0;

		step = utf8_decode(p, left, &code);
		if (!step || !is_plain(code)) {
			wrong(t, step ? "%s holds a control character" : "%s is not UTF-8",
			      variable);
			break;
		}
		if (*p == '"' || *p == '\\')
			strbuf_addch(&t->out, '\\');
		strbuf_add(&t->out, p, step);
	}
	strbuf_addch(&t->out, '"');
}

/* A line "key: value", with the variable that is its cause. */
static void add_line(struct translation *t, const char *key, const char *value,
		     const char *variable)
{
	strbuf_addf(&t->out, "    %s: ", key);
	add_quoted(t, variable, value);
	strbuf_addf(&t->out, " # %s\n", variable);
}

static void add_list(struct translation *t, const struct names *names, const char *variable)
{
	strbuf_addch(&t->out, '[');
	for (size_t i = 0; i < names->count; i++) {
		strbuf_adds(&t->out, i ? ", " : "");
		add_quoted(t, variable, names->items[i]);
	}
	strbuf_addch(&t->out, ']');
}

/* --- what is sent from --- */

static bool has_name(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void read_domains(struct translation *t)
{
	static const char variable[] = "ALLOWED_SENDER_DOMAINS";
	const char *rest = get(t, variable), *word, *mistake;

	while (rest && (word = next_word(t->arena, &rest, BLANK))) {
		mistake = check_domain(word);
		if (mistake)
			wrong(t, "%s: '%s' %s", variable, word, mistake);
		else if (!has_name(&t->domains, word))
			push(t, &t->domains, word);
	}
	if (t->domains.count || (rest && diagnostics_count(t->list, SEVERITY_ERROR)))
		return;
	wrong(t, "%s is not set: it names the domains that mail may be sent from", variable);
	diagnostics_hint(t->list, "such as %s='example.com example.org'", variable);
}

static const char *key_of(struct translation *t, const char *domain)
{
	const char *path = arena_printf(t->arena, "%s/%s.private", t->from->keys, domain);

	return access(path, F_OK) == 0 ? path : NULL;
}

static void write_domains(struct translation *t)
{
	bool any = false;

	for (size_t i = 0; i < t->domains.count; i++)
		any |= key_of(t, t->domains.items[i]) != NULL;
	strbuf_adds(&t->out, "domains:\n");
	for (size_t i = 0; i < t->domains.count; i++) {
		const char *key = key_of(t, t->domains.items[i]);

		strbuf_addf(&t->out, "  \"%s\": {", t->domains.items[i]);
		if (key) {
			strbuf_adds(&t->out,
				    "dkim: {sign_at: " ENVIRONMENT_NODE ", selector: mail, key: ");
			add_quoted(t, "the folder of keys", key);
			strbuf_adds(&t->out, "}");
		} else if (any) {
			doubt(t, "mail from %s is not signed: there is no %s/%s.private",
			      t->domains.items[i], t->from->keys, t->domains.items[i]);
		}
		strbuf_adds(&t->out, "}\n");
	}
}

/* --- who may send --- */

static bool is_loopback(const struct ip_network *network)
{
	return ip_is_loopback(&network->address);
}

static void write_networks(struct translation *t)
{
	const char *variable, *word;
	const char *rest = get_either(t, "MYNETWORKS", PARAMETER "mynetworks", &variable);
	struct names all = {0}, others = {0};
	struct ip_network network;

	if (!rest)
		rest = DEFAULT_NETWORKS;
	while ((word = next_word(t->arena, &rest, BLANK ","))) {
		char *text = arena_alloc(t->arena, IP_TEXT_SIZE);

		if (ip_network_parse(word, &network) != IP_OK) {
			wrong(t, "%s: '%s' is no network in CIDR notation", variable, word);
			diagnostics_hint(t->list,
					 "write it like 10.1.2.0/24 or fd00:2::/64; names, "
					 "tables and exceptions are not understood");
			continue;
		}
		ip_network_format(&network, text);
		if (has_name(&all, text))
			continue;
		push(t, &all, text);
		if (!is_loopback(&network))
			push(t, &others, text);
	}
	if (!all.count)
		wrong(t, "%s names no network", variable);
	strbuf_adds(&t->out, "networks:\n  clients: ");
	/* loopback is trusted in any case */
	add_list(t, others.count ? &others : &all, variable);
	strbuf_addf(&t->out, " # %s\n", variable);
}

/* --- the container --- */

static void push_extra(struct translation *t, const char *name, const char *value)
{
	push(t, &t->extra, name);
	push(t, &t->extra, value);
}

/* A name without a dot is no host name in a topology: Postfix gets it all the same. */
static void write_hostname(struct translation *t)
{
	const char *variable, *name = get_either(t, PARAMETER "myhostname", "HOSTNAME", &variable);
	const char *mistake;

	if (!name) {
		name = t->from->hostname;
		variable = "HOSTNAME";
	}
	mistake = check_domain(name);
	if (mistake) {
		wrong(t, "%s: '%s' %s", variable, name, mistake);
		return;
	}
	if (strchr(name, '.')) {
		add_line(t, "hostname", name, variable);
		return;
	}
	doubt(t,
	      "%s: '%s' is not fully qualified: many servers refuse mail from a host that greets "
	      "so",
	      variable, name);
	diagnostics_hint(t->list,
			 "set HOSTNAME to the name that the public address has in the DNS");
	push_extra(t, "myhostname", name);
	if (t->domains.count)
		add_line(t, "hostname", arena_printf(t->arena, "%s.%s", name, t->domains.items[0]),
			 variable);
}

static void write_size(struct translation *t)
{
	const char *variable;
	const char *value =
		get_either(t, "MESSAGE_SIZE_LIMIT", PARAMETER "message_size_limit", &variable);

	if (!value)
		value = "0";
	if (strspn(value, "0123456789") != strlen(value))
		wrong(t, "%s: '%s' is no number of octets", variable, value);
	strbuf_addf(&t->out, "    message_size_limit: %s # %s\n", value, variable);
}

static void write_masquerade(struct translation *t)
{
	static const char variable[] = "MASQUERADED_DOMAINS";
	const char *rest = get(t, variable), *word;
	struct names names = {0};

	while (rest && (word = next_word(t->arena, &rest, BLANK ",")))
		push(t, &names, word);
	if (!names.count)
		return;
	strbuf_adds(&t->out, "    masquerade: ");
	add_list(t, &names, variable);
	strbuf_addf(&t->out, " # %s\n", variable);
}

/* Parameters that have a variable, or a key of the topology, of their own. */
static bool has_own_key(const char *name)
{
	static const char *const names[] = {"myhostname", "mynetworks", "message_size_limit",
					    "smtp_tls_security_level"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* POSTFIX_name=value, in the order of the names, as the image takes them. */
static void read_parameters(struct translation *t)
{
	struct names rows = {0};

	for (const char *const *row = t->from->variables; *row; row++)
		if (strncmp(*row, PARAMETER, strlen(PARAMETER)) == 0 && strchr(*row, '='))
			push(t, &rows, *row + strlen(PARAMETER));
	if (rows.count)
		qsort(rows.items, rows.count, sizeof(*rows.items), by_name);
	for (size_t i = 0; i < rows.count; i++) {
		size_t length = strcspn(rows.items[i], "=");
		const char *name = arena_strndup(t->arena, rows.items[i], length);
		const char *mistake = check_parameter(name);

		if (i && strncmp(rows.items[i - 1], rows.items[i], length + 1) == 0)
			wrong(t, PARAMETER "%s stands in the environment twice", name);
		else if (mistake)
			wrong(t, PARAMETER "%s: '%s' %s", name, name, mistake);
		else if (!has_own_key(name))
			push_extra(t, name, rows.items[i] + length + 1);
	}
}

static void write_extra(struct translation *t)
{
	if (t->extra.count)
		strbuf_adds(&t->out, "    extra:\n");
	for (size_t i = 0; i < t->extra.count; i += 2) {
		const char *variable = arena_printf(t->arena, PARAMETER "%s", t->extra.items[i]);

		strbuf_addf(&t->out, "      %s: ", t->extra.items[i]);
		add_quoted(t, variable, t->extra.items[i + 1]);
		strbuf_addch(&t->out, '\n');
	}
}

/* --- the way out --- */

static bool is_level(const char *level, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(level, *words) == 0)
			return true;
	return false;
}

/* The TLS level that was asked for, or NULL. */
static const char *read_level(struct translation *t)
{
	const char *variable;
	const char *level = get_either(t, "RELAYHOST_TLS_LEVEL",
				       PARAMETER "smtp_tls_security_level", &variable);

	if (!level || is_level(level, tls_level_words))
		return level;
	wrong(t, "%s: '%s' is no TLS level of Postfix", variable, level);
	diagnostics_hint(t->list, "there are: none, may, dane, encrypt, dane-only, verify, secure");
	return NULL;
}

/* Where the password is: with a user name and a password only, the image logs in. */
static void write_login(struct translation *t)
{
	const char *user = get(t, "RELAYHOST_USERNAME"), *file = get(t, "RELAYHOST_PASSWORD_FILE");
	bool password = get(t, "RELAYHOST_PASSWORD") != NULL;

	if (password && file)
		wrong(t,
		      "RELAYHOST_PASSWORD and RELAYHOST_PASSWORD_FILE are both set: one place is "
		      "enough");
	if (!user != (!password && !file)) {
		doubt(t, "a user name and a password for RELAYHOST come together: with one of them "
			 "nobody logs in");
		return;
	}
	if (!user)
		return;
	strbuf_adds(&t->out, "    credentials:\n      username: ");
	add_quoted(t, "RELAYHOST_USERNAME", user);
	strbuf_adds(&t->out, "\n      password: ");
	if (file) {
		strbuf_adds(&t->out, "{file: ");
		add_quoted(t, "RELAYHOST_PASSWORD_FILE", file);
		strbuf_adds(&t->out, "}\n");
	} else {
		strbuf_adds(&t->out, "{env: RELAYHOST_PASSWORD}\n");
	}
}

static bool has_login(const struct translation *t)
{
	return get(t, "RELAYHOST_USERNAME") &&
	       (get(t, "RELAYHOST_PASSWORD") || get(t, "RELAYHOST_PASSWORD_FILE"));
}

/* Without a level the image is content with clear text; with a login we are not. */
static void write_smarthost(struct translation *t, const char *level)
{
	const char *value = get(t, "RELAYHOST");
	struct relayhost host;
	const char *mistake = relayhost_parse(t->arena, value, &host);

	if (mistake) {
		wrong(t, "RELAYHOST: '%s' %s", value, mistake);
		return;
	}
	strbuf_adds(&t->out, "  smarthost:\n    kind: smarthost\n");
	add_line(t, "host", host.host, "RELAYHOST");
	if (host.mx)
		strbuf_adds(&t->out, "    lookup: mx\n");
	strbuf_addf(&t->out, "    port: %u\n", host.port);
	add_line(t, "tls_level",
		 level		? level
		 : has_login(t) ? "encrypt"
				: "may",
		 "RELAYHOST_TLS_LEVEL");
	write_login(t);
}

static void write_route(struct translation *t)
{
	strbuf_adds(&t->out, "routes:\n  - {name: outbound, from: ");
	add_list(t, &t->domains, "ALLOWED_SENDER_DOMAINS");
	strbuf_addf(&t->out, ", path: [" ENVIRONMENT_NODE ", %s]}\n",
		    get(t, "RELAYHOST") ? "smarthost" : "internet");
}

/* --- all of it --- */

/* Later versions of the image have these; who sets one must know that nothing comes of it. */
static void warn_of_others(struct translation *t)
{
	static const char *const names[] = {"ALLOW_EMPTY_SENDER_DOMAINS",
					    "ANONYMIZE_EMAILS",
					    "DKIM_AUTOGENERATE",
					    "DKIM_SELECTOR",
					    "SASL_RELAYHOST",
					    "SMTPD_SASL_USERS",
					    "SMTP_HEADER_CHECKS",
					    "XOAUTH2_CLIENT_ID",
					    "XOAUTH2_SECRET",
					    "RELAYHOST_USE_TLS",
					    "POSTFIX_EXTRAS_SETTINGS"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (get(t, names[i]))
			doubt(t, "%s has no meaning here", names[i]);
	if (!get(t, "RELAYHOST") && has_login(t))
		doubt(t, "there is a login for RELAYHOST, which is not set");
}

static void write_node(struct translation *t, const char *level)
{
	strbuf_adds(&t->out, "nodes:\n  " ENVIRONMENT_NODE ":\n    kind: postfix\n"
			     "    deployment: container\n");
	write_hostname(t);
	strbuf_adds(&t->out, "    clients: clients\n    allowed_sender_domains: ");
	add_list(t, &t->domains, "ALLOWED_SENDER_DOMAINS");
	strbuf_adds(&t->out, " # ALLOWED_SENDER_DOMAINS\n");
	write_masquerade(t);
	write_size(t);
	read_parameters(t);
	if (get(t, "INBOUND_DEBUGGING"))
		push_extra(t, "debug_peer_list", "$mynetworks");
	if (level && !get(t, "RELAYHOST") && strcmp(level, tls_level_words[TLS_MAY]) != 0)
		push_extra(t, "smtp_tls_security_level", level);
	write_extra(t);
}

const char *environment_topology(struct arena *arena, const struct environment *environment,
				 struct diagnostics *list)
{
	struct translation t = {.arena = arena, .list = list, .from = environment};
	const char *level, *result;

	read_domains(&t);
	level = read_level(&t);
	strbuf_adds(&t.out, "# What the environment of the container amounts to.\npostern: 1\n");
	write_domains(&t);
	write_networks(&t);
	write_node(&t, level);
	if (get(&t, "RELAYHOST"))
		write_smarthost(&t, level);
	write_route(&t);
	warn_of_others(&t);
	result = diagnostics_count(list, SEVERITY_ERROR) ? NULL : arena_strdup(arena, t.out.text);
	strbuf_done(&t.out);
	return result;
}
