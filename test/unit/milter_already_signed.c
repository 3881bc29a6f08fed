/* Signatures of earlier hops: the examples of the standards, and what must not count. */
#include "milter/already_signed.h"
#include "milter/canonical.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* RFC 6376 A.2 and RFC 8463 A.3; the signatures come first. */
static struct message_field rfc6376[] = {
	{"DKIM-Signature",
	 "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
	 "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
	 "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
	 "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	 "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
	 "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
	 "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
	 "      4bmp/YzhwvcubU4=;",
	 0},
	{"Received",
	 "Received: from client1.football.example.com  [192.0.2.1]\r\n"
	 "      by submitserver.example.com with SUBMISSION;\r\n"
	 "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)",
	 0},
	{"From", "From: Joe SixPack <joe@football.example.com>", 0},
	{"To", "To: Suzie Q <suzie@shopping.example.net>", 0},
	{"Subject", "Subject: Is dinner ready?", 0},
	{"Date", "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)", 0},
	{"Message-ID", "Message-ID: <20030712040037.46341.5F8J@football.example.com>", 0},
};
static struct message_field rfc8463[] = {
	{"DKIM-Signature",
	 "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	 " d=football.example.com; i=@football.example.com;\r\n"
	 " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	 " subject : date : message-id : from : subject : date;\r\n"
	 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	 " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	 " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
	 0},
	{"DKIM-Signature",
	 "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	 " d=football.example.com; i=@football.example.com;\r\n"
	 " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	 " date : message-id : from : subject : date;\r\n"
	 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	 " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	 " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	 " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
	 0},
	{"From", "From: Joe SixPack <joe@football.example.com>", 0},
	{"To", "To: Suzie Q <suzie@shopping.example.net>", 0},
	{"Subject", "Subject: Is dinner ready?", 0},
	{"Date", "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)", 0},
	{"Message-ID", "Message-ID: <20030712040037.46341.5F8J@football.example.com>", 0},
};

static const char rfc6376_key[] =
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1"
	"fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR"
	"+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
static const char rfc8463_rsa_key[] =
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qh"
	"dR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+"
	"PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
static const char rfc8463_ed25519_key[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char rfc6376_body[] =
	"Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
static const char rfc8463_body[] =
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n";

/* A published key, from base64. */
static struct key read_key(const char *base64, enum key_type type)
{
	unsigned char octets[1024];
	const unsigned char *p = octets;
	int length = EVP_DecodeBlock(octets, (const unsigned char *)base64, (int)strlen(base64));
	struct key key = {.type = type};

	assert_true(length > 0);
	key.pkey = type == KEY_RSA
			   ? d2i_PUBKEY(NULL, &p, length)
			   : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, 32);
	assert_non_null(key.pkey);
	return key;
}

struct example {
	const char *name;
	struct message_field *own, *fields;
	size_t count;
	const char *body, *key;
	enum key_type type;
};

static const struct example examples[] = {
	{"RFC 6376", rfc6376, rfc6376 + 1, 6, rfc6376_body, rfc6376_key, KEY_RSA},
	{"RFC 8463, Ed25519", rfc8463, rfc8463 + 2, 5, rfc8463_body, rfc8463_ed25519_key,
	 KEY_ED25519},
	{"RFC 8463, RSA", rfc8463 + 1, rfc8463 + 2, 5, rfc8463_body, rfc8463_rsa_key, KEY_RSA},
};

#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static int set_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rfc6376) / sizeof(rfc6376[0]); i++)
		rfc6376[i].length = strlen(rfc6376[i].text);
	for (size_t i = 0; i < sizeof(rfc8463) / sizeof(rfc8463[0]); i++)
		rfc8463[i].length = strlen(rfc8463[i].text);
	return 0;
}

