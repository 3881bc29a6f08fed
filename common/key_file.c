/* Files of private keys, judged; see key_file.h. */
#include "common/key_file.h"
#include "common/file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_FILE  ((size_t)64 << 10)
#define REFUSED_BELOW 1024 /* bits; RFC 8301 3.2: signers must use at least 1024 */
#define WARNED_BELOW  2048 /* and should use at least 2048 */
#define WARNED_ABOVE  4096 /* verifiers need not handle more (RFC 8301 3.2) */
#define REFUSED_ABOVE 8192

#define fail(...)    diagnostics_add(list, SEVERITY_ERROR, NULL, at, __VA_ARGS__)
#define caution(...) diagnostics_add(list, SEVERITY_WARNING, NULL, at, __VA_ARGS__)

static bool check_file(int fd, const char *path, struct position at, struct diagnostics *list,
		       time_t *modified)
{
	struct stat status;

	if (fstat(fd, &status) < 0) {
		fail("key %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		fail("key %s is not a regular file", path);
		return false;
	}
	if (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) {
		fail("key %s can be %s by others (mode %04o)", path,
		     status.st_mode & (S_IWOTH | S_IWGRP) ? "written" : "read",
		     (unsigned)(status.st_mode & 07777));
		diagnostics_hint(list, "chmod 0600 %s", path);
		return false;
	}
	if (status.st_mode & S_IRGRP)
		caution("key %s can be read by its group", path);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		caution("key %s belongs to user %u, who can replace it", path,
			(unsigned)status.st_uid);
	*modified = status.st_mtime;
	return true;
}

/* Reads the file into `arena`, which the caller must wipe. */
static bool read_key_file(struct arena *arena, int fd, const char *path, struct position at,
			  struct diagnostics *list, char **text, size_t *length, time_t *modified)
{
	int error;

	if (!check_file(fd, path, at, list, modified))
		return false;
	error = file_read_fd(arena, fd, LARGEST_FILE, text, length);
	if (error)
		fail("key %s: %s", path, strerror(-error));
	return !error;
}

/* Answers a question for a passphrase: there is none, and nobody may be asked. */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
	(void)buffer, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *parse_pem(const char *path, const char *text, size_t length, struct position at,
			   struct diagnostics *list)
{
	BIO *bio = BIO_new_mem_buf(text, (int)length);
	bool encrypted = false;
	EVP_PKEY *pkey =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (!pkey && encrypted) {
		fail("key %s is encrypted", path);
		diagnostics_hint(
			list, "write it without a passphrase: openssl pkey -in OLD -out %s", path);
	} else if (!pkey) {
		fail("key %s holds no private key in PEM form", path);
	}
	return pkey;
}

static bool check_strength(const char *path, const EVP_PKEY *pkey, struct position at,
			   struct diagnostics *list)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519)
		return true;
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
		fail("key %s is of type %s: only RSA and Ed25519 keys can be used", path,
		     OBJ_nid2sn(EVP_PKEY_get_base_id(pkey)));
		return false;
	}
	if (bits < REFUSED_BELOW || bits > REFUSED_ABOVE) {
		fail("key %s has %d bits: %d to %d can be used", path, bits, REFUSED_BELOW,
		     REFUSED_ABOVE);
		return false;
	}
	if (bits < WARNED_BELOW)
		caution("key %s has %d bits: fewer than %d are weak (RFC 8301)", path, bits,
			WARNED_BELOW);
	if (bits > WARNED_ABOVE)
		caution("key %s has %d bits: not every receiver checks more than %d (RFC 8301)",
			path, bits, WARNED_ABOVE);
	return true;
}

/* A key whose parts do not belong together would give signatures that nobody accepts. */
static bool check_consistency(const char *path, EVP_PKEY *pkey, struct position at,
			      struct diagnostics *list)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	bool good = context && EVP_PKEY_pairwise_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	if (!good)
		fail("key %s is damaged: its parts do not belong together", path);
	return good;
}

EVP_PKEY *key_file_load(int fd, const char *path, struct position at, struct diagnostics *list,
			time_t *modified)
{
	struct arena *arena = arena_new(0);
	EVP_PKEY *pkey = NULL;
	char *text;
	size_t length;

	if (read_key_file(arena, fd, path, at, list, &text, &length, modified)) {
		pkey = parse_pem(path, text, length, at, list);
		explicit_bzero(text, length);
	}
	arena_free(arena);
	if (pkey && check_strength(path, pkey, at, list) && check_consistency(path, pkey, at, list))
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}
