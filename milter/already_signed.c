/* Reads and verifies signatures that our own keys made; see already_signed.h. */
#include "milter/already_signed.h"
#include "milter/canonical.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <strings.h>

#define LARGEST_VALUE	  8192
#define LARGEST_SIGNATURE 1024 /* octets, of a key of 8192 bits */
#define MOST_NAMES	  500

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A copy of a tag's value without any blanks: none of those that are read here holds some. */
static char *squeeze(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_strndup(arena, text, length), *out = copy;

	for (const char *p = copy; copy && *p; p++)
		if (!is_blank(*p))
			*out++ = *p;
	if (copy)
		*out = '\0';
	return copy;
}

/* One tag of a list, and where it stands. */
struct tag {
	const char *name, *value;
	size_t name_length, value_length;
};

/* Takes the next tag off `*text`. False at the end, and at what is no tag. */
static bool next_tag(const char **text, struct tag *tag)
{
	const char *p = *text, *end;

	while (is_blank(*p))
		p++;
	tag->name = p;
	while (*p && *p != '=' && *p != ';' && !is_blank(*p))
		p++;
	tag->name_length = (size_t)(p - tag->name);
	while (is_blank(*p))
		p++;
	if (*p != '=' || !tag->name_length)
		return false;
	tag->value = p + 1;
	end = tag->value + strcspn(tag->value, ";");
	tag->value_length = (size_t)(end - tag->value);
	*text = *end ? end + 1 : end;
	return true;
}

static bool is_named(const struct tag *tag, const char *name)
{
	return tag->name_length == strlen(name) && strncmp(tag->name, name, tag->name_length) == 0;
}

static bool read_forms(const char *text, struct signature_tags *tags)
{
	const char *slash = strchr(text, '/'), *body = slash ? slash + 1 : "simple";
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	bool relaxed = length == 7 && strncmp(text, "relaxed", 7) == 0;

	if (!relaxed && !(length == 6 && strncmp(text, "simple", 6) == 0))
		return false;
	if (strcmp(body, "relaxed") != 0 && strcmp(body, "simple") != 0)
		return false;
	tags->header = relaxed ? CANONICALIZATION_RELAXED : CANONICALIZATION_SIMPLE;
	tags->body = *body == 'r' ? CANONICALIZATION_RELAXED : CANONICALIZATION_SIMPLE;
	return true;
}

/* Takes one tag; false when it makes the signature useless. */
static bool take_tag(struct arena *arena, const struct tag *tag, int64_t now,
		     struct signature_tags *tags)
{
	const struct {
		char name[4];
		char **place;
	} places[] = {{"a", &tags->algorithm}, {"d", &tags->domain},	 {"s", &tags->selector},
		      {"h", &tags->fields},    {"bh", &tags->body_hash}, {"b", &tags->signature}};
	char *value = squeeze(arena, tag->value, tag->value_length);

	if (!value || is_named(tag, "l"))
		return false;
	if (is_named(tag, "v"))
		return strcmp(value, "1") == 0;
	if (is_named(tag, "c"))
		return read_forms(value, tags);
	if (is_named(tag, "x"))
		return strspn(value, "0123456789") == strlen(value) && strlen(value) <= 12 &&
		       strtoll(value, NULL, 10) > now;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!is_named(tag, places[i].name))
			continue;
		if (*places[i].place || !*value)
			return false;
		*places[i].place = value;
	}
	return true;
}

bool signature_tags_read(struct arena *arena, const char *value, int64_t now,
			 struct signature_tags *out)
{
	struct signature_tags tags = {.header = CANONICALIZATION_SIMPLE,
				      .body = CANONICALIZATION_SIMPLE};
	struct tag tag;

	if (strlen(value) > LARGEST_VALUE)
		return false;
	while (next_tag(&value, &tag))
		if (!take_tag(arena, &tag, now, &tags))
			return false;
	while (is_blank(*value))
		value++;
	if (*value || !tags.algorithm || !tags.domain || !tags.selector || !tags.fields ||
	    !tags.body_hash || !tags.signature)
		return false;
	*out = tags;
	return true;
}

