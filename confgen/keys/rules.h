/*
 * What can be wrong with the keys of a topology: one row a rule, with its stable name, its severity
 * and one line on it. Names are never reused. What is wrong with a key's file itself has no name:
 * the milter says the same (common/key_file.h).
 */
#ifndef POSTERN_KEYS_RULES_H
#define POSTERN_KEYS_RULES_H

#include "common/diagnostics.h"

/* clang-format off */
#define KEY_RULES(X) \
	X(TYPE, "key-type", ERROR, "a key of another type or size than the topology says") \
	X(TWIN, "key-twice", WARNING, "two names for the same key") \
	X(MISSING, "key-missing", ERROR, "a key that is not there") \
	X(RETIRED, "key-retired", WARNING, "a key that has been retired for long") \
	X(OLD, "key-old", WARNING, "a key that has signed for years") \
	X(GAP, "key-gap", ERROR, "a domain that no key signs for at present") \
	X(AHEAD, "key-gap-ahead", WARNING, "a domain that no key will sign for on a day to come") \
	X(IMPORT, "key-import", WARNING, "a key that is not imported, or not all that it did") \
	X(CONVERT, "opendkim-setting", WARNING, "a setting of OpenDKIM's that is not carried over") \
	X(ROTATION, "key-rotation", ERROR, "a turn-over of keys that cannot be written down")
/* clang-format on */

enum key_rule {
#define X(id, name, severity, summary) KEY_RULE_##id,
	KEY_RULES(X)
#undef X
		KEY_RULE_COUNT
};

struct key_rule_row {
	const char *name;
	enum severity severity;
	const char *summary;
};

extern const struct key_rule_row key_rules[KEY_RULE_COUNT];

#define keys_report(list, rule, at, ...)                             \
	diagnostics_add((list), key_rules[KEY_RULE_##rule].severity, \
			key_rules[KEY_RULE_##rule].name, (at), __VA_ARGS__)

#endif
