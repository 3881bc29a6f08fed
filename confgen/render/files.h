/*
 * The files that a topology gives: which there are, what is in them, and where they go.
 */
#ifndef POSTERN_FILES_H
#define POSTERN_FILES_H

#include "confgen/topology/model.h"

#include <sys/types.h>

struct rendered_file {
	const char *path;    /* in the output: "public/main.cf" */
	const char *install; /* on the host; NULL for files about the output itself */
	const char *owner;   /* there, "root:root" */
	mode_t mode;	     /* in the output; a secret's is 0600 */
	const char *install_mode;
	const char *index; /* table type that postmap has to make, or NULL */
	const char *text;
	size_t length;
};

struct rendered_files {
	struct rendered_file *items;
	size_t count;
};

struct render_options {
	const char *templates; /* folder of replacements, or NULL */
	const char *host;      /* only this node, or NULL */
};

/*
 * Renders a topology without errors into memory, manifest.json and README included, in a fixed
 * order. All memory belongs to `arena`. Returns 0; -1 with errors in `list` (a template is wrong);
 * -errno when the folder of templates cannot be used, without an error in `list`.
 */
int files_render(struct arena *arena, const struct topology *topology,
		 const struct render_options *options, struct rendered_files *out,
		 struct diagnostics *list);

#endif
