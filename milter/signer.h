/*
 * The signing engine: one DKIM signature over one message.
 *
 * A signer takes the fields that are to be signed, then the body or its hash, then gives the
 * signature (RFC 6376, RFC 8463): rsa-sha256 or ed25519-sha256, by the key. It signs every field
 * that it is given, and lists the oversigned ones once more than they occur, so that none can be
 * added.
 *
 * A library is shared by all threads; a signer belongs to one thread at a time.
 */
#ifndef POSTERN_MILTER_SIGNER_H
#define POSTERN_MILTER_SIGNER_H

#include "milter/key.h"

#include <stddef.h>

struct signer_library;
struct signer;

/* What a signature says. All of it must outlive the signer. */
struct signature_request {
	const char *id; /* names the message in the engine's messages */
	const char *domain, *selector;
	const char *identity; /* i=, or NULL */
	const struct key *key;
	const struct signing_method *method; /* one of the library's configuration */
};

/* For the methods of `config`, which must outlive it. NULL when memory is short. */
struct signer_library *signer_library_new(const struct config *config);
void signer_library_free(struct signer_library *library);

/* Begins a signature. Returns NULL when memory is short or the engine refuses. */
struct signer *signer_begin(struct signer_library *library,
			    const struct signature_request *request);
void signer_free(struct signer *signer);

/*
 * The following return 0, -ENOMEM, or -EIO for any other failure of the engine, after which only
 * signer_error() and signer_free() may be called.
 */

/*
 * Adds a header field, in the order of the message: "Name:value" with CRLF in the folds and none at
 * the end. The text must outlive the signer.
 */
int signer_header(struct signer *signer, const char *text, size_t length);

int signer_headers_done(struct signer *signer);

/* Whether it hashes the body itself; if not, all signatures of a message can share one hash. */
bool signer_wants_body(const struct signer *signer);

/* Adds a piece of the body, in which every line ends in CRLF; for a signer that wants it. */
int signer_body(struct signer *signer, const void *data, size_t size);

/*
 * Gives the value of the DKIM-Signature field, folds as LF and tab; it belongs to the signer.
 * `body_digest` is the hash of the body in the method's form (canonical.h); a signer that wanted
 * the body does not look at it.
 */
int signer_finish(struct signer *signer, const unsigned char *body_digest, const char **signature);

/* What went wrong, in the engine's words; belongs to the signer. */
const char *signer_error(const struct signer *signer);

#endif
