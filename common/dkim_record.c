/* The DNS record that publishes a DKIM key, read and written; see dkim_record.h. */
#include "common/dkim_record.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <strings.h>

#define LONGEST_RECORD	 16384 /* octets; RSA with 16384 bits needs 2,800 */
#define LONGEST_STRING	 255   /* RFC 1035 3.3 */
#define ED25519_KEY_SIZE 32
#define MOST_RSA_BITS	 16384 /* OpenSSL checks no signature of a larger one */

/* The tags of a record that matter here; RFC 6376 3.6.1. */
enum tag { TAG_V, TAG_H, TAG_K, TAG_P, TAG_S, TAG_T, TAG_COUNT };

struct span {
	const char *text; /* NULL: the tag is not there */
	size_t length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool equals(const struct span *span, const char *word)
{
	return span->length == strlen(word) && strncasecmp(span->text, word, span->length) == 0;
}

static struct span trim(const char *text, size_t length)
{
	while (length && is_blank(*text))
		text++, length--;
	while (length && is_blank(text[length - 1]))
		length--;
	return (struct span){text, length};
}

/* Whether `list`, words with colons between them, has one of the two words. */
static bool lists(const struct span *list, const char *one, const char *other)
{
	const char *text = list->text, *end = list->text + list->length;

	for (;;) {
		const char *colon = memchr(text, ':', (size_t)(end - text));
		struct span word = trim(text, (size_t)((colon ? colon : end) - text));

		if (equals(&word, one) || equals(&word, other))
			return true;
		if (!colon)
			return false;
		text = colon + 1;
	}
}

/* Names of tags, unlike most of DNS, are told apart by letter case. */
static const char *add_tag(const struct span *name, const struct span *value, bool first,
			   struct span *tags)
{
	static const char names[TAG_COUNT] = {'v', 'h', 'k', 'p', 's', 't'};

	if (name->length == 0)
		return "a tag has no name";
	for (size_t i = 0; i < TAG_COUNT; i++) {
		if (name->length != 1 || name->text[0] != names[i])
			continue;
		if (tags[i].text)
			return "a tag occurs twice";
		if (i == TAG_V && !first)
			return "v= is not the first tag";
		tags[i] = *value;
	}
	return NULL;
}

static const char *parse_tags(const char *text, size_t length, struct span *tags)
{
	const char *end = text + length;
	bool first = true;

	if (length > LONGEST_RECORD || memchr(text, '\0', length))
		return "it is not text";
	while (text < end) {
		const char *stop = memchr(text, ';', (size_t)(end - text));
		struct span part = trim(text, (size_t)((stop ? stop : end) - text)), name, value;
		const char *equal = memchr(part.text, '=', part.length), *wrong;

		text = stop ? stop + 1 : end;
		if (part.length == 0 && !stop && !first)
			break; /* after the last semicolon */
		if (!equal)
			return "it is not a list of tags";
		name = trim(part.text, (size_t)(equal - part.text));
		value = trim(equal + 1, part.length - (size_t)(equal + 1 - part.text));
		wrong = add_tag(&name, &value, first, tags);
		if (wrong)
			return wrong;
		first = false;
	}
	return NULL;
}

/* Base64 with blanks anywhere. Returns the number of octets, or -1. */
static int decode(const struct span *value, unsigned char *out)
{
	char text[LONGEST_RECORD + 1];
	size_t length = 0, padding = 0;
	int octets;

	for (size_t i = 0; i < value->length; i++)
		if (!is_blank(value->text[i]))
			text[length++] = value->text[i];
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	if (length % 4 != 0 || memchr(text, '=', length - padding))
		return -1;
	octets = EVP_DecodeBlock(out, (unsigned char *)text, (int)length);
	return octets < 0 ? -1 : octets - (int)padding;
}

/* RFC 6376 means SubjectPublicKeyInfo, but its text names RSAPublicKey: both are published. */
static EVP_PKEY *decode_rsa(const unsigned char *data, int length)
{
	const unsigned char *next = data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &next, length);

	if (!key) {
		next = data;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &next, length);
	}
	if (key && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || next != data + length)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
	return key;
}

