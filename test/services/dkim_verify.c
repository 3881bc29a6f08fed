/*
 * Verifies the message on standard input: dkim_verify [-n TIMES] SERVER...
 * Prints a line for each signature, and the Authentication-Results field. With -n it does so many
 * times, prints once, and tells how many KiB the process grew after the first tenth.
 */
#include "common/file.h"
#include "milter/authentication_results.h"

#include <assert.h>
#include <unistd.h>

static long resident(void)
{
	long pages = 0, unused;
	FILE *file = fopen("/proc/self/statm", "r");

	assert(file && fscanf(file, "%ld %ld", &unused, &pages) == 2);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Gives the fields, whose lines are folded with CRLF, and then the body. */
static void feed(struct verifier *verifier, const char *text, size_t length)
{
	const char *end = text + length, *field = text;

	while (field < end) {
		const char *stop = field;

		if (end - field >= 2 && memcmp(field, "\r\n", 2) == 0) {
			field += 2;
			break;
		}
		do {
			stop = memmem(stop, (size_t)(end - stop), "\r\n", 2);
			stop = stop ? stop + 2 : end;
		} while (stop < end && (*stop == ' ' || *stop == '\t'));
		assert(verifier_header(verifier, field, (size_t)(stop - field) - 2) == 0);
		field = stop;
	}
	assert(verifier_headers_done(verifier) == 0);
	for (size_t size = 0; field < end; field += size) {
		size = (size_t)(end - field) < 1000 ? (size_t)(end - field) : 1000;
		assert(verifier_body(verifier, field, size) == 0);
	}
}

static const char *shown(const char *text)
{
	return text && *text ? text : "-";
}

static void print(const struct verification *verification)
{
	struct arena *arena = arena_new(0);

	for (size_t i = 0; i < verification->count; i++) {
		const struct verified_signature *item = &verification->signatures[i];

		printf("%s d=%s i=%s s=%s a=%s b=%s bits=%u%s%s", dkim_result_name(item->result),
		       shown(item->domain), shown(item->identity), shown(item->selector),
		       shown(item->algorithm), shown(item->prefix), item->bits,
		       item->testing ? " testing" : "", item->partial ? " partial" : "");
		if (item->partial)
			printf("=%llu/%llu", item->signed_octets, item->body_octets);
		printf(" (%s)\n", shown(item->reason));
	}
	printf("skipped: %zu\n", verification->skipped);
	printf("Authentication-Results: %s\n",
	       authentication_results_compose(arena, "mx.example.org", verification));
	arena_free(arena);
}

int main(int argc, char **argv)
{
	unsigned long times = 1, first = 1;
	struct arena *arena = arena_new(0);
	struct dns_resolver *resolver;
	struct verifier_library *library;
	long before = 0;
	char *text;
	size_t length;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		times = strtoul(argv[2], NULL, 10);
		first = 3;
	}
	assert(file_read_fd(arena, 0, (size_t)64 << 20, &text, &length) == 0);
	assert(dns_resolver_new((const char *const *)argv + first, (size_t)argc - first, 3000,
				&resolver) == 0);
	library = verifier_library_new(resolver, VERIFIER_DNS_SECONDS);
	assert(library);
	for (unsigned long i = 0; i < times; i++) {
		struct verifier *verifier = verifier_begin(library, "test", VERIFIER_SIGNATURES);
		struct verification verification;

		assert(verifier);
		feed(verifier, text, length);
		assert(verifier_finish(verifier, &verification) == 0);
		if (i + 1 == times)
			print(&verification);
		verifier_free(verifier);
		if (i == times / 10)
			before = resident();
	}
	if (times > 1)
		printf("grown: %ld KiB\n", resident() - before);
	verifier_library_free(library);
	dns_resolver_free(resolver);
	arena_free(arena);
	return 0;
}
