/* Fuzz target: postern-milter.conf, up to the keys, which are files. */
#include "milter/config.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {.name = "fuzz", .length = size};
	struct config config;
	FILE *nowhere = fopen("/dev/null", "w");

	source.text = arena_strndup(arena, (const char *)data, size);
	config_read(arena, &source, list, &config);
	diagnostics_print(list, nowhere, false);
	fclose(nowhere);
	/* what is free of errors is complete */
	if (diagnostics_count(list, SEVERITY_ERROR) == 0) {
		assert(config.socket && config.user && config.domain_count > 0);
		for (size_t i = 0; i < config.domain_count; i++)
			assert(config.domains[i].name && config.domains[i].selector &&
			       config.domains[i].key_path[0] == '/');
	}
	arena_free(arena);
	return 0;
}
