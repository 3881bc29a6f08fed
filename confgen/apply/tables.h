/*
 * What applying needs to know of lookup tables and settings. (The configuration folder's own
 * headers and the topology's do not go together.) Thread-safe.
 */
#ifndef CONFGEN_APPLY_TABLES_H
#define CONFGEN_APPLY_TABLES_H

#include "common/diagnostics.h"

/* What postmap adds to the name of a table of this type: ".db"; NULL: it makes no index. */
const char *tables_index_suffix(const char *type_name);

/* The default of a setting of main.cf, not expanded; NULL: it is none that is built in. */
const char *tables_default(const char *parameter);

/*
 * An error in `list` for each table of the texts, either of which may be NULL, whose type is not
 * among the lines of `known`, as "postconf -m" prints them.
 */
void tables_check_types(struct arena *arena, const struct source *main_cf,
			const struct source *master_cf, const char *known,
			struct diagnostics *list);

#endif
