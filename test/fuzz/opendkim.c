/*
 * Fuzz target: opendkim.conf. What is written of it must be read by postern-milter's own reader
 * without a mistake of syntax, and no line of the source is shown.
 */
#include "confgen/keys/opendkim.h"

#define setting config_setting /* the topology has a struct of that name */
#include "common/settings.h"
#undef setting

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_syntax(struct arena *arena, const struct strbuf *out)
{
	static const char *const names[] = {"postern",
					    "socket",
					    "internal_networks",
					    "canonicalization",
					    "signed_headers",
					    "oversigned_headers",
					    "dns_servers",
					    "signature_lifetime",
					    "authserv_id",
					    "dns_timeout",
					    NULL};
	static const char *const domain_names[] = {"subdomains", NULL},
				 *const key_names[] = {"file", NULL},
				 *const listener_names[] = {"mode", NULL};
	static const struct section_kind kinds[] = {
		{.name = "domain", .names = domain_names},
		{.name = "key", .parent = "domain", .names = key_names},
		{.name = "listener", .names = listener_names},
	};
	const struct vocabulary vocabulary = {names, kinds, 3};
	struct source source = {"written", strbuf_text(out), out->length};
	struct diagnostics *list = diagnostics_new(arena);
	struct settings settings;

	settings_read(arena, &source, &vocabulary, list, &settings);
	assert(diagnostics_count(list, SEVERITY_ERROR) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const struct source source = {"opendkim.conf",
				      arena_strndup(arena, (const char *)data, size), size};
	struct strbuf out = STRBUF_INIT;
	const struct diagnostic *item;
	struct opendkim given;
	size_t at = 0;

	opendkim_read(arena, &source, &given, list);
	opendkim_datasets(arena, "/nonexistent", &given, list);
	opendkim_write(arena, &given, &out, list);
	check_syntax(arena, &out);
	while ((item = diagnostics_next(list, &at)))
		assert(item->severity == SEVERITY_ERROR || item->at.line > 0);
	strbuf_done(&out);
	arena_free(arena);
	return 0;
}
