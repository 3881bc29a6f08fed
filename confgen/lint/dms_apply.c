/* docker-mailserver's configuration with overrides applied; see dms_overrides.h. */
#include "common/strbuf.h"
#include "confgen/lint/dms_overrides.h"

#include <string.h>

/* Its services and their programs, with those that older releases had. */
static const struct {
	const char *name, *daemon;
} services[] = {
	{"smtp/inet", "postscreen"},
	{"smtpd/pass", "smtpd"},
	{"tlsproxy/unix", "tlsproxy"},
	{"dnsblog/unix", "dnsblog"},
	{"submission/inet", "smtpd"},
	{"submissions/inet", "smtpd"},
	{"smtps/inet", "smtpd"},
	{"pickup/fifo", "pickup"},
	{"pickup/unix", "pickup"},
	{"sender-cleanup/unix", "cleanup"},
	{"cleanup/unix", "cleanup"},
	{"qmgr/unix", "qmgr"},
	{"tlsmgr/unix", "tlsmgr"},
	{"rewrite/unix", "trivial-rewrite"},
	{"bounce/unix", "bounce"},
	{"defer/unix", "bounce"},
	{"trace/unix", "bounce"},
	{"verify/unix", "verify"},
	{"flush/unix", "flush"},
	{"proxymap/unix", "proxymap"},
	{"proxywrite/unix", "proxymap"},
	{"smtp/unix", "smtp"},
	{"relay/unix", "smtp"},
	{"showq/unix", "showq"},
	{"error/unix", "error"},
	{"retry/unix", "error"},
	{"discard/unix", "discard"},
	{"local/unix", "local"},
	{"virtual/unix", "virtual"},
	{"lmtp/unix", "lmtp"},
	{"anvil/unix", "anvil"},
	{"scache/unix", "scache"},
	{"postlog/unix-dgram", "postlogd"},
	{"maildrop/unix", "pipe"},
	{"smtp-amavis/unix", "smtp"},
	{"127.0.0.1:10025/inet", "smtpd"},
	{"policyd-spf/unix", "spawn"},
};

#define SERVICE_COUNT (sizeof(services) / sizeof(*services))

const char *dms_daemon(const char *service, const char *type)
{
	size_t length = strlen(service);

	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (strncmp(services[i].name, service, length) == 0 &&
		    services[i].name[length] == '/' &&
		    strcmp(services[i].name + length + 1, type) == 0)
			return services[i].daemon;
	return NULL;
}

const char *const *dms_services(size_t *count)
{
	static const char *names[SERVICE_COUNT];

	for (size_t i = 0; i < SERVICE_COUNT; i++)
		names[i] = services[i].name;
	*count = SERVICE_COUNT;
	return names;
}

static unsigned count_lines(const struct source *source)
{
	unsigned lines = 0;

	for (size_t i = 0; i < source->length; i++)
		lines += source->text[i] == '\n';
	return lines + (source->length && source->text[source->length - 1] != '\n');
}

/* main.cf: the override behind the stock. */
static void apply_main(struct arena *arena, struct dms_applied *applied)
{
	const struct source *stock = applied->stock_main, *own = applied->overrides->main_cf;
	bool feed = stock->length && stock->text[stock->length - 1] != '\n';
	char *text = arena_array(arena, stock->length + (own ? own->length : 0) + 2, 1);
	size_t length = stock->length;

	memcpy(text, stock->text, length);
	if (feed)
		text[length++] = '\n';
	if (own) {
		memcpy(text + length, own->text, own->length);
		length += own->length;
	}
	applied->main_lines = count_lines(stock);
	applied->main_cf = (struct source){stock->name, text, length};
}

struct lines {
	struct position *items;
	size_t count;
};

static void add_line(struct arena *arena, struct strbuf *out, struct lines *lines,
		     struct position at, const char *text, size_t length)
{
	*arena_push(arena, lines) = at;
	strbuf_add(out, text, length);
	strbuf_addch(out, '\n');
}

/* The options that the overrides give the service that begins in this line. */
static void add_options(struct arena *arena, struct strbuf *out, struct lines *lines,
			const struct dms_overrides *overrides, const struct service *service)
{
	for (size_t i = 0; service && i < overrides->master.count; i++) {
		const struct dms_setting *setting = &overrides->master.items[i];
		const char *option;

		if (setting->kind != DMS_SETTING ||
		    !text_equal(&service->fields[SERVICE_NAME], setting->service.text) ||
		    !text_equal(&service->fields[SERVICE_TYPE], setting->type.text))
			continue;
		option = arena_printf(arena, "  -o %s=%s", setting->name.text, setting->value.text);
		add_line(arena, out, lines, text_position(&setting->line), option, strlen(option));
	}
}

/* The service that begins in a line, or NULL. */
static const struct service *service_at(const struct master_cf *master, unsigned line)
{
	for (size_t i = 0; i < master->count; i++)
		if (!master->items[i]->overridden &&
		    text_position(&master->items[i]->fields[SERVICE_NAME]).line == line)
			return master->items[i];
	return NULL;
}

/*
 * master.cf: options follow those of the entry, because the last one wins. Comments within an entry
 * do not end it, so they go in front of the next.
 */
static void apply_master(struct arena *arena, struct dms_applied *applied)
{
	const struct source *stock = applied->stock_master;
	struct diagnostics *ignored = diagnostics_new(arena);
	struct master_cf master = {0};
	struct lines lines = {0};
	struct strbuf out = {0};
	const struct service *service = NULL;
	unsigned line = 0;

	master_cf_parse(arena, stock, ignored, &master);
	for (size_t at = 0; at < stock->length; line++) {
		const char *start = stock->text + at;
		const char *feed = memchr(start, '\n', stock->length - at);
		size_t length = feed ? (size_t)(feed - start) : stock->length - at;
		bool begins = length && *start != '#' && !text_is_space(*start);

		if (begins) {
			add_options(arena, &out, &lines, applied->overrides, service);
			service = service_at(&master, line + 1);
		}
		add_line(arena, &out, &lines, (struct position){stock, line + 1, 1}, start, length);
		at += length + 1;
	}
	add_options(arena, &out, &lines, applied->overrides, service);
	applied->master_cf = (struct source){
		stock->name, arena_strndup(arena, strbuf_text(&out), out.length), out.length};
	applied->master_at = lines.items;
	applied->master_count = lines.count;
	strbuf_done(&out);
}

struct dms_applied *dms_overrides_apply(struct arena *arena, const struct dms_overrides *overrides,
					const struct source *main_cf,
					const struct source *master_cf)
{
	struct dms_applied *applied = arena_alloc(arena, sizeof(*applied));

	applied->overrides = overrides;
	applied->stock_main = main_cf;
	applied->stock_master = master_cf;
	apply_main(arena, applied);
	apply_master(arena, applied);
	return applied;
}

struct position dms_applied_position(const struct dms_applied *applied, struct position at)
{
	if (at.source == &applied->main_cf && at.line) {
		bool own = at.line > applied->main_lines;

		return (struct position){own ? applied->overrides->main_cf : applied->stock_main,
					 own ? at.line - applied->main_lines : at.line, at.column};
	}
	if (at.source == &applied->master_cf && at.line && at.line <= applied->master_count) {
		struct position found = applied->master_at[at.line - 1];

		if (found.source == applied->stock_master)
			found.column = at.column;
		return found;
	}
	return at;
}
