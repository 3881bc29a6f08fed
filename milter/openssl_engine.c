/*
 * Signatures with RSA (RFC 6376) and Ed25519 keys (RFC 8463) by OpenSSL; see engine.h. Our own,
 * because libopendkim reads the key anew for each message, hashes octet by octet and the body once
 * for each signature, and leaks Ed25519 keys.
 *
 * Fields are listed in h= from the last to the first, which is the order in which verifiers take
 * fields of the same name.
 */
#include "milter/canonical.h"
#include "milter/engine.h"

#include <errno.h>
#include <openssl/evp.h>
#include <time.h>

#define LARGEST_SIGNATURE 1024 /* of an RSA key with 8192 bits */
#define LINE_LENGTH	  72

struct field {
	const char *text;
	size_t length;
};

struct engine_state {
	struct signature_request request;
	struct field *fields;
	size_t count, size;
	const char *error;
};

/* The value as it grows: a list of tags, folded between them. */
struct value {
	char *text;
	size_t length, size, column;
	bool failed;
};

static struct engine_state *begin(void *shared, const struct signature_request *request)
{
	struct engine_state *state = calloc(1, sizeof(*state));

	(void)shared;
	if (!state)
		return NULL;
	state->request = *request;
	return state;
}

static void free_state(struct engine_state *state)
{
	free(state->fields);
	free(state);
}

static int header(struct engine_state *state, const char *text, size_t length)
{
	if (state->count == state->size) {
		size_t size = state->size ? 2 * state->size : 32;
		struct field *fields = realloc(state->fields, size * sizeof(*fields));

		if (!fields) {
			state->error = "out of memory";
			return -ENOMEM;
		}
		state->fields = fields;
		state->size = size;
	}
	state->fields[state->count++] = (struct field){text, length};
	return 0;
}

static int headers_done(struct engine_state *state)
{
	(void)state;
	return 0;
}

static void add(struct value *value, const char *text, size_t length)
{
	if (value->failed)
		return;
	if (value->length + length + 1 > value->size) {
		size_t size = 2 * (value->length + length + 512);
		char *grown = realloc(value->text, size);

		if (!grown) {
			value->failed = true;
			return;
		}
		value->text = grown;
		value->size = size;
	}
	memcpy(value->text + value->length, text, length);
	value->length += length;
	value->text[value->length] = '\0';
	value->column += length;
}

/* Adds a piece that is not to be broken, on a new line when this one would get too long. */
static void add_piece(struct value *value, const char *text, size_t length)
{
	if (value->column + length > LINE_LENGTH) {
		add(value, "\n\t", 2);
		value->column = 8;
	}
	add(value, text, length);
}

static void add_tag(struct value *value, const char *name, const char *text)
{
	char piece[512];
	int length = snprintf(piece, sizeof(piece), "%s=%s;", name, text);

	if (length < 0 || (size_t)length >= sizeof(piece)) {
		value->failed = true;
		return;
	}
	if (value->length && value->column + (size_t)length + 1 <= LINE_LENGTH)
		add(value, " ", 1);
	add_piece(value, piece, (size_t)length);
}

/* The names of the signed fields from the last to the first, then the oversigned ones. */
static void add_names(struct value *value, const struct engine_state *state)
{
	const struct words *oversigned = &state->request.method->oversigned_fields;
	const char *between = "";

	add_piece(value, " h=", 3);
	for (size_t i = state->count; i-- > 0; between = ":") {
		const struct field *field = &state->fields[i];
		size_t length = strcspn(field->text, " \t:");

		add(value, between, strlen(between));
		add_piece(value, field->text, length);
	}
	for (size_t i = 0; i < oversigned->count; i++, between = ":") {
		add(value, between, strlen(between));
		add_piece(value, oversigned->items[i], strlen(oversigned->items[i]));
	}
	add(value, ";", 1);
}

static void add_base64(struct value *value, const unsigned char *data, size_t size)
{
	unsigned char text[4 * ((LARGEST_SIGNATURE + 2) / 3) + 1];
	size_t length = (size_t)EVP_EncodeBlock(text, data, (int)size), part;

	for (size_t done = 0; done < length; done += part) {
		part = value->column < LINE_LENGTH ? LINE_LENGTH - value->column : LINE_LENGTH - 8;
		if (part > length - done)
			part = length - done;
		add_piece(value, (const char *)text + done, part);
	}
}

