/*
 * Gives the settings of postern-gate.conf their meaning, by a table with a row for each, and checks
 * what depends on several of them; see config.h.
 */
#include "gate/config.h"
#include "common/config_value.h"
#include "common/suggest.h"
#include "gate/config_value.h"

#include <ctype.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DEFAULT_USER "postfix"

#define LONGEST_SOCKET_PATH (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

#define mistake(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_ERROR, NULL, at, __VA_ARGS__)
#define caution(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_WARNING, NULL, at, __VA_ARGS__)

enum refusal { REFUSE_CLOSE, REFUSE_421, REFUSE_554 };

/* What the file says of a listener beside the listener itself: needed until all is checked. */
struct given {
	enum refusal refusal;
	const char *reply; /* without its code */
	struct position proxied_at, direct_at, refuse_at, reply_at, trusted_at;
	bool trusted;
};

struct reader {
	struct arena *arena;
	struct diagnostics *list;
	struct gate_config *config;
	struct given *given; /* one for each listener */
	struct position user_at, metrics_at;
};

/* Takes one value. `listener` and `given` are NULL outside of a section. */
typedef void (*set_function)(struct reader *reader, const struct setting *setting,
			     struct gate_listener *listener, struct given *given);

/* The index of a value in a list of words; adds a mistake and gives `count` if it is none. */
static size_t read_word(struct reader *reader, const struct setting *setting,
			const char *const *words, size_t count, const char *choice)
{
	const char *nearest = suggest(setting->value, words, count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(setting->value, words[i]) == 0)
			return i;
	mistake(reader, setting->at, "%s is '%s': it can be %s", setting->name, setting->value,
		choice);
	if (nearest)
		diagnostics_hint(reader->list, "did you mean '%s'?", nearest);
	return count;
}

#define SETTER(name)                                                             \
	static void name(struct reader *reader, const struct setting *setting,   \
			 __attribute__((unused)) struct gate_listener *listener, \
			 __attribute__((unused)) struct given *given)

SETTER(set_version)
{
	version_read(setting, reader->list);
}

SETTER(set_user)
{
	reader->config->user = setting->value;
	reader->user_at = setting->at;
}

SETTER(set_chroot)
{
	if (path_read(reader->arena, setting, reader->list, &reader->config->chroot) &&
	    reader->config->chroot[1] == '\0')
		reader->config->chroot = NULL;
}

SETTER(set_metrics)
{
	reader->metrics_at = setting->at;
	path_read(reader->arena, setting, reader->list, &reader->config->metrics);
}

SETTER(set_log)
{
	static const char *const words[] = {[LOG_TO_STDERR] = "stderr", [LOG_TO_SYSLOG] = "syslog"};
	size_t word = read_word(reader, setting, words, 2, "syslog or stderr");

	if (word < 2)
		reader->config->log = (enum log_target)word;
}

SETTER(set_wait)
{
	number_read(setting, reader->list, 1, 300, &reader->config->wait_seconds);
}

SETTER(set_hand_over)
{
	number_read(setting, reader->list, 1, 3600, &reader->config->hand_over_seconds);
}

SETTER(set_queue_limit)
{
	number_read(setting, reader->list, 1, 100000, &reader->config->queue_limit);
}

SETTER(add_address)
{
	struct listen_address address;

	if (setting->value && listen_address_read(setting, reader->list, &address)) {
		listener->addresses =
			arena_grow(reader->arena, listener->addresses, listener->address_count,
				   sizeof(*listener->addresses));
		listener->addresses[listener->address_count++] = address;
	}
}

SETTER(add_trusted)
{
	struct ip_network network;

	given->trusted_at = setting->at;
	given->trusted = true;
	if (!setting->value || !network_read(setting, reader->list, &network))
		return;
	if (ip_unmap(network.address).family != network.address.family) {
		mistake(reader, setting->at, "'%s' is an IPv4 address in IPv6 form",
			setting->value);
		diagnostics_hint(reader->list, "write it as IPv4: peers are compared that way");
		return;
	}
	if (network.prefix == 0)
		caution(reader, setting->at,
			"%s is every address there is: anybody may claim to be anybody",
			setting->value);
	listener->trusted = arena_grow(reader->arena, listener->trusted, listener->trusted_count,
				       sizeof(*listener->trusted));
	listener->trusted[listener->trusted_count++] = network;
}

SETTER(set_proxied)
{
	given->proxied_at = setting->at;
	path_read(reader->arena, setting, reader->list, &listener->proxied_service);
}

SETTER(set_direct)
{
	given->direct_at = setting->at;
	path_read(reader->arena, setting, reader->list, &listener->direct_service);
}

SETTER(set_refuse)
{
	static const char *const words[] = {"close", "421", "554"};
	size_t word = read_word(reader, setting, words, 3, "close, 421 or 554");

	given->refuse_at = setting->at;
	if (word < 3)
		given->refusal = (enum refusal)word;
}

SETTER(set_reply)
{
	given->reply_at = setting->at;
	if (reply_text_read(setting, reader->list))
		given->reply = setting->value;
}