static const char *parse_key(const struct span *tags, EVP_PKEY **out)
{
	bool ed25519 = tags[TAG_K].text && equals(&tags[TAG_K], "ed25519");
	unsigned char data[LONGEST_RECORD];
	int length = decode(&tags[TAG_P], data);
	EVP_PKEY *key = NULL;

	if (length < 0)
		return "p= is not base64";
	if (!ed25519)
		key = decode_rsa(data, length);
	else if (length == ED25519_KEY_SIZE)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, data, ED25519_KEY_SIZE);
	if (!key)
		return "p= holds no key of the type that k= tells";
	if (!ed25519 && EVP_PKEY_get_bits(key) > MOST_RSA_BITS) {
		EVP_PKEY_free(key);
		return "its key is too long for verifiers";
	}
	*out = key;
	return NULL;
}

const char *dkim_record_parse(const char *text, size_t length, struct dkim_record *out)
{
	struct dkim_record record = {.key = NULL};
	struct span tags[TAG_COUNT] = {{NULL, 0}};
	const char *wrong = parse_tags(text, length, tags);

	if (wrong)
		return wrong;
	if (tags[TAG_V].text &&
	    (tags[TAG_V].length != 5 || memcmp(tags[TAG_V].text, "DKIM1", 5) != 0))
		return "v= is not DKIM1";
	if (!tags[TAG_P].text)
		return "p= is missing";
	if (tags[TAG_K].text && !equals(&tags[TAG_K], "rsa") && !equals(&tags[TAG_K], "ed25519"))
		return "k= is neither rsa nor ed25519";
	if (tags[TAG_H].text && !lists(&tags[TAG_H], "sha256", "sha256"))
		return "h= leaves out sha256";
	if (tags[TAG_S].text && !lists(&tags[TAG_S], "email", "*"))
		return "s= leaves out email";
	record.revoked = tags[TAG_P].length == 0;
	record.testing = tags[TAG_T].text && lists(&tags[TAG_T], "y", "y");
	record.strict = tags[TAG_T].text && lists(&tags[TAG_T], "s", "s");
	if (!record.revoked)
		wrong = parse_key(tags, &record.key);
	if (!wrong)
		*out = record;
	return wrong;
}

void dkim_record_done(struct dkim_record *record)
{
	EVP_PKEY_free(record->key);
	record->key = NULL;
}

static char *encode(struct arena *arena, const char *type, const unsigned char *data, size_t length)
{
	char *base64 = arena_alloc(arena, length / 3 * 4 + 5);

	if (!base64)
		return NULL;
	EVP_EncodeBlock((unsigned char *)base64, data, (int)length);
	return arena_printf(arena, "v=DKIM1; k=%s; p=%s", type, base64);
}

char *dkim_record_text(struct arena *arena, EVP_PKEY *key)
{
	unsigned char raw[ED25519_KEY_SIZE], *der = NULL;
	size_t size = sizeof(raw);
	char *text = NULL;
	int length;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return EVP_PKEY_get_raw_public_key(key, raw, &size) == 1
			       ? encode(arena, "ed25519", raw, size)
			       : NULL;
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return NULL;
	length = i2d_PUBKEY(key, &der);
	if (length > 0)
		text = encode(arena, "rsa", der, (size_t)length);
	OPENSSL_free(der);
	return text;
}

static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

EVP_PKEY *dkim_record_key(const char *pem, size_t length)
{
	BIO *bio = length <= INT_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
	EVP_PKEY *key = NULL;

	if (!bio)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (!key && BIO_reset(bio) == 1)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

char *dkim_record_name(struct arena *arena, const char *domain, const char *selector)
{
	return arena_printf(arena, "%s._domainkey.%s", selector, domain);
}

char *dkim_record_zone_line(struct arena *arena, const char *domain, const char *selector,
			    const char *text)
{
	char *name = dkim_record_name(arena, domain, selector);
	char *line = name ? arena_printf(arena, "%s. IN TXT (", name) : NULL;

	for (size_t left = strlen(text); line && left;) {
		size_t length = left < LONGEST_STRING ? left : LONGEST_STRING;

		line = arena_printf(arena, "%s \"%.*s\"", line, (int)length, text);
		text += length;
		left -= length;
	}
	return line ? arena_printf(arena, "%s )", line) : NULL;
}
