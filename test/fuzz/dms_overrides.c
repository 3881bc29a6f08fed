/*
 * Fuzz target: docker-mailserver's override files. Octets 0x01 part the files: postfix-main.cf,
 * postfix-master.cf, user-patches.sh, postfix-relaymap.cf, postfix-sasl-password.cf, a compose
 * file, and the stock's main.cf and master.cf, which the overrides are applied to.
 */
#include "confgen/lint/dms_overrides.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { PARTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the next part off; each is NUL-terminated, as file_read() makes them. */
static const struct source *cut(struct arena *arena, const uint8_t **data, size_t *left)
{
	const uint8_t *end = *left ? memchr(*data, 1, *left) : NULL;
	size_t length = end ? (size_t)(end - *data) : *left;
	struct source *source = arena_alloc(arena, sizeof(*source));
	char *text = arena_alloc(arena, length + 1);

	if (length)
		memcpy(text, *data, length);
	*source = (struct source){"part", text, length};
	*data += length + (end != NULL);
	*left -= length + (end != NULL);
	return source;
}

static void check(struct arena *arena, const struct dms_applied *applied, struct diagnostics *list)
{
	struct configuration *configuration = configuration_new(
		arena, &applied->main_cf, &applied->master_cf, POSTFIX_USUAL, list);

	for (size_t i = 0; configuration && i < configuration->master.count; i++) {
		const struct service *service = configuration->master.items[i];
		struct position at = dms_applied_position(
			applied, text_position(&service->fields[SERVICE_NAME]));

		assert(at.source == applied->stock_master ||
		       at.source == applied->overrides->master_cf);
	}
	for (size_t i = 0; configuration && i < configuration->main.count; i++) {
		struct position at = dms_applied_position(
			applied, text_position(&configuration->main.items[i]->name));

		assert(at.line && (at.source == applied->stock_main ||
				   at.source == applied->overrides->main_cf));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct dms_overrides overrides = {0};
	const struct source *parts[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		parts[i] = cut(arena, &data, &size);
	overrides.main_cf = parts[0];
	overrides.master_cf = parts[1];
	overrides.patches = parts[2];
	overrides.relaymap_cf = parts[3];
	overrides.passwords_cf = parts[4];
	overrides.environment = parts[5];
	dms_overrides_read(arena, &overrides, list);
	dms_lint(arena, &overrides, list);
	check(arena, dms_overrides_apply(arena, &overrides, parts[6], parts[7]), list);
	arena_free(arena);
	return 0;
}