/* Whether a signature is read, and is good for the fields and the body. */
static bool is_good(const struct message_field *own, const struct message_field *fields,
		    size_t count, const char *body, const struct key *key)
{
	const char *value = strchr(own->text, ':') + 1;
	unsigned char digest[CANONICAL_DIGEST_SIZE];
	struct arena *arena = arena_new(0);
	struct canonical_hash *hash;
	struct signature_tags tags;
	bool good = false;

	if (signature_tags_read(arena, value, 1600000000, &tags)) {
		hash = canonical_new(tags.body);
		canonical_body(hash, body, strlen(body));
		assert_int_equal(canonical_finish_body(hash, digest), 0);
		canonical_free(hash);
		good = signature_is_good(arena, &tags, own, fields, count, digest, key);
	}
	arena_free(arena);
	return good;
}

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *example = &examples[i];
		struct key key = read_key(example->key, example->type);

		if (!is_good(example->own, example->fields, example->count, example->body, &key))
			fail_msg("%s", example->name);
		/* a second message with the same arguments is judged alike: nothing is kept */
		assert_true(is_good(example->own, example->fields, example->count, example->body,
				    &key));
		EVP_PKEY_free(key.pkey);
	}
}

/* Every octet that is signed counts, and so does every field. */
static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *example = &examples[i];
		struct key key = read_key(example->key, example->type);
		struct message_field fields[8];

		assert_false(
			is_good(example->own, example->fields, example->count, "Hi.\r\n", &key));
		for (size_t j = 0; j < example->count; j++) {
			char *text = strdup(example->fields[j].text);

			memcpy(fields, example->fields, example->count * sizeof(*fields));
			text[strlen(text) - 1] ^= 1;
			fields[j].text = text;
			if (is_good(example->own, fields, example->count, example->body, &key))
				fail_msg("%s: field %zu changed", example->name, j);
			free(text);
			memmove(fields + j, fields + j + 1,
				(example->count - j - 1) * sizeof(*fields));
			if (is_good(example->own, fields, example->count - 1, example->body, &key))
				fail_msg("%s: field %zu gone", example->name, j);
		}
		/* one more of a signed name, below the others as verifiers take them first */
		memcpy(fields, example->fields, example->count * sizeof(*fields));
		fields[example->count] = (struct message_field){"From", "From: x@evil.test", 17};
		assert_false(
			is_good(example->own, fields, example->count + 1, example->body, &key));
		EVP_PKEY_free(key.pkey);
	}
}

static void test_other_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++)
		for (size_t j = 0; j < EXAMPLES; j++) {
			struct key key = read_key(examples[j].key, examples[j].type);
			bool good = is_good(examples[i].own, examples[i].fields, examples[i].count,
					    examples[i].body, &key);

			if (good != (i == j))
				fail_msg("%s with the key of %s", examples[i].name,
					 examples[j].name);
			EVP_PKEY_free(key.pkey);
		}
}

static void test_tags(void **state)
{
	static const struct {
		const char *value;
		bool read;
	} cases[] = {
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y", true},
		{" v=1;a=a;d=d;s=s;h=from;bh=x;b=y;", true},
		{"a=a; d=d; s=s; h=from; bh=x; b=y", true}, /* others judge such; ours has v= */
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; z=\t:x", true},
		{"v=2; a=a; d=d; s=s; h=from; bh=x; b=y", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=", false},
		{"v=1; a=a; d=d; d=e; s=s; h=from; bh=x; b=y", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; l=5", false}, /* a part of the body */
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; c=other", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; c=relaxed/other", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; c=relaxed", true},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; x=1001", true},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; x=1000", false}, /* expired */
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; x=-5", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; x=99999999999999999999", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; nonsense", false},
		{"v=1; a=a; d=d; s=s; h=from; bh=x; b=y; =x", false},
		{"", false},
		{";", false},
	};
	char longest[9000];
	struct arena *arena = arena_new(0);
	struct signature_tags tags;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (signature_tags_read(arena, cases[i].value, 1000, &tags) != cases[i].read)
			fail_msg("case %zu: %s", i, cases[i].value);
	assert_true(signature_tags_read(arena,
					" v=1; a=A a; d=d.\r\n\td; s=s; h=from : to; bh=x y;"
					" b=y\r\n z; c=simple/relaxed",
					1000, &tags));
	assert_string_equal(tags.domain, "d.d");
	assert_string_equal(tags.fields, "from:to");
	assert_string_equal(tags.signature, "yz");
	assert_int_equal(tags.header, CANONICALIZATION_SIMPLE);
	assert_int_equal(tags.body, CANONICALIZATION_RELAXED);
	snprintf(longest, sizeof(longest), "v=1; a=a; d=d; s=s; h=from; bh=x; b=%8192s", "y");
	assert_false(signature_tags_read(arena, longest, 1000, &tags));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, set_lengths, NULL);
}