enum arity { ONE, MANY };

struct row {
	const char *name;
	enum arity arity;
	set_function set;
};

static const struct row rows[] = {
	{"postern", ONE, set_version},
	{"user", ONE, set_user},
	{"chroot", ONE, set_chroot},
	{"log", ONE, set_log},
	{"metrics", ONE, set_metrics},
	{"wait_seconds", ONE, set_wait},
	{"hand_over_seconds", ONE, set_hand_over},
	{"queue_limit", ONE, set_queue_limit},
};

static const struct row listener_rows[] = {
	{"addresses", MANY, add_address},      {"trusted_proxies", MANY, add_trusted},
	{"proxied_service", ONE, set_proxied}, {"direct_service", ONE, set_direct},
	{"refuse", ONE, set_refuse},	       {"reply", ONE, set_reply},
};

#define ROWS	      (sizeof(rows) / sizeof(rows[0]))
#define LISTENER_ROWS (sizeof(listener_rows) / sizeof(listener_rows[0]))

static const struct row *find_row(const struct setting *setting)
{
	const struct row *table = setting->section ? listener_rows : rows;
	size_t count = setting->section ? LISTENER_ROWS : ROWS;

	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, setting->name) == 0)
			return &table[i];
	return NULL; /* an unknown name, reported already */
}

static struct gate_listener *find_listener(struct gate_config *config, const char *name)
{
	for (size_t i = 0; name && i < config->listener_count; i++)
		if (strcasecmp(config->listeners[i].name, name) == 0)
			return &config->listeners[i];
	return NULL;
}

static void apply(struct reader *reader, const struct settings *settings, size_t index)
{
	const struct setting *setting = &settings->items[index];
	const struct row *row = find_row(setting);
	struct gate_listener *listener =
		setting->section ? find_listener(reader->config, setting->section->title) : NULL;

	if (!row || (setting->section && !listener))
		return;
	if (setting->first && settings_given_before(settings, index))
		mistake(reader, setting->at, "%s is given twice", setting->name);
	else if (row->arity == ONE && (!setting->first || !setting->value))
		mistake(reader, setting->at, "%s takes one value", setting->name);
	else
		row->set(reader, setting, listener,
			 listener ? &reader->given[listener - reader->config->listeners] : NULL);
}

static void add_listeners(struct reader *reader, const struct settings *settings)
{
	struct gate_config *config = reader->config;
	size_t count = settings->sections.count;

	config->listeners = arena_array(reader->arena, count, sizeof(*config->listeners));
	reader->given = arena_array(reader->arena, count, sizeof(*reader->given));
	for (size_t i = 0; i < count; i++) {
		const struct section *section = settings->sections.items[i];
		struct given given = {.refusal = REFUSE_421, .trusted_at = section->at};

		if (!listener_name_read(section->title, section->at, reader->list))
			continue;
		if (find_listener(config, section->title)) {
			mistake(reader, section->at, "listener %s is given twice", section->title);
			continue;
		}
		reader->given[config->listener_count] = given;
		config->listeners[config->listener_count++] =
			(struct gate_listener){.name = section->title, .at = section->at};
	}
}

const char *gate_config_inside(const char *chroot, const char *path)
{
	size_t length = chroot ? strlen(chroot) : 0;

	if (strncmp(path, chroot ? chroot : "", length) != 0 || path[length] != '/')
		return NULL;
	return path + length;
}

