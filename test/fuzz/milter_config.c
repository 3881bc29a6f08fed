/* Fuzz target: postern-milter.conf, up to the keys, which are files. */
#include "milter/config.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether there is something to do: domains to sign for, or clients to judge, or mail to verify. */
static bool has_work(const struct config *config)
{
	return config->domain_count > 0 || config->key_folder || config->listener_count > 1 ||
	       config->listeners[0].at.line || config->binding_count > 0 ||
	       config->binding_default_deny || config->policy_socket;
}

static void check_domain(const struct signing_domain *domain)
{
	const struct signing_method *method = domain->method;

	assert(domain->name && domain->key_count > 0 && method);
	for (size_t i = 0; i < domain->key_count; i++)
		assert(domain->keys[i].selector && domain->keys[i].path[0] == '/');
	/* an oversigned field that is not signed would make bad signatures */
	for (size_t i = 0; i < method->oversigned_fields.count; i++)
		assert(words_contain(&method->signed_fields, method->oversigned_fields.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {.name = "fuzz", .length = size};
	struct config config;
	static FILE *nowhere;

	source.text = arena_strndup(arena, (const char *)data, size);
	config_read(arena, &source, list, &config);
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	diagnostics_print(list, nowhere, false);
	/* what is free of errors is complete */
	if (diagnostics_count(list, SEVERITY_ERROR) == 0) {
		assert(config.socket && config.user);
		assert(config.listener_count > 0 && config.key_folder_method);
		assert(has_work(&config));
		for (size_t i = 0; i < config.domain_count; i++)
			check_domain(&config.domains[i]);
	}
	arena_free(arena);
	return 0;
}
