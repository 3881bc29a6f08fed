/*
 * What `lint` is pointed at: a folder with main.cf and master.cf, one of these files, a folder of
 * docker-mailserver's overrides, or a compose.yaml.
 *
 * From the two last, only what they say themselves is judged, at the place where they say it: what
 * the image adds is not ours to know. Compose files name other files; only those below their own
 * folder are read, because they may be a stranger's. Passwords in them are never looked at.
 *
 * Sources: docker-mailserver's documentation ("Override the Default Configs", "Environment
 * Variables"), the README of bokysan/docker-postfix, the Compose specification.
 */
#ifndef CONFGEN_LINT_TARGET_H
#define CONFGEN_LINT_TARGET_H

#include "confgen/lint/lint.h"

struct target_options {
	enum postfix_release release;
	bool release_given; /* by the user: it holds for images of containers as well */
	bool permissions;   /* see struct lint */
};

/*
 * Judges `path`: findings go to `list`, comments that silence them are heeded. Everything lives in
 * `arena`. False where there was nothing to judge, with an error in `list`.
 */
bool target_lint(struct arena *arena, const char *path, const struct target_options *options,
		 struct diagnostics *list);

/* The parts of it that have files of their own. */
bool target_configuration(struct arena *arena, struct configuration *configuration,
			  const struct target_options *options, struct diagnostics *list);
bool target_overrides(struct arena *arena, const char *folder, const struct target_options *options,
		      struct diagnostics *list);
bool target_compose(struct arena *arena, const char *path, const struct target_options *options,
		    struct diagnostics *list);

#endif
