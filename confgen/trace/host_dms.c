/* docker-mailserver's configuration, put together; see host_dms.h. */
#include "confgen/trace/host_dms.h"
#include "common/strbuf.h"
#include "confgen/lint/dms_overrides.h"
#include "confgen/trace/dms_base.h"

#include <string.h>

static const struct source *base(const char *name)
{
	const struct source *source = embedded_dms_base;

	while (source->name && strcmp(source->name, name) != 0)
		source++;
	return source;
}

/* What the image's scripts set in main.cf before the overrides come. */
static const struct source *stock_main(struct arena *arena, const struct dms_files *files)
{
	const struct source *image = base("dms-main.cf");
	const char *dot = strchr(files->hostname, '.');
	struct source *stock = arena_alloc(arena, sizeof(*stock));
	struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, image->text, image->length);
	strbuf_addf(&text, "myhostname = %s\nmydomain = %s\n", files->hostname,
		    dot ? dot + 1 : files->hostname);
	if (files->relaymap)
		strbuf_adds(
			&text,
			"sender_dependent_relayhost_maps = texthash:/etc/postfix/relayhost_map\n");
	/* relay.sh does nothing without a relay map */
	if (files->relaymap && files->passwords)
		strbuf_adds(&text, "smtp_sender_dependent_authentication = yes\n"
				   "smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd\n"
				   "smtp_sasl_auth_enable = yes\n"
				   "smtp_sasl_security_options = noanonymous\n"
				   "smtp_tls_security_level = encrypt\n");
	*stock = (struct source){"(docker-mailserver's main.cf)",
				 arena_strndup(arena, text.text, text.length), text.length};
	strbuf_done(&text);
	return stock;
}

/* --- user-patches.sh --- */

struct words {
	char *items[64];
	size_t count;
};

/* Splits a command of the rendered script, which quotes only whole words with single quotes. */
static void split(struct arena *arena, const char *command, struct words *words)
{
	words->count = 0;
	while (words->count < 64) {
		size_t length;
		bool quoted;

		command += strspn(command, " \t");
		if (!*command)
			return;
		quoted = *command == '\'';
		command += quoted;
		length = strcspn(command, quoted ? "'" : " \t");
		words->items[words->count++] = arena_strndup(arena, command, length);
		command += length + (quoted && command[length]);
	}
}

/*
 * The last entry of a service ("smtp/inet") in master.cf, which is the one in force: what stands
 * behind its name and type, with its options.
 */
static const char *find_entry(const char *master, const char *service, size_t *length)
{
	size_t name = strcspn(service, "/");
	const char *kind = service + name + (service[name] == '/'), *found = NULL, *next;

	for (const char *line = master; *line; line = next) {
		const char *type = line + name + strspn(line + name, " \t");
		size_t width = strcspn(type, " \t\n");

		next = strchrnul(line, '\n');
		next += *next == '\n';
		if (strncmp(line, service, name) != 0 || type == line + name ||
		    strlen(kind) != width || strncmp(type, kind, width) != 0)
			continue;
		while (*next == ' ' || *next == '\t') {
			next = strchrnul(next, '\n');
			next += *next == '\n';
		}
		found = type + width;
		*length = (size_t)(next - found);
	}
	return found;
}

/* master.cf, as it grows, and the line of the script that each added line comes from. */
struct patching {
	struct arena *arena;
	struct strbuf master;
	struct {
		unsigned *items;
		size_t count;
	} from;
};

/*
 * An entry like that of `from`, called `to`, with more options. Of two entries of the same name the
 * last is in force, so that `to` may be `from`.
 */
static void add_entry(struct patching *patching, const char *from, const char *to,
		      char *const *options, size_t count, unsigned line)
{
	struct strbuf entry = STRBUF_INIT;
	size_t length = 0, slash = strcspn(to, "/");
	const char *rest = find_entry(strbuf_text(&patching->master), from, &length);

	if (!rest || !to[slash])
		return;
	strbuf_addf(&entry, "%.*s %s", (int)slash, to, to + slash + 1);
	strbuf_add(&entry, rest, length);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&entry, "  -o %s%s%s\n", strpbrk(options[i], " \t") ? "{ " : "",
			    options[i], strpbrk(options[i], " \t") ? " }" : "");
	for (size_t i = 0; i < entry.length; i++)
		if (entry.text[i] == '\n')
			*arena_push(patching->arena, &patching->from) = line;
	strbuf_add(&patching->master, entry.text, entry.length);
	strbuf_done(&entry);
}

