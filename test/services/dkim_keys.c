/*
 * Shows keys: dkim_keys [--dns SERVER] {DOMAIN SELECTOR PEM-FILE}...
 * Exits with 1 when one of them is not well published.
 */
#include "common/dkim_record.h"
#include "common/file.h"

#include <assert.h>

int main(int argc, char **argv)
{
	struct dkim_record_row rows[16];
	struct arena *arena = arena_new(0);
	struct dns_resolver *resolver = NULL;
	size_t count = 0, bad;
	int next = 1;

	if (argc > 2 && strcmp(argv[1], "--dns") == 0) {
		const char *server = argv[2];

		assert(dns_resolver_new(&server, 1, 2000, &resolver) == 0);
		next = 3;
	}
	for (; next + 2 < argc && count < 16; next += 3) {
		char *pem;
		size_t length;

		assert(file_read(arena, argv[next + 2], 65536, &pem, &length) == 0);
		rows[count] = (struct dkim_record_row){argv[next], argv[next + 1],
						       dkim_record_key(pem, length)};
		assert(rows[count].key);
		count++;
	}
	bad = dkim_record_print(rows, count, resolver, stdout);
	for (size_t i = 0; i < count; i++)
		EVP_PKEY_free(rows[i].key);
	dns_resolver_free(resolver);
	arena_free(arena);
	return bad > 0;
}
