/*
 * What a signing engine gives to signer.c: openssl_engine.c is our own, opendkim_engine.c is
 * libopendkim's. The functions mean what those of signer.h do.
 */
#ifndef POSTERN_MILTER_ENGINE_H
#define POSTERN_MILTER_ENGINE_H

#include "milter/signer.h"

/* An engine's own state. */
struct engine_state;

struct engine {
	/* `shared` is what opendkim_engine_new() gave for the method; the other engine needs
	 * nothing. */
	struct engine_state *(*begin)(void *shared, const struct signature_request *request);
	void (*free)(struct engine_state *state);
	int (*header)(struct engine_state *state, const char *text, size_t length);
	int (*headers_done)(struct engine_state *state);
	/* NULL: the engine takes the body's hash at the end. */
	int (*body)(struct engine_state *state, const void *data, size_t size);
	/* The value, to be freed by the caller; folds as LF and tab. */
	int (*finish)(struct engine_state *state, const unsigned char *body_digest,
		      char **signature);
	const char *(*error)(const struct engine_state *state);
};

extern const struct engine openssl_engine, opendkim_engine;

/* What libopendkim needs for one method: a library, since its options are per library. */
void *opendkim_engine_new(const struct signing_method *method);
void opendkim_engine_free(void *shared);

#endif