/* postconf -P SERVICE/TYPE/PARAMETER=VALUE */
static void set_option(struct patching *patching, char *entry, unsigned line)
{
	char *first = strchr(entry, '/'), *second = first ? strchr(first + 1, '/') : NULL;
	char *option;

	if (!second)
		return;
	*second = '\0';
	option = second + 1;
	add_entry(patching, entry, entry, &option, 1, line);
}

static void run_command(struct patching *patching, const char *command, unsigned line)
{
	struct words words;

	split(patching->arena, command, &words);
	if (words.count >= 3 && strcmp(words.items[0], "copy") == 0)
		add_entry(patching, words.items[1], words.items[2], words.items + 3,
			  words.count - 3, line);
	else if (words.count == 3 && strcmp(words.items[0], "postconf") == 0 &&
		 strcmp(words.items[1], "-P") == 0)
		set_option(patching, words.items[2], line);
}

/* The commands of the script stand at the beginning of their lines; '\' continues one. */
static void run_script(struct patching *patching, const struct source *script)
{
	struct strbuf command = STRBUF_INIT;
	unsigned line = 1, began = 1;

	for (const char *at = script->text; *at; line++) {
		size_t length = strcspn(at, "\n");
		bool continues = length && at[length - 1] == '\\';

		strbuf_add(&command, at, length - continues);
		at += length + (at[length] == '\n');
		if (continues)
			continue;
		run_command(patching, strbuf_text(&command), began);
		strbuf_reset(&command);
		began = line + 1;
	}
	strbuf_done(&command);
}

static void patch(struct arena *arena, struct dms_whole *whole, const struct source *script)
{
	struct patching patching = {.arena = arena, .master = STRBUF_INIT};
	struct source *master = arena_alloc(arena, sizeof(*master));

	strbuf_add(&patching.master, whole->master_cf->text, whole->master_cf->length);
	run_script(&patching, script);
	*master = (struct source){
		whole->master_cf->name,
		arena_strndup(arena, strbuf_text(&patching.master), patching.master.length),
		patching.master.length};
	strbuf_done(&patching.master);
	whole->patches = script;
	whole->patched = patching.from.items;
	whole->patched_count = patching.from.count;
	whole->master_cf = master;
}

struct dms_whole *dms_put_together(struct arena *arena, const struct dms_files *files)
{
	struct dms_whole *whole = arena_alloc(arena, sizeof(*whole));
	struct dms_overrides *overrides = arena_alloc(arena, sizeof(*overrides));
	struct source *master = arena_alloc(arena, sizeof(*master));
	struct dms_applied *applied;

	overrides->main_cf = files->main_cf;
	overrides->master_cf = files->master_cf;
	dms_overrides_read(arena, overrides, diagnostics_new(arena));
	*master = *base("dms-master.cf");
	master->name = "(docker-mailserver's master.cf)";
	applied = dms_overrides_apply(arena, overrides, stock_main(arena, files), master);
	whole->applied = applied;
	whole->main_cf = &applied->main_cf;
	whole->master_cf = &applied->master_cf;
	if (files->patches)
		patch(arena, whole, files->patches);
	return whole;
}

struct position dms_written(const struct dms_whole *whole, struct position at)
{
	const struct dms_applied *applied = whole->applied;

	if (whole->patches && at.source == whole->master_cf) {
		if (at.line > applied->master_count) {
			size_t index = at.line - applied->master_count - 1;

			if (index < whole->patched_count)
				return (struct position){whole->patches, whole->patched[index], 1};
		}
		at.source = &applied->master_cf;
	}
	return dms_applied_position(applied, at);
}
