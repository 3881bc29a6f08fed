/* The table of smarthost providers; see providers.h. */
#include "confgen/topology/providers.h"

#include <stddef.h>

const char *provider_host(struct arena *arena, const struct provider_row *row, const char *region)
{
	const char *star = strchr(row->regional_host, '*');

	return arena_printf(arena, "%.*s%s%s", (int)(star - row->regional_host), row->regional_host,
			    region, star + 1);
}

const struct provider_row providers[PROVIDER_COUNT] = {
#define X(id, name, host, regional_host, spf, size_limit) {host, regional_host, spf, size_limit},
	PROVIDERS(X)
#undef X
};

const char *const provider_words[] = {
#define X(id, name, host, regional_host, spf, size_limit) name,
	PROVIDERS(X)
#undef X
		NULL,
};
