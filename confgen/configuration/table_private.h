/* What the parts of table.h share among themselves. */
#ifndef CONFGEN_CONFIGURATION_TABLE_PRIVATE_H
#define CONFGEN_CONFIGURATION_TABLE_PRIVATE_H

#include "confgen/configuration/rules.h"
#include "confgen/configuration/table.h"

struct table_reader {
	struct arena *arena;
	const struct table_type *type;
	struct diagnostics *list;
	struct table_contents *contents;
	size_t open; /* IFs that have no ENDIF yet */
};

/* Warns, unless nobody listens; false. The line itself is not shown: it may hold a secret. */
bool table_warn(const struct table_reader *reader, struct position at, const char *why);

/* Reads one rule of a cidr, pcre or regexp table. False: it is skipped. */
bool table_read_pattern(struct table_reader *reader, const struct text *line,
			struct table_entry *entry);

#endif
