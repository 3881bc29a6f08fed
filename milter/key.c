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

/*
 * One clean block: what a file may hold around it would keep the engine, which looks at the first
 * octets, from seeing that it is PEM.
 */
static struct key *make_key(EVP_PKEY *pkey)
{
	struct key *key = calloc(1, sizeof(*key));
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data;
	long length;

	if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) {
		length = BIO_get_mem_data(bio, &data);
		key->pem = malloc((size_t)length + 1);
		if (key->pem) {
			memcpy(key->pem, data, (size_t)length);
			key->pem[length] = '\0';
			key->length = (size_t)length;
			key->bits = (unsigned)EVP_PKEY_get_bits(pkey);
			key->type = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 ? KEY_ED25519
										   : KEY_RSA;
			EVP_PKEY_up_ref(pkey);
			key->pkey = pkey;
		}
	}
	BIO_free(bio);
	if (key && key->pem)
		return key;
	free(key);
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
			diagnostics_add(list, SEVERITY_ERROR, NULL, at, "key %s: %s", path,
					strerror(ENOMEM));
	}
	EVP_PKEY_free(pkey);
	return key;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
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
