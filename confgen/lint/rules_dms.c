/* docker-mailserver's override files; the rows are in rows_dms.h. */
#include "common/strbuf.h"
#include "common/suggest.h"
#include "confgen/lint/dms_overrides.h"
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/rules.h"

#include <sys/stat.h>

/* What all the rules need. */
struct judge {
	struct lint lint;
	const struct dms_overrides *overrides;
};

static void report(const struct judge *judge, const char *id, struct position at,
		   const char *message)
{
	lint_report(&judge->lint, lint_rule_find(id), at, "%s", message);
}

#define PRINTED(judge, ...) arena_printf((judge)->lint.arena, __VA_ARGS__)

static void judge_known(const struct judge *judge, const struct dms_setting *setting)
{
	const char *full = PRINTED(judge, "%s/%s", setting->service.text, setting->type.text);
	const char *daemon = dms_daemon(setting->service.text, setting->type.text);
	const struct parameter *parameter = parameter_find(setting->name.text);
	size_t count;
	const char *const *names = dms_services(&count);
	const char *near = suggest(full, names, count);

	if (!daemon) {
		report(judge, "D02", text_position(&setting->line),
		       PRINTED(judge, "docker-mailserver has no service '%s'", full));
		if (near)
			diagnostics_hint(judge->lint.list, "did you mean '%s'?", near);
		else
			diagnostics_hint(judge->lint.list, "only services that are there can be "
							   "set; user-patches.sh can make one with "
							   "postconf -M");
		return;
	}
	if (!parameter || !parameter->daemons || parameter_read_by(parameter, daemon))
		return;
	report(judge, "D09", text_position(&setting->name),
	       PRINTED(judge, "'%s' runs %s(8), which does not read '%s'", full, daemon,
		       setting->name.text));
	if (strncmp(setting->name.text, "smtp_", 5) == 0)
		diagnostics_hint(judge->lint.list, "what sends mail is smtp/unix and relay/unix");
	else if (strcmp(daemon, "postscreen") == 0)
		diagnostics_hint(judge->lint.list, "behind port 25, smtpd(8) is smtpd/pass");
	else
		diagnostics_hint(judge->lint.list, "set it where it is read, or delete it");
}

/* In lists a comma is as good as white space. */
static void fix_space(const struct judge *judge, const struct dms_setting *setting)
{
	const struct parameter *parameter = parameter_find(setting->name.text);
	enum parameter_kind kind = parameter ? parameter->kind : PARAMETER_STRING;
	struct list list = list_split(judge->lint.arena, &setting->value);
	const char *value = "";

	if ((kind != PARAMETER_RESTRICTIONS && kind != PARAMETER_LIST &&
	     kind != PARAMETER_PATTERNS && kind != PARAMETER_TABLES) ||
	    strpbrk(setting->value.text, "{}\"'#"))
		return;
	for (size_t i = 0; i < list.count; i++)
		value = PRINTED(judge, "%s%s%s%s", value, i ? "," : "",
				list.items[i].negated ? "!" : "", list.items[i].text.text);
	lint_fix(&judge->lint, &setting->value, value);
}

static void judge_master(const struct judge *judge)
{
	for (size_t i = 0; i < judge->overrides->master.count; i++) {
		const struct dms_setting *setting = &judge->overrides->master.items[i];
		struct position at = text_position(&setting->line);

		switch (setting->kind) {
		case DMS_SPACE:
			report(judge, "D01", text_position(&setting->value),
			       "postconf -P takes no white space in a value, and sets nothing");
			diagnostics_hint(judge->lint.list,
					 "write commas; or define NAME = ... in postfix-main.cf, "
					 "and use $NAME here");
			fix_space(judge, setting);
			judge_known(judge, setting);
			break;
		case DMS_SKIPPED:
			report(judge, "D02", at,
			       "docker-mailserver passes over lines that do not begin with a "
			       "small letter or a digit");
			diagnostics_hint(judge->lint.list, "write service/type/parameter=value");
			break;
		case DMS_BROKEN:
			report(judge, "D02", at, "this sets nothing");
			diagnostics_hint(judge->lint.list, "write service/type/parameter=value");
			break;
		case DMS_SETTING:
			judge_known(judge, setting);
			break;
		}
	}
}