static void add_times(struct value *value, const struct signing_method *method)
{
	long long now = time(NULL);
	char number[32];

	snprintf(number, sizeof(number), "%lld", now);
	add_tag(value, "t", number);
	if (!method->lifetime)
		return;
	snprintf(number, sizeof(number), "%lld", now + (long long)method->lifetime);
	add_tag(value, "x", number);
}

/* All tags, with b= empty at the end. */
static void write_tags(struct value *value, const struct engine_state *state,
		       const unsigned char *body_digest)
{
	static const char *const forms[] = {
		[CANONICALIZATION_SIMPLE] = "simple", [CANONICALIZATION_RELAXED] = "relaxed"};
	const struct signing_method *method = state->request.method;
	char pair[32];

	value->column = strlen("DKIM-Signature: ");
	snprintf(pair, sizeof(pair), "%s/%s", forms[method->header], forms[method->body]);
	add_tag(value, "v", "1");
	add_tag(value, "a", key_algorithm(state->request.key));
	add_tag(value, "c", pair);
	add_tag(value, "d", state->request.domain);
	add_tag(value, "s", state->request.selector);
	add_times(value, method);
	if (state->request.identity)
		add_tag(value, "i", state->request.identity);
	add_names(value, state);
	add_piece(value, " bh=", 4);
	add_base64(value, body_digest, CANONICAL_DIGEST_SIZE);
	add(value, ";", 1);
	add_piece(value, " b=", 3);
}

/* The hash of the signed fields and of the signature's own, whose value is complete but for b=. */
static int hash_header(const struct engine_state *state, const struct value *value,
		       unsigned char *digest)
{
	struct canonical_hash *hash = canonical_new(state->request.method->header);
	struct value own = {.text = NULL};
	int error;

	if (!hash)
		return -ENOMEM;
	for (size_t i = state->count; i-- > 0;)
		canonical_header(hash, state->fields[i].text, state->fields[i].length, true);
	add(&own, "DKIM-Signature: ", strlen("DKIM-Signature: "));
	for (const char *p = value->text; *p; p++) {
		if (*p == '\n')
			add(&own, "\r", 1);
		add(&own, p, 1);
	}
	if (!own.failed)
		canonical_header(hash, own.text, own.length, false);
	error = own.failed ? -ENOMEM : canonical_finish_header(hash, digest);
	free(own.text);
	canonical_free(hash);
	return error;
}

/* Both sign the hash of the header; RSA says whose it is (PKCS #1 v1.5), Ed25519 hashes it again.
 */
static bool sign_rsa(const struct key *key, const unsigned char *digest, unsigned char *signature,
		     size_t *size)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->rsa);
	bool good = context &&
		    EVP_PKEY_sign(context, signature, size, digest, CANONICAL_DIGEST_SIZE) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static bool sign_ed25519(const struct key *key, const unsigned char *digest,
			 unsigned char *signature, size_t *size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_MD_CTX_copy_ex(context, key->ed25519) == 1 &&
		    EVP_DigestSign(context, signature, size, digest, CANONICAL_DIGEST_SIZE) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static bool sign(const struct key *key, const unsigned char *digest, unsigned char *signature,
		 size_t *size)
{
	return key->type == KEY_RSA ? sign_rsa(key, digest, signature, size)
				    : sign_ed25519(key, digest, signature, size);
}

static int fail(struct engine_state *state, int error, struct value *value)
{
	state->error = error == -ENOMEM ? "out of memory" : "the key cannot sign";
	free(value->text);
	return error;
}

static int finish(struct engine_state *state, const unsigned char *body_digest, char **out)
{
	unsigned char digest[CANONICAL_DIGEST_SIZE], signature[LARGEST_SIGNATURE];
	size_t size = sizeof(signature);
	struct value value = {.text = NULL};
	int error;

	write_tags(&value, state, body_digest);
	error = value.failed ? -ENOMEM : hash_header(state, &value, digest);
	if (!error && !sign(state->request.key, digest, signature, &size))
		error = -EIO;
	if (error)
		return fail(state, error, &value);
	add_base64(&value, signature, size);
	if (value.failed)
		return fail(state, -ENOMEM, &value);
	*out = value.text;
	return 0;
}

static const char *error_text(const struct engine_state *state)
{
	return state->error;
}

const struct engine openssl_engine = {
	.begin = begin,
	.free = free_state,
	.header = header,
	.headers_done = headers_done,
	.finish = finish,
	.error = error_text,
};
