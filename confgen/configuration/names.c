/* Short lists of words that Postfix knows; see parameters.h. */
#include "confgen/configuration/parameters.h"

#include <pthread.h>

/* Sources: DATABASE_README, postmap(1), and "postconf -m" of Debian's packages. */
static const struct table_type types[] = {
	{.name = "btree", .source = true, .index = ".db"},
	{.name = "cdb", .source = true, .index = ".cdb", .since = 202},
	{.name = "cidr", .text = true, .braces = true, .since = 201},
	{.name = "dbm", .source = true, .index = ".pag"},
	{.name = "environ"},
	{.name = "fail", .since = 209},
	{.name = "hash", .source = true, .index = ".db"},
	{.name = "inline", .braces = true, .since = 300},
	{.name = "internal"},
	{.name = "ldap"},
	{.name = "lmdb", .source = true, .index = ".lmdb", .since = 211},
	{.name = "memcache", .since = 209},
	{.name = "mongodb", .since = 309},
	{.name = "mysql"},
	{.name = "netinfo"},
	{.name = "nis"},
	{.name = "nisplus"},
	{.name = "pcre", .text = true, .braces = true},
	{.name = "pgsql", .since = 201},
	{.name = "pipemap", .braces = true, .tables = true, .since = 300},
	{.name = "proxy", .prefix = true, .since = 200},
	{.name = "randmap", .braces = true, .since = 300},
	{.name = "regexp", .text = true, .braces = true},
	{.name = "sdbm", .source = true, .index = ".pag", .since = 202},
	{.name = "socketmap", .since = 210},
	{.name = "sqlite", .since = 208},
	{.name = "static"},
	{.name = "tcp"},
	{.name = "texthash", .text = true, .since = 208},
	{.name = "unionmap", .braces = true, .tables = true, .since = 300},
	{.name = "unix"},
};

#define TYPES (sizeof(types) / sizeof(*types))

static const char *const service_types[] = {"inet", "unix", "fifo", "pass", "unix-dgram"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *type_names[TYPES];
static const char **names;

/* Arrays of names are derived, not written twice; a process needs them once. */
static void collect(void)
{
	size_t count;
	const struct parameter *all = parameter_all(&count);

	for (size_t i = 0; i < TYPES; i++)
		type_names[i] = types[i].name;
	names = malloc(count * sizeof(*names));
	if (!names)
		abort();
	for (size_t i = 0; i < count; i++)
		names[i] = all[i].name;
}

const char *const *parameter_names(size_t *count)
{
	pthread_once(&once, collect);
	(void)parameter_all(count);
	return names;
}

const char *const *table_type_names(size_t *count)
{
	pthread_once(&once, collect);
	*count = TYPES;
	return type_names;
}

const struct table_type *table_type_find(const char *name, size_t length)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
			return &types[i];
	return NULL;
}

const char *const *service_type_names(size_t *count)
{
	*count = sizeof(service_types) / sizeof(*service_types);
	return service_types;
}