/* A line of a text, from `*at` on, as it is; false at the end. */
static bool next(struct arena *arena, const struct source *source, size_t *at, unsigned *number,
		 const char **line)
{
	const char *start = source->text + *at, *feed;
	size_t left = source->length - *at;

	if (!left)
		return false;
	feed = memchr(start, '\n', left);
	*line = arena_strndup(arena, start, feed ? (size_t)(feed - start) : left);
	*at += feed ? (size_t)(feed - start) + 1 : left;
	++*number;
	return true;
}

static bool appends(const char *line)
{
	const char *to = strstr(line, ">>"), *tee = strstr(line, "tee -a");

	line += strspn(line, " \t");
	if (*line == '#' || (!to && !tee))
		return false;
	to = to ? to + 2 : tee + 6;
	to += strspn(to, " \t\"'");
	return strncmp(to, "/etc/", 5) == 0;
}

/* A grep on the line, or shortly before, is taken for a look whether it was done already. */
static void judge_patches(const struct judge *judge)
{
	const struct source *source = judge->overrides->patches;
	unsigned number = 0, looked = 0;
	size_t at = 0;
	const char *line;

	while (source && next(judge->lint.arena, source, &at, &number, &line)) {
		if (strstr(line, "grep") || strstr(line, "[[ -f") || strstr(line, "[ -f") ||
		    strstr(line, "[[ ! -f"))
			looked = number;
		if (!appends(line) || (looked && number - looked < 8))
			continue;
		report(judge, "D03", (struct position){source, number, 1},
		       "each start of the container adds it once more");
		diagnostics_hint(judge->lint.list,
				 "use postconf, or ask grep first whether it is there; for main.cf "
				 "there is postfix-main.cf");
	}
}

/* Whether the line of an environment gives `name` a value: NAME=value, - NAME=value, NAME: value */
static bool gives(const char *line, const char *name)
{
	size_t length = strlen(name);

	line += strspn(line, " \t-\"'");
	if (strncmp(line, name, length) != 0 || (line[length] != '=' && line[length] != ':'))
		return false;
	line += length + 1;
	line += strspn(line, " \t\"'\r");
	return *line && *line != '#';
}

static void judge_environment(const struct judge *judge)
{
	const struct source *source = judge->overrides->environment;
	unsigned number = 0, relay = 0, usual = 0;
	size_t at = 0;
	const char *line;

	while (source && next(judge->lint.arena, source, &at, &number, &line)) {
		if (gives(line, "RELAY_HOST"))
			relay = number;
		if (gives(line, "DEFAULT_RELAY_HOST"))
			usual = number;
	}
	if (!relay || !usual)
		return;
	report(judge, "D04", (struct position){source, usual, 1},
	       PRINTED(judge, "RELAY_HOST of line %u wins for all domains that are managed here",
		       relay));
	diagnostics_hint(judge->lint.list, "use one of them");
}

/* Whether something makes the index of a table. */
static bool is_indexed(const struct judge *judge, const struct table *table)
{
	const char *path = table->name.text, *base = strrchr(path, '/');
	struct stat status;

	if (judge->overrides->patches && strstr(judge->overrides->patches->text, "postmap"))
		return true;
	return judge->overrides->folder && base &&
	       stat(PRINTED(judge, "%s%s%s", judge->overrides->folder, base, table->type->index),
		    &status) == 0;
}

static void judge_tables(const struct judge *judge)
{
	for (size_t i = 0; i < judge->overrides->main.count; i++) {
		const struct assignment *set = judge->overrides->main.items[i];
		struct list list = list_split(judge->lint.arena, &set->value);

		for (size_t j = 0; j < list.count && !set->overridden; j++) {
			struct table *table;

			if (list.items[j].kind != LIST_ITEM_TABLE)
				continue;
			table = table_parse(judge->lint.arena, &list.items[j].text, NULL);
			while (table->type && table->type->prefix && table->parts.count)
				table = table->parts.items[0];
			if (!table->type || !table->type->source || !table->type->index ||
			    strstr(table->name.text, "aliases") || table->name.text[0] != '/' ||
			    strncmp(table->name.text, "/var/", 5) == 0 || is_indexed(judge, table))
				continue;
			report(judge, "D05", text_position(&list.items[j].text),
			       PRINTED(judge, "nothing makes '%s%s': mail waits", table->name.text,
				       table->type->index));
			diagnostics_hint(judge->lint.list,
					 "write texthash:%s, which needs no index; or run postmap "
					 "in user-patches.sh",
					 table->name.text);
		}
	}
}

