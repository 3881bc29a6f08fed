/* Records of DKIM keys: what RFC 6376 3.6.1 allows, and what nobody can use. */
#include "common/dkim_record.h"

#include <openssl/ec.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* The keys of RFC 8463 A.2. */
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA                                                                                        \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi" \
	"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy" \
	"VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

static void test_parse(void **state)
{
	/* `wrong` NULL: it can be used; `flags`: revoked, testing, strict, and the type of the key
	 */
	static const struct {
		const char *text, *wrong, *flags;
	} cases[] = {
		{"v=DKIM1; k=ed25519; p=" ED25519, NULL, "e"},
		{"v=DKIM1; k=rsa; p=" RSA, NULL, "r"},
		{"p=" RSA, NULL, "r"},
		{"p=" RSA ";", NULL, "r"},
		{" v = DKIM1 ;\r\n\tp = " RSA " ; ", NULL, "r"},
		{"v=DKIM1; p=", NULL, "R"},
		{"v=DKIM1; p= ; t=y", NULL, "Rt"},
		{"k=ED25519; p=" ED25519, NULL, "e"},
		{"p=" RSA "; t=y", NULL, "tr"},
		{"p=" RSA "; t=s : y", NULL, "tsr"},
		{"p=" RSA "; t=yes", NULL, "r"},
		{"p=" RSA "; t=", NULL, "r"},
		{"p=" RSA "; s=tlsrpt:email", NULL, "r"},
		{"p=" RSA "; s=*", NULL, "r"},
		{"p=" RSA "; h=sha1:sha256", NULL, "r"},
		{"p=" RSA "; n=a note = with; x=unknown; y=", NULL, "r"},
		{"p=" RSA "; V=DKIM2", NULL, "r"}, /* names have a letter case */
		{"", "p= is missing", NULL},
		{";", "it is not a list of tags", NULL},
		{"p=" RSA ";;", "it is not a list of tags", NULL},
		{"nonsense", "it is not a list of tags", NULL},
		{"v=spf1 -all", "v= is not DKIM1", NULL},
		{"v=dkim1; p=" RSA, "v= is not DKIM1", NULL},
		{"p=" RSA "; v=DKIM1", "v= is not the first tag", NULL},
		{"v=DKIM1; v=DKIM1; p=", "a tag occurs twice", NULL},
		{"p=" RSA "; p=" RSA, "a tag occurs twice", NULL},
		{"=x; p=" RSA, "a tag has no name", NULL},
		{"v=DKIM1", "p= is missing", NULL},
		{"p=" RSA "; k=dsa", "k= is neither rsa nor ed25519", NULL},
		{"p=" RSA "; k=", "k= is neither rsa nor ed25519", NULL},
		{"p=" RSA "; h=sha1", "h= leaves out sha256", NULL},
		{"p=" RSA "; h=", "h= leaves out sha256", NULL},
		{"p=" RSA "; s=tlsrpt", "s= leaves out email", NULL},
		{"p=!!!!", "p= is not base64", NULL},
		{"p=QUJD=", "p= is not base64", NULL},
		{"p==QUJ", "p= is not base64", NULL},
		{"p=QUJD", "p= holds no key of the type that k= tells", NULL},
		{"p=" ED25519, "p= holds no key of the type that k= tells", NULL},
		{"k=ed25519; p=" RSA, "p= holds no key of the type that k= tells", NULL},
		{"p=" RSA "QUJD", "p= holds no key of the type that k= tells", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dkim_record record = {.testing = true};
		const char *wrong =
			dkim_record_parse(cases[i].text, strlen(cases[i].text), &record);
		char flags[8] = "";

		if (!wrong != !cases[i].wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0))
			fail_msg("'%s': %s", cases[i].text, wrong ? wrong : "good");
		if (wrong) {
			assert_true(record.testing); /* untouched */
			continue;
		}
		snprintf(flags, sizeof(flags), "%s%s%s%s", record.revoked ? "R" : "",
			 record.testing ? "t" : "", record.strict ? "s" : "",
			 !record.key					    ? ""
			 : EVP_PKEY_get_base_id(record.key) == EVP_PKEY_RSA ? "r"
									    : "e");
		if (strcmp(flags, cases[i].flags) != 0)
			fail_msg("'%s' gives %s", cases[i].text, flags);
		dkim_record_done(&record);
	}
}

