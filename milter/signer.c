/*
 * The signing engine on libopendkim, of which this is the only user; see signer.h.
 *
 * What is known about libopendkim is kept away from it: no DKIM_OPTS_SKIPHDRS (long names crash
 * it), no dkim_chunk() (drops headers beyond 64 KiB), no DKIM_LIBFLAGS_FIXCRLF (bad signatures), no
 * malloc hooks (some objects are freed with free()). Without DKIM_OPTS_SIGNHDRS it signs every
 * field that it is given, so the caller's choice is the only list of names.
 */
#include "milter/signer.h"

#include <errno.h>
#include <opendkim/dkim.h>

struct signer_library {
	DKIM_LIB *lib;
};

struct signer {
	DKIM *dkim;
	DKIM_STAT status; /* of the last call */
	size_t names;	  /* octets that the list of signed fields takes in the engine */
	char *signature;
};

/* Beyond DKIM_MAXHEADER (4096) octets of names the engine silently leaves fields unsigned. */
#define MOST_NAMES 4000

struct signer_library *signer_library_new(void)
{
	static const char *oversigned[] = {"From", NULL};
	const size_t size = sizeof(oversigned[0]); /* of a pointer: what the engine asks for */
	struct signer_library *library = calloc(1, sizeof(*library));

	if (!library)
		return NULL;
	library->lib = dkim_init(NULL, NULL);
	if (library->lib && dkim_options(library->lib, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS,
					 oversigned, size) == DKIM_STAT_OK)
		return library;
	signer_library_free(library);
	return NULL;
}

void signer_library_free(struct signer_library *library)
{
	if (!library)
		return;
	if (library->lib)
		dkim_close(library->lib);
	free(library);
}

struct signer *signer_begin(struct signer_library *library, const char *id, const char *domain,
			    const char *selector, const struct key *key)
{
	struct signer *signer = calloc(1, sizeof(*signer));

	if (!signer)
		return NULL;
	signer->dkim = dkim_sign(library->lib, (const unsigned char *)id, NULL,
				 (dkim_sigkey_t)key->pem, (const unsigned char *)selector,
				 (const unsigned char *)domain, DKIM_CANON_RELAXED,
				 DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &signer->status);
	if (signer->dkim)
		return signer;
	free(signer);
	return NULL;
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	dkim_free(signer->dkim);
	free(signer->signature);
	free(signer);
}

static int result(struct signer *signer, DKIM_STAT status)
{
	signer->status = status;
	if (status == DKIM_STAT_OK)
		return 0;
	return status == DKIM_STAT_NORESOURCE ? -ENOMEM : -EIO;
}

int signer_header(struct signer *signer, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);

	signer->names += colon ? (size_t)(colon - text) + 1 : 0;
	if (!colon || signer->names > MOST_NAMES)
		return result(signer, DKIM_STAT_SYNTAX);
	return result(signer, dkim_header(signer->dkim, (u_char *)text, length));
}

int signer_headers_done(struct signer *signer)
{
	return result(signer, dkim_eoh(signer->dkim));
}

int signer_body(struct signer *signer, const void *data, size_t size)
{
	return result(signer, dkim_body(signer->dkim, (u_char *)data, size));
}

int signer_finish(struct signer *signer, const char **signature)
{
	u_char *text;
	size_t length, kept = 0;
	int error = result(signer, dkim_eom(signer->dkim, NULL));

	if (!error)
		error = result(signer, dkim_getsighdr_d(signer->dkim, strlen("DKIM-Signature: "),
							&text, &length));
	if (error)
		return error;
	signer->signature = malloc(length + 1);
	if (!signer->signature)
		return result(signer, DKIM_STAT_NORESOURCE);
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\r')
			signer->signature[kept++] = (char)text[i];
	signer->signature[kept] = '\0';
	*signature = signer->signature;
	return 0;
}

const char *signer_error(const struct signer *signer)
{
	const char *text = dkim_geterror(signer->dkim);

	if (!text)
		text = dkim_getresultstr(signer->status);
	return text ? text : "unknown error";
}