static void fix_line_ends(const struct judge *judge, const struct source *source)
{
	struct strbuf buf = STRBUF_INIT;

	for (size_t i = 0; i < source->length; i++)
		if (source->text[i] != '\r' || source->text[i + 1] != '\n')
			strbuf_addch(&buf, source->text[i]);
	diagnostics_fix(
		judge->lint.list,
		&(struct fix){source, 0, source->length,
			      arena_strndup(judge->lint.arena, strbuf_text(&buf), buf.length)});
	strbuf_done(&buf);
}

static void judge_line_ends(const struct judge *judge)
{
	const struct source *const sources[] = {
		judge->overrides->main_cf, judge->overrides->master_cf, judge->overrides->patches,
		judge->overrides->relaymap_cf, judge->overrides->passwords_cf};
	const struct source *master = judge->overrides->master_cf;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (!sources[i] || !strstr(sources[i]->text, "\r\n"))
			continue;
		report(judge, "D06", (struct position){sources[i], 1, 1},
		       "lines end with a carriage return, which becomes part of values");
		diagnostics_hide_source(judge->lint.list);
		diagnostics_hint(judge->lint.list, "dos2unix, or sed -i 's/\\r$//'");
		if (sources[i] != judge->overrides->passwords_cf)
			fix_line_ends(judge, sources[i]);
	}
	if (master && master->length && master->text[master->length - 1] != '\n') {
		unsigned lines = 1;

		for (const char *at = master->text; (at = strchr(at, '\n')); at++)
			lines++;
		report(judge, "D06", (struct position){master, lines, 1},
		       "the last line is not read: no line feed ends it");
		diagnostics_hint(judge->lint.list, "end it with a line feed");
		diagnostics_fix(judge->lint.list, &(struct fix){master, master->length, 0, "\n"});
	}
}

static void judge_relays(const struct judge *judge)
{
	const struct dms_overrides *overrides = judge->overrides;
	const struct assignment *usual =
		overrides->main.count ? main_cf_find(&overrides->main, "relayhost") : NULL;
	bool null = false;
	size_t relays = 0;

	for (size_t i = 0; i < overrides->relays.count; i++) {
		const struct dms_pair *pair = &overrides->relays.items[i];
		struct next_hop hop = routing_next_hop(judge->lint.arena, &pair->value);

		null |= text_equal(&pair->key, "<>");
		relays += pair->value.length != 0;
		if (!pair->value.length || hop.bracketed || hop.address.family != IP_NONE ||
		    !*hop.port)
			continue;
		report(judge, "D08", text_position(&pair->value),
		       PRINTED(judge, "mail goes to the MX hosts of '%s', not to it", hop.host));
		diagnostics_hint(judge->lint.list, "for the host itself write [%s]:%s", hop.host,
				 hop.port);
	}
	if (!relays || null || (usual && usual->value.length))
		return;
	report(judge, "D07", (struct position){overrides->relaymap_cf, 0, 0},
	       "bounces have no sender, and leave without a relay");
	diagnostics_hint(judge->lint.list, "add a line '<> [HOST]:PORT'");
}

static void judge_passwords(const struct judge *judge)
{
	for (size_t i = 0; i < judge->overrides->passwords.count; i++) {
		const struct dms_pair *pair = &judge->overrides->passwords.items[i];
		const char *colon = strchr(pair->value.text, ':');

		if (colon && colon != pair->value.text && colon[1])
			continue;
		report(judge, "D10", text_position(&pair->key),
		       "this line has no user and password");
		diagnostics_hide_source(judge->lint.list);
		diagnostics_hint(judge->lint.list, "write @DOMAIN or [HOST]:PORT, white space, and "
						   "USER:PASSWORD");
	}
}

void dms_lint(struct arena *arena, const struct dms_overrides *overrides, struct diagnostics *list)
{
	struct judge judge = {{.arena = arena, .list = list}, overrides};

	judge_master(&judge);
	judge_patches(&judge);
	judge_environment(&judge);
	judge_tables(&judge);
	judge_line_ends(&judge);
	judge_relays(&judge);
	judge_passwords(&judge);
}