static void check_service(struct reader *reader, const char *path, struct position at)
{
	const char *chroot = reader->config->chroot;
	const char *inside = path ? gate_config_inside(chroot, path) : NULL;
	struct stat status;

	if (!path)
		return;
	if (!inside)
		mistake(reader, at, "%s does not lie below chroot %s", path, chroot);
	else if (strlen(inside) > LONGEST_SOCKET_PATH)
		mistake(reader, at, "the path of the socket is longer than %zu octets",
			LONGEST_SOCKET_PATH);
	else if (stat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
		caution(reader, at, "%s is no socket", path);
}

static void make_reply(struct reader *reader, struct gate_listener *listener,
		       const struct given *given)
{
	static const char *const codes[] = {[REFUSE_421] = "421", [REFUSE_554] = "554"};
	static const char *const texts[] = {[REFUSE_421] = "4.3.2 Service not available here",
					    [REFUSE_554] = "5.7.1 Access denied"};
	const char *text = given->reply ? given->reply : texts[given->refusal], *code;

	if (given->refusal == REFUSE_CLOSE || listener->direct_service) {
		if (given->reply)
			caution(reader, given->reply_at, "reply is never sent: %s",
				listener->direct_service ? "direct_service takes every connection"
							 : "refuse is close");
		if (listener->direct_service && given->refuse_at.line)
			caution(reader, given->refuse_at,
				"nobody is refused: direct_service takes every connection");
		return;
	}
	code = codes[given->refusal];
	if (isdigit((unsigned char)text[0]) && text[1] == '.' && text[0] != code[0])
		mistake(reader, given->reply_at, "reply begins with %c., which does not go with %s",
			text[0], code);
	listener->reply = arena_printf(reader->arena, "%s %s\r\n", code, text);
}

static void check_listener(struct reader *reader, struct gate_listener *listener,
			   const struct given *given, bool complete)
{
	if (complete && !listener->proxied_service && !given->proxied_at.line)
		mistake(reader, listener->at, "listener %s has no proxied_service", listener->name);
	if (complete && !given->trusted)
		mistake(reader, listener->at, "listener %s has no trusted_proxies", listener->name);
	else if (complete && listener->trusted_count == 0 &&
		 diagnostics_count(reader->list, SEVERITY_ERROR) == 0)
		caution(reader, given->trusted_at, "trusted_proxies is empty: no proxy is let in");
	check_service(reader, listener->proxied_service, given->proxied_at);
	check_service(reader, listener->direct_service, given->direct_at);
	if (listener->proxied_service && listener->direct_service &&
	    strcmp(listener->proxied_service, listener->direct_service) == 0)
		mistake(reader, given->direct_at,
			"direct_service is the service that believes PROXY headers: every client "
			"could forge one");
	make_reply(reader, listener, given);
}

bool listen_address_equal(const struct listen_address *a, const struct listen_address *b)
{
	return a->port == b->port && a->dual == b->dual && ip_equal(&a->address, &b->address);
}

char *listen_address_format(const struct listen_address *address, char *text)
{
	char ip[IP_TEXT_SIZE];

	if (address->dual)
		snprintf(text, LISTEN_ADDRESS_SIZE, "*:%u", address->port);
	else
		snprintf(text, LISTEN_ADDRESS_SIZE,
			 address->address.family == IP_V6 ? "[%s]:%u" : "%s:%u",
			 ip_format(&address->address, ip), address->port);
	return text;
}

/* Whether the kernel would refuse to listen on both. */
static bool collide(const struct listen_address *a, const struct listen_address *b)
{
	if (a->port != b->port)
		return false;
	if (a->dual || b->dual)
		return true;
	return a->address.family == b->address.family &&
	       (ip_is_unspecified(&a->address) || ip_is_unspecified(&b->address) ||
		ip_equal(&a->address, &b->address));
}

/* Compares an address with all that stand before it in the file. */
static void check_address(struct reader *reader, size_t listener, size_t index)
{
	const struct gate_config *config = reader->config;
	const struct listen_address *address = &config->listeners[listener].addresses[index];
	char text[LISTEN_ADDRESS_SIZE], other_text[LISTEN_ADDRESS_SIZE];

	for (size_t i = 0; i <= listener; i++) {
		size_t count = i == listener ? index : config->listeners[i].address_count;

		for (size_t j = 0; j < count; j++) {
			const struct listen_address *other = &config->listeners[i].addresses[j];

			if (!collide(address, other))
				continue;
			mistake(reader, address->at, "%s collides with %s of line %u",
				listen_address_format(address, text),
				listen_address_format(other, other_text), other->at.line);
			return;
		}
	}
}

static void check(struct reader *reader, const struct source *source, bool complete, bool find_user)
{
	struct gate_config *config = reader->config;

	for (size_t i = 0; i < config->listener_count; i++) {
		check_listener(reader, &config->listeners[i], &reader->given[i], complete);
		for (size_t j = 0; j < config->listeners[i].address_count; j++)
			check_address(reader, i, j);
	}
	if (complete && config->listener_count == 0 &&
	    diagnostics_count(reader->list, SEVERITY_ERROR) == 0)
		mistake(reader, ((struct position){source, 0, 0}), "has no listener section");
	if (config->metrics && !gate_config_inside(config->chroot, config->metrics))
		mistake(reader, reader->metrics_at, "%s does not lie below chroot %s",
			config->metrics, config->chroot);
	if (find_user && (complete || reader->user_at.line))
		user_find(config->user, reader->user_at, reader->list, &config->uid, &config->gid);
}

void gate_config_read(struct arena *arena, const struct source *source, bool find_user,
		      struct diagnostics *list, struct gate_config *out)
{
	static const char *names[ROWS + 1], *listener_names[LISTENER_ROWS + 1];
	const struct section_kind kind = {.name = "listener", .names = listener_names};
	const struct vocabulary vocabulary = {names, &kind, 1};
	const struct position file = {source, 0, 0};
	struct gate_config config = {
		.user = DEFAULT_USER,
		.log = LOG_TO_SYSLOG,
		.wait_seconds = 10,
		.hand_over_seconds = 100,
		.queue_limit = 1000,
	};
	struct reader reader = {.arena = arena,
				.list = list,
				.config = &config,
				.user_at = file,
				.metrics_at = file};
	struct settings settings;

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	for (size_t i = 0; i < LISTENER_ROWS; i++)
		listener_names[i] = listener_rows[i].name;
	settings_read(arena, source, &vocabulary, list, &settings);
	add_listeners(&reader, &settings);
	for (size_t i = 0; i < settings.count; i++)
		apply(&reader, &settings, i);
	check(&reader, source, settings.complete, find_user);
	*out = config;
}