static void test_hostile(void **state)
{
	char *text = malloc(100000);
	struct dkim_record record;

	(void)state;
	assert_non_null(text);
	memset(text, 'A', 100000);
	memcpy(text, "p=", 2);
	assert_string_equal(dkim_record_parse(text, 100000, &record), "it is not text");
	assert_non_null(dkim_record_parse(text, 16384, &record));
	assert_string_equal(dkim_record_parse("p=\0", 3, &record), "it is not text");
	memset(text, ';', 16384);
	assert_non_null(dkim_record_parse(text, 16384, &record));
	memset(text, ' ', 16384);
	assert_non_null(dkim_record_parse(text, 16384, &record));
	free(text);
}

/* What is written is read as the same key. */
static void test_text(void **state)
{
	static const char *const texts[] = {"v=DKIM1; k=ed25519; p=" ED25519,
					    "v=DKIM1; k=rsa; p=" RSA};
	struct arena *arena = arena_new(0), *small = arena_new(20);
	EVP_PKEY *other = EVP_EC_gen("P-256");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dkim_record record;

		assert_null(dkim_record_parse(texts[i], strlen(texts[i]), &record));
		assert_string_equal(dkim_record_text(arena, record.key), texts[i]);
		assert_null(dkim_record_text(small, record.key));
		dkim_record_done(&record);
	}
	assert_null(dkim_record_text(arena, other));
	EVP_PKEY_free(other);
	assert_string_equal(dkim_record_zone_line(arena, "example.com", "mail", "v=DKIM1; p=QUJD"),
			    "mail._domainkey.example.com. IN TXT ( \"v=DKIM1; p=QUJD\" )");
	arena_free(small);
	arena_free(arena);
}

static void test_servers(void **state)
{
	static const char *const good[] = {"192.0.2.1", "192.0.2.1:5353", "2001:db8::1",
					   "::1",	"[2001:db8::1]",  "[2001:db8::1]:5353"};
	static const char *const bad[] = {"",
					  "localhost",
					  "192.0.2.1:0",
					  "192.0.2.1:",
					  "192.0.2.1:65536",
					  "192.0.2.1:+53",
					  "[::1",
					  "[::1]:x",
					  ":53",
					  "192.0.2.1:53 ",
					  "::1]:53"};
	struct dns_resolver *resolver = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!dns_server_is_valid(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (dns_server_is_valid(bad[i]))
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(dns_resolver_new(&bad[i], 1, 100, &resolver), -22 /* EINVAL */);
	}
	assert_int_equal(dns_resolver_new(bad, 11, 100, &resolver), -22);
	assert_null(resolver);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",	     ".",   "a..b",	     ".a", "a b",
					  "a\\046b", "a/b", "\xc3\xbc.test", "a;b"};
	const char *server = "127.0.0.1:9"; /* nobody is asked */
	struct arena *arena = arena_new(0);
	struct dns_resolver *resolver;
	struct dns_texts texts;
	char longest[300];

	(void)state;
	assert_int_equal(dns_resolver_new(&server, 1, 100, &resolver), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (dns_lookup_txt(resolver, arena, bad[i], 0, &texts) != -22)
			fail_msg("%s is asked for", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	assert_int_equal(dns_lookup_txt(resolver, arena, longest, 0, &texts), -22);
	for (size_t i = 0; i < 254; i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[255] = '\0';
	assert_int_equal(dns_lookup_txt(resolver, arena, longest, 0, &texts), -22);
	dns_resolver_free(resolver);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_servers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