/* The octets of base64 text; their number, or 0. */
static size_t decode(const char *text, unsigned char *out, size_t size)
{
	size_t length = strlen(text), padding = 0;

	if (length == 0 || length % 4 || length / 4 * 3 > size)
		return 0;
	while (padding < 2 && text[length - 1 - padding] == '=')
		padding++;
	if (EVP_DecodeBlock(out, (const unsigned char *)text, (int)length) < 0)
		return 0;
	return length / 4 * 3 - padding;
}

/* The last field of this name that was not taken yet. */
static const struct message_field *take_field(const struct message_field *fields, bool *taken,
					      size_t count, const char *name)
{
	for (size_t i = count; i-- > 0;) {
		if (taken[i] || strcasecmp(fields[i].name, name) != 0)
			continue;
		taken[i] = true;
		return &fields[i];
	}
	return NULL;
}

static bool hash_fields(struct arena *arena, struct canonical_hash *hash, char *names,
			const struct message_field *fields, size_t count)
{
	bool *taken = arena_array(arena, count + 1, sizeof(*taken));
	size_t total = 0;

	for (char *name = names, *next; taken && name; name = next) {
		const struct message_field *field;

		next = strchr(name, ':');
		if (next)
			*next++ = '\0';
		if (++total > MOST_NAMES)
			return false;
		field = take_field(fields, taken, count, name);
		if (field)
			canonical_header(hash, field->text, field->length, true);
	}
	return taken != NULL;
}

/* Hashes the signature's own field with an empty b=. */
static bool hash_own(struct arena *arena, struct canonical_hash *hash,
		     const struct message_field *own)
{
	const char *text = strchr(own->text, ':');
	struct tag tag;
	size_t before;
	char *copy;

	if (!text)
		return false;
	text++;
	do
		if (!next_tag(&text, &tag))
			return false;
	while (!is_named(&tag, "b"));
	before = (size_t)(tag.value - own->text);
	copy = arena_strndup(arena, own->text, own->length - tag.value_length);
	if (!copy)
		return false;
	memcpy(copy + before, tag.value + tag.value_length,
	       own->length - before - tag.value_length);
	canonical_header(hash, copy, own->length - tag.value_length, false);
	return true;
}

static bool verify_rsa(EVP_PKEY *pkey, const unsigned char *digest, const unsigned char *signature,
		       size_t size)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	bool good = context && EVP_PKEY_verify_init(context) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(context, signature, size, digest, CANONICAL_DIGEST_SIZE) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static bool verify_ed25519(EVP_PKEY *pkey, const unsigned char *digest,
			   const unsigned char *signature, size_t size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(context, signature, size, digest, CANONICAL_DIGEST_SIZE) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

bool signature_is_good(struct arena *arena, const struct signature_tags *tags,
		       const struct message_field *own, const struct message_field *fields,
		       size_t count, const unsigned char *body_digest, const struct key *key)
{
	unsigned char digest[CANONICAL_DIGEST_SIZE], signature[LARGEST_SIGNATURE + 3];
	size_t size = decode(tags->body_hash, signature, sizeof(signature));
	struct canonical_hash *hash;
	bool good;

	if (strcmp(tags->algorithm, key_algorithm(key)) != 0 || size != CANONICAL_DIGEST_SIZE ||
	    memcmp(signature, body_digest, size) != 0)
		return false;
	size = decode(tags->signature, signature, sizeof(signature));
	hash = size ? canonical_new(tags->header) : NULL;
	good = hash && hash_fields(arena, hash, tags->fields, fields, count) &&
	       hash_own(arena, hash, own) && canonical_finish_header(hash, digest) == 0;
	canonical_free(hash);
	if (good)
		good = (key->type == KEY_RSA ? verify_rsa : verify_ed25519)(key->pkey, digest,
									    signature, size);
	ERR_clear_error();
	return good;
}
