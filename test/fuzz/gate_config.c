/* Fuzz target: postern-gate.conf. */
#include "gate/config.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {.name = "fuzz", .length = size};
	struct gate_config config;
	static FILE *nowhere;

	source.text = arena_strndup(arena, (const char *)data, size);
	gate_config_read(arena, &source, false, list, &config);
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	diagnostics_print(list, nowhere, false);
	/* what is free of errors is complete */
	if (diagnostics_count(list, SEVERITY_ERROR) == 0) {
		assert(config.user && config.listener_count > 0 && config.queue_limit > 0);
		for (size_t i = 0; i < config.listener_count; i++) {
			const struct gate_listener *listener = &config.listeners[i];

			assert(listener->name && listener->proxied_service[0] == '/');
			assert(!listener->reply ||
			       strcmp(listener->reply + strlen(listener->reply) - 2, "\r\n") == 0);
			for (size_t j = 0; j < listener->address_count; j++)
				assert(listener->addresses[j].port > 0);
		}
	}
	arena_free(arena);
	return 0;
}
