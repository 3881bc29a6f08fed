/* Password hashes; see password.h. */
#include "confgen/derive/password.h"

#include <crypt.h>
#include <openssl/evp.h>

#define SALT_LENGTH 16 /* the most that SHA512-CRYPT uses */

const char *password_hash(struct arena *arena, const char *host, const char *user,
			  const char *password)
{
	static const char alphabet[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *seed = arena_printf(arena, "postern:%s:%s", host, user);
	unsigned char digest[EVP_MAX_MD_SIZE];
	char setting[SALT_LENGTH + 4] = "$6$";
	struct crypt_data *data;
	const char *hash;

	if (!EVP_Digest(seed, strlen(seed), digest, NULL, EVP_sha256(), NULL))
		return NULL;
	for (size_t i = 0; i < SALT_LENGTH; i++)
		setting[3 + i] = alphabet[digest[i] & 63];
	data = arena_alloc(arena, sizeof(*data));
	hash = crypt_r(password, setting, data);
	if (!hash || hash[0] == '*')
		return NULL;
	hash = arena_strdup(arena, hash);
	explicit_bzero(data, sizeof(*data));
	return hash;
}
