/*
 * Lookup tables: what type:name says, and what the source of a table holds.
 *
 * Read as postmap(1) and the pattern tables read it; nothing is looked up in LDAP, SQL or sockets.
 * Tables may hold passwords: see table_contents.secret. Not thread-safe.
 *
 * Sources: DATABASE_README, postmap(1), cidr_table(5), regexp_table(5), pcre_table(5),
 * postconf(5) for inline, pipemap, unionmap, randmap.
 */
#ifndef CONFGEN_CONFIGURATION_TABLE_H
#define CONFGEN_CONFIGURATION_TABLE_H

#include "common/name_map.h"
#include "common/network.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/parameters.h"

struct table;

struct tables {
	struct table **items;
	size_t count;
};

struct table {
	struct text reference;	       /* type:name, as a whole */
	struct text type_name;	       /* before the first colon; empty if there is none */
	struct text name;	       /* behind it: a path, "{...}", a socket, a result */
	const struct table_type *type; /* NULL: unknown, or missing */
	struct tables parts;	       /* of proxy:, pipemap: and unionmap: */
};

/*
 * Reads type:name. Nested tables are read to 16 levels. Missing types and braces that do not match
 * are reported (`list` may be NULL); the table is given nevertheless. Unknown types are no mistake
 * here.
 */
struct table *table_parse(struct arena *arena, const struct text *reference,
			  struct diagnostics *list);

/* The table itself, or the first of those nested in it that `wanted` says yes to; or NULL. */
const struct table *table_search(const struct table *table,
				 bool (*wanted)(const struct table *table, void *user), void *user);

enum table_entry_kind { TABLE_ENTRY, TABLE_IF, TABLE_ENDIF };

struct table_entry {
	enum table_entry_kind kind;
	struct text key;   /* of pattern tables: the pattern, without delimiters */
	struct text value; /* empty for if and endif */
	const struct table_entry *beaten_by; /* the entry of the same key that wins over it */
	bool negated;			     /* pattern tables: '!' */
	struct text options;		     /* pcre, regexp: letters behind the pattern */
	struct ip_network network;	     /* cidr */
	bool restricted;		     /* regexp: a second pattern, /yes/!/no/, is not kept */
};

struct table_contents {
	struct table_entry *items;
	size_t count;
	struct name_map *index; /* of keys, for tables that are no pattern tables */
	bool secret; /* set by who knows: values must not be shown; diagnostics_hide_source() */
};

/*
 * Reads the source of a table of this type. Lines that Postfix skips are reported as warnings in
 * `list` (NULL: not at all), without a word of what they hold, and left out. `source` passed
 * lines_check().
 */
struct table_contents *table_read(struct arena *arena, const struct table_type *type,
				  const struct source *source, struct diagnostics *list);

/* The same for a table that is written in braces: inline:{...}, cidr:{...}, static:... */
struct table_contents *table_read_inline(struct arena *arena, const struct table *table,
					 struct diagnostics *list);

/*
 * The entry that a query finds, as postmap -q would: letter case does not count. NULL for none.
 * Not for pcre and regexp.
 */
const struct table_entry *table_find(const struct table_contents *contents, const char *key);

enum table_answer { TABLE_FITS_NOT, TABLE_FITS, TABLE_UNDECIDED };

/*
 * The entry of a pcre or regexp table that a key finds, in `*out`. Not decided are tables with
 * options but 'i', with second patterns, or with patterns that are not plain, before the first that
 * fits: literals, '.', '^', '$', groups, '|', brackets, '*', '?' and '+' but for groups are. Each
 * pattern that is tried takes one of the budget; without, nothing is decided.
 */
enum table_answer table_match(const struct table_contents *contents, const char *key,
			      size_t *budget, const struct table_entry **out);

#endif
