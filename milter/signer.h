/*
 * The signing engine: one DKIM signature over one message.
 *
 * A signer takes the fields that are to be signed, then the body, then gives the signature. The
 * signature is rsa-sha256 with relaxed canonicalization of header and body (RFC 6376), signs every
 * field that it is given, and lists From once more than it occurs, so that none can be added.
 *
 * A library is shared by all threads; a signer belongs to one thread at a time.
 */
#ifndef POSTERN_MILTER_SIGNER_H
#define POSTERN_MILTER_SIGNER_H

#include "milter/key.h"

#include <stddef.h>

struct signer_library;
struct signer;

/* NULL when memory is short. */
struct signer_library *signer_library_new(void);
void signer_library_free(struct signer_library *library);

/*
 * Begins a signature. `id` names the message in the engine's messages; it and the other texts must
 * outlive the signer. Returns NULL when memory is short or the engine refuses.
 */
struct signer *signer_begin(struct signer_library *library, const char *id, const char *domain,
			    const char *selector, const struct key *key);
void signer_free(struct signer *signer);

/*
 * The following return 0, -ENOMEM, or -EIO for any other failure of the engine, after which only
 * signer_error() and signer_free() may be called.
 */

/* Adds a header field: "Name:value" with CRLF in the folds and none at the end. */
int signer_header(struct signer *signer, const char *text, size_t length);

int signer_headers_done(struct signer *signer);

/* Adds a piece of the body, in which every line ends in CRLF. */
int signer_body(struct signer *signer, const void *data, size_t size);

/* Gives the value of the DKIM-Signature field, folds as LF and tab; it belongs to the signer. */
int signer_finish(struct signer *signer, const char **signature);

/* What went wrong, in the engine's words; belongs to the signer. */
const char *signer_error(const struct signer *signer);

#endif
