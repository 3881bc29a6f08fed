/*
 * What the picture of a topology warns of: one row a rule, with its stable name, its severity and
 * one line on it. Names are never reused.
 */
#ifndef POSTERN_GRAPH_RULES_H
#define POSTERN_GRAPH_RULES_H

#include "common/diagnostics.h"

/* clang-format off */
#define GRAPH_RULES(X) \
	X(DANGER, "graph-danger", WARNING, "what the picture of a topology shows in red")
/* clang-format on */

enum graph_rule {
#define X(id, name, severity, summary) GRAPH_RULE_##id,
	GRAPH_RULES(X)
#undef X
		GRAPH_RULE_COUNT
};

struct graph_rule_row {
	const char *name;
	enum severity severity;
	const char *summary;
};

extern const struct graph_rule_row graph_rules[GRAPH_RULE_COUNT];

#define graph_report(list, rule, at, ...)                                \
	diagnostics_add((list), graph_rules[GRAPH_RULE_##rule].severity, \
			graph_rules[GRAPH_RULE_##rule].name, (at), __VA_ARGS__)

#endif
