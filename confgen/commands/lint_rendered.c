/* Lint over rendered files; see lint_rendered.h. */
#include "confgen/commands/lint_rendered.h"
#include "confgen/lint/folder.h"

/* What comments in rendered files call the topology: its name without folders. */
static const char *name_of(const struct source *source)
{
	const char *slash = strrchr(source->name, '/');

	return slash ? slash + 1 : source->name;
}

void lint_rendered(struct arena *arena, const struct topology *topology,
		   const struct rendered_files *files, struct diagnostics *list)
{
	struct source *sources = arena_array(arena, files->count, sizeof(*sources));

	for (size_t i = 0; i < files->count; i++)
		sources[i] = (struct source){files->items[i].path, files->items[i].text,
					     files->items[i].length};
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];
		const struct lint_folder folder = {
			.name = node->head.name.value,
			.topology = name_of(node->head.at.source),
			.release = node->postfix.number,
			.files = sources,
			.count = files->count,
		};

		lint_folder(arena, &folder, list);
	}
}
