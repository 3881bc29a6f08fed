/* What the files of rules share. Each function is declared by its row. */
#ifndef POSTERN_LINT_RULES_H
#define POSTERN_LINT_RULES_H

#include "confgen/lint/lint.h"

#define LINT_RULE(id, severity, since, anchor, summary) \
	void lint_##id(const struct lint *lint, const struct lint_rule *rule);
#define FOUND_RULE(id, severity, since, anchor, summary)
#include "confgen/lint/rows.h"
#undef LINT_RULE
#undef FOUND_RULE

#endif
