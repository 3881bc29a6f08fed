/* Canonical forms against the examples and constants of RFC 6376 and RFC 8463, cut in every way. */
#include "milter/canonical.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char *base64(const unsigned char *digest)
{
	static unsigned char text[48];

	EVP_EncodeBlock(text, digest, CANONICAL_DIGEST_SIZE);
	return (const char *)text;
}

static const char *digest_of(const char *text)
{
	unsigned char digest[CANONICAL_DIGEST_SIZE];

	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL), 1);
	return base64(digest);
}

static const char *hash_body(enum canonicalization form, const char *body, size_t first,
			     size_t second)
{
	struct canonical_hash *hash = canonical_new(form);
	unsigned char digest[CANONICAL_DIGEST_SIZE];

	canonical_body(hash, body, first);
	canonical_body(hash, body + first, second - first);
	canonical_body(hash, body + second, strlen(body) - second);
	assert_int_equal(canonical_finish_body(hash, digest), 0);
	canonical_free(hash);
	return base64(digest);
}

static void test_constants(void **state)
{
	(void)state;
	/* RFC 6376 3.4.3 and 3.4.4: an empty body */
	assert_string_equal(hash_body(CANONICALIZATION_SIMPLE, "", 0, 0),
			    "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
	assert_string_equal(hash_body(CANONICALIZATION_RELAXED, "", 0, 0),
			    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	/* RFC 8463 A.3: the body of the example, in its relaxed form */
	assert_string_equal(hash_body(CANONICALIZATION_RELAXED,
				      "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"
				      "Joe.\r\n",
				      0, 0),
			    "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
}

static void test_bodies(void **state)
{
	static const struct {
		const char *body, *simple, *relaxed;
	} cases[] = {
		/* RFC 6376 3.4.5 */
		{" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
		{"\r\n\r\n", "\r\n", ""},
		{" \r\n\t\r\n", " \r\n\t\r\n", ""},
		{"a", "a\r\n", "a\r\n"},
		{"a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
		{"a\r\n \r\nb\r\n \r\n", "a\r\n \r\nb\r\n \r\n", "a\r\n\r\nb\r\n"},
		{"\t \ta\t \tb \t\r\n", "\t \ta\t \tb \t\r\n", " a b\r\n"},
		{"a\rb\r\r\n", "a\rb\r\r\n", "a\rb\r\r\n"},
		{"a\r", "a\r\r\n", "a\r\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body = cases[i].body;
		char simple[64], relaxed[64];

		snprintf(simple, sizeof(simple), "%s", digest_of(cases[i].simple));
		snprintf(relaxed, sizeof(relaxed), "%s", digest_of(cases[i].relaxed));
		for (size_t first = 0; first <= strlen(body); first++) {
			for (size_t second = first; second <= strlen(body); second++) {
				assert_string_equal(
					hash_body(CANONICALIZATION_SIMPLE, body, first, second),
					simple);
				assert_string_equal(
					hash_body(CANONICALIZATION_RELAXED, body, first, second),
					relaxed);
			}
		}
	}
}

static void test_headers(void **state)
{
	static const struct {
		const char *field, *relaxed;
	} cases[] = {
		/* RFC 6376 3.4.5 */
		{"A: X", "a:X"},
		{"B : Y\t\r\n\tZ  ", "b:Y Z"},
		{"Subject:", "subject:"},
		{"Subject: \r\n ", "subject:"},
		{"Subject:a:b", "subject:a:b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int form = 0; form < 2; form++) {
			const char *wanted = form == CANONICALIZATION_RELAXED ? cases[i].relaxed
									      : cases[i].field;
			struct canonical_hash *hash = canonical_new((enum canonicalization)form);
			unsigned char digest[CANONICAL_DIGEST_SIZE];
			char text[128], copy[64];

			canonical_header(hash, cases[i].field, strlen(cases[i].field), true);
			canonical_header(hash, cases[i].field, strlen(cases[i].field), false);
			assert_int_equal(canonical_finish_header(hash, digest), 0);
			canonical_free(hash);
			snprintf(text, sizeof(text), "%s\r\n%s", wanted, wanted);
			snprintf(copy, sizeof(copy), "%s", digest_of(text));
			assert_string_equal(base64(digest), copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
