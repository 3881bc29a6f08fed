/* Finding and filling templates; see templates.h. */
#include "confgen/render/templates.h"
#include "common/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_TEMPLATE ((size_t)1 << 20)

/* The user's own template, or NULL when there is none (or it cannot be read: then with an error).
 */
static const struct source *replacement(struct templates *templates, const char *name)
{
	struct source *source;
	size_t length;
	char *path, *text;
	int error;

	if (!templates->folder)
		return NULL;
	path = arena_printf(templates->arena, "%s/%s", templates->folder, name);
	error = file_read(templates->arena, path, LARGEST_TEMPLATE, &text, &length);
	if (error == -ENOENT)
		return NULL;
	source = arena_alloc(templates->arena, sizeof(*source));
	source->name = path;
	if (error) {
		diagnostics_add(templates->list, SEVERITY_ERROR, "template",
				(struct position){source, 0, 0}, "cannot read the template: %s",
				error == -EFBIG ? "larger than 1 MiB" : strerror(-error));
		return NULL;
	}
	source->text = text;
	source->length = length;
	return source;
}

static const struct source *embedded(struct arena *arena, const char *name)
{
	for (const struct source *row = embedded_templates; row->name; row++)
		if (strcmp(row->name, name) == 0) {
			struct source *copy = arena_alloc(arena, sizeof(*copy));

			*copy = *row;
			copy->name = arena_printf(arena, "templates/%s", name);
			return copy;
		}
	return NULL;
}

static const struct source *find(void *context, const char *name)
{
	struct templates *templates = context;
	const struct source *found;

	found = replacement(templates, name);
	return found ? found : embedded(templates->arena, name);
}

int templates_init(struct templates *templates, struct arena *arena, const char *folder,
		   struct diagnostics *list)
{
	struct stat status;

	*templates = (struct templates){.arena = arena, .folder = folder, .list = list};
	templates->loader = (struct mustache_loader){find, templates};
	if (folder && stat(folder, &status) < 0)
		return -errno;
	return folder && !S_ISDIR(status.st_mode) ? -ENOTDIR : 0;
}

int templates_render(struct templates *templates, const char *name, json_t *data,
		     struct strbuf *out)
{
	const struct mustache_options options = {
		.partials = &templates->loader, .html = templates->html, .strict = true};
	const struct source *source = find(templates, name);

	if (!source) {
		diagnostics_add(templates->list, SEVERITY_ERROR, "template", (struct position){0},
				"there is no template '%s'", name);
		return -1;
	}
	return mustache_render(templates->arena, source, data, &options, out, templates->list);
}
