/* What rules about syntax and tables share: walks over all values that are set. */
#ifndef POSTERN_LINT_HELPERS_SYNTAX_H
#define POSTERN_LINT_HELPERS_SYNTAX_H

#include "confgen/lint/lint.h"

/* A value that is set, in main.cf (`service` is NULL) or by an option of a service. */
struct syntax_setting {
	const struct service *service;
	const struct assignment *assignment;
	const struct value *value;
	const char *name;
	enum parameter_kind kind;
};

typedef void (*syntax_check)(const struct lint *lint, const struct lint_rule *rule,
			     const struct syntax_setting *setting);

/* All values in force, in the order of the files. */
struct syntax_settings {
	struct syntax_setting *items;
	size_t count;
};

struct syntax_settings syntax_settings(const struct lint *lint);

/* Calls `check` for each value in force, in the order of the files. */
void syntax_each(const struct lint *lint, const struct lint_rule *rule, syntax_check check);

/* Where a part of the value was written. */
struct position syntax_place(const struct lint *lint, const struct syntax_setting *setting,
			     const struct text *part);

/* The release as in struct parameter: 307. */
unsigned short syntax_version(const struct lint *lint);

/* 307 as "3.7". */
const char *syntax_version_text(const struct lint *lint, unsigned short version);

#endif
