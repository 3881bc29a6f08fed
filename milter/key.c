/*
 * Private keys in the form that the engines want; what could make a signature fail later is found
 * by key_file.h, before the service starts; see key.h.
 */
#include "milter/key.h"
#include "common/file.h"
#include "common/key_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* Prepares the context that signatures begin with. */
static bool prepare(struct key *key)
{
	if (key->type == KEY_ED25519) {
		key->ed25519 = EVP_MD_CTX_new();
		return key->ed25519 &&
		       EVP_DigestSignInit(key->ed25519, NULL, NULL, NULL, key->pkey) == 1;
	}
	key->rsa = EVP_PKEY_CTX_new(key->pkey, NULL);
	return key->rsa && EVP_PKEY_sign_init(key->rsa) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) == 1;
}

/*
 * One clean block: what a file may hold around it would keep libopendkim, which looks at the first
 * octets, from seeing that it is PEM.
 */
static bool write_pem(struct key *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data;
	long length;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)) {
		length = BIO_get_mem_data(bio, &data);
		key->pem = malloc((size_t)length + 1);
		if (key->pem) {
			memcpy(key->pem, data, (size_t)length);
			key->pem[length] = '\0';
			key->length = (size_t)length;
		}
	}
	BIO_free(bio);
	return key->pem;
}

static struct key *make_key(EVP_PKEY *pkey)
{
	struct key *key = calloc(1, sizeof(*key));

	if (!key)
		return NULL;
	key->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	key->type = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 ? KEY_ED25519 : KEY_RSA;
	EVP_PKEY_up_ref(pkey);
	key->pkey = pkey;
	if (write_pem(key) && prepare(key))
		return key;
	key_free(key);
	return NULL;
}

struct key *key_load(const char *path, struct position at, const struct opener *opener,
		     struct diagnostics *list)
{
	AUTO_CLOSE int fd = opener->open(opener, path, false);
	struct key *key = NULL;
	time_t modified = 0;
	EVP_PKEY *pkey = NULL;

	if (fd < 0)
		diagnostics_add(list, SEVERITY_ERROR, NULL, at, "key %s: %s", path, strerror(-fd));
	else
		pkey = key_file_load(fd, path, at, list, &modified);
	if (pkey) {
		key = make_key(pkey);
		if (key)
			key->modified = modified;
		else
			diagnostics_add(list, SEVERITY_ERROR, NULL, at,
					"key %s: OpenSSL cannot sign with it", path);
	}
	EVP_PKEY_free(pkey);
	return key;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_CTX_free(key->rsa);
	EVP_MD_CTX_free(key->ed25519);
	EVP_PKEY_free(key->pkey);
	if (key->pem)
		explicit_bzero(key->pem, key->length);
	free(key->pem);
	free(key);
}

const char *key_algorithm(const struct key *key)
{
	return key->type == KEY_ED25519 ? "ed25519-sha256" : "rsa-sha256";
}

bool key_is_active(const struct signing_key *key, int64_t now)
{
	return key->active_from <= now && now < key->retire_after;
}
