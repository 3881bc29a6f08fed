/*
 * From the text of a topology to the rendered files, as `check` goes: no crash, no leak, a topology
 * without errors always gives files, and none of them holds what its writer could have smuggled in.
 */

#include "confgen/render/files.h"
#include "confgen/topology/load.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a line of the file begins with `text`. */
static bool has_line(const struct rendered_file *file, const char *text)
{
	size_t length = strlen(text);

	for (const char *line = file->text; *line;
	     line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, text, length) == 0)
			return true;
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Whether the parameters that the text refers to are those of the templates, and braces match. */
static bool is_sound(const char *text)
{
	/* all that templates/ name; a topology's own text has none */
	static const char *const known[] = {
		"${config_directory}",
		"${data_directory}",
		"$data_directory",
		"$myhostname",
		"$mynetworks",
		"$smtpd_milters",
		"$milter_macro_daemon_name",
		"$postern_milter",
		"$address_verify_map",
		"$postscreen_cache_map",
		"$smtp_sasl_auth_cache_name",
		"$lmtp_sasl_auth_cache_name",
	};
	int depth = 0;

	for (; *text; text++) {
		bool found = *text != '$';

		if (strncmp(text, "$$/ ", 4) == 0) { /* the end of a pattern, no parameter */
			text++;
			continue;
		}
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !found; i++)
			found = strncmp(text, known[i], strlen(known[i])) == 0;
		depth += (*text == '{') - (*text == '}');
		if (!found || depth < 0 || (*text == '\n' && depth))
			return false;
	}
	return true;
}

/* What no topology can bring about, whatever its names and values are. */
static void look_at(const struct rendered_file *file)
{
	assert(strlen(file->text) == file->length);
	assert(!strstr(file->text, "(null)"));
	for (const char *p = file->text; *p; p++)
		assert(*p == '\n' || *p == '\t' || (unsigned char)*p >= 0x20);
	if (ends_with(file->path, "/main.cf")) {
		assert(strstr(file->text, "\nsmtpd_relay_restrictions =\n    permit_mynetworks\n"));
		assert(strstr(file->text, "\n    127.0.0.0/8\n    [::1]/128\n"));
		assert(!strstr(file->text, "0.0.0.0/0") && !strstr(file->text, "[::]/0"));
	}
	if (ends_with(file->path, "main.cf"))
		assert(is_sound(file->text));
	if (ends_with(file->path, "/master.cf"))
		assert(!has_line(file, "pipe") && !strstr(file->text, " user="));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct source source = {.name = "t", .text = (const char *)data, .length = size};
	struct diagnostics *list = diagnostics_new(arena);
	struct topology *topology =
		topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list);
	struct render_options options = {0};
	struct rendered_files files = {0};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (topology && diagnostics_count(list, SEVERITY_ERROR) == 0) {
		assert(files_render(arena, topology, &options, &files, list) == 0);
		assert(diagnostics_count(list, SEVERITY_ERROR) == 0);
	}
	for (size_t i = 0; i < files.count; i++)
		look_at(&files.items[i]);
	if (out) {
		diagnostics_print(list, out, false);
		fclose(out);
	}
	free(text);
	arena_free(arena);
	return 0;
}
