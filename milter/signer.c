/* Gives each signature to the engine that its key is for; see signer.h. */
#include "milter/signer.h"
#include "milter/engine.h"

#include <errno.h>

/*
 * Beyond DKIM_MAXHEADER (4096) octets of names libopendkim silently leaves fields unsigned. The
 * other engine has the same limit, so that both sign the same messages.
 */
#define MOST_NAMES 4000

struct signer_library {
	enum signing_engine engine;
	size_t count;
	void *shared[]; /* of libopendkim, by the number of the method; none for the other engine */
};

struct signer {
	const struct engine *engine;
	struct engine_state *state;
	size_t names;	   /* octets that the list of signed fields takes */
	const char *error; /* of our own, or NULL */
	char *signature;
};

struct signer_library *signer_library_new(const struct config *config)
{
	struct signer_library *library =
		calloc(1, sizeof(*library) + config->method_count * sizeof(library->shared[0]));

	if (!library)
		return NULL;
	library->engine = config->engine;
	if (library->engine != ENGINE_OPENDKIM)
		return library;
	for (; library->count < config->method_count; library->count++) {
		library->shared[library->count] =
			opendkim_engine_new(config->methods[library->count]);
		if (!library->shared[library->count]) {
			signer_library_free(library);
			return NULL;
		}
	}
	return library;
}

void signer_library_free(struct signer_library *library)
{
	if (!library)
		return;
	for (size_t i = 0; i < library->count; i++)
		opendkim_engine_free(library->shared[i]);
	free(library);
}

struct signer *signer_begin(struct signer_library *library, const struct signature_request *request)
{
	const struct words *oversigned = &request->method->oversigned_fields;
	struct signer *signer = calloc(1, sizeof(*signer));
	bool opendkim;

	if (!signer)
		return NULL;
	/* libopendkim leaks Ed25519 keys */
	opendkim = library->engine == ENGINE_OPENDKIM && request->key->type == KEY_RSA;
	signer->engine = opendkim ? &opendkim_engine : &openssl_engine;
	signer->state = signer->engine->begin(
		opendkim ? library->shared[request->method->number] : NULL, request);
	if (!signer->state) {
		free(signer);
		return NULL;
	}
	for (size_t i = 0; i < oversigned->count; i++)
		signer->names += strlen(oversigned->items[i]) + 1;
	return signer;
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	signer->engine->free(signer->state);
	free(signer->signature);
	free(signer);
}

int signer_header(struct signer *signer, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);

	signer->names += colon ? (size_t)(colon - text) + 1 : 0;
	if (!colon || signer->names > MOST_NAMES) {
		signer->error = "too many fields to sign";
		return -EIO;
	}
	return signer->engine->header(signer->state, text, length);
}

int signer_headers_done(struct signer *signer)
{
	return signer->engine->headers_done(signer->state);
}

bool signer_wants_body(const struct signer *signer)
{
	return signer->engine->body;
}

int signer_body(struct signer *signer, const void *data, size_t size)
{
	return signer->engine->body(signer->state, data, size);
}

int signer_finish(struct signer *signer, const unsigned char *body_digest, const char **signature)
{
	int error = signer->engine->finish(signer->state, body_digest, &signer->signature);

	if (!error)
		*signature = signer->signature;
	return error;
}

const char *signer_error(const struct signer *signer)
{
	const char *text = signer->error ? signer->error : signer->engine->error(signer->state);

	return text ? text : "unknown error";
}
