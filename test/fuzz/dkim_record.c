/* Fuzz target: records of DKIM keys, as any domain may publish them. What is read can be written.
 */
#include "common/dkim_record.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct dkim_record record;

	if (!dkim_record_parse((const char *)data, size, &record)) {
		char *text = record.key ? dkim_record_text(arena, record.key) : NULL;
		struct dkim_record again;

		assert((record.key == NULL) == record.revoked);
		if (text) {
			assert(!dkim_record_parse(text, strlen(text), &again));
			assert(EVP_PKEY_eq(record.key, again.key) == 1);
			dkim_record_done(&again);
		}
		dkim_record_done(&record);
	}
	arena_free(arena);
	return 0;
}
