/*
 * Loads private keys: everything that could make a signature fail later is found here, before the
 * service starts; see key.h.
 */
#include "milter/key.h"
#include "common/file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
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
static bool read_key_file(struct arena *arena, const char *path, struct position at,
			  const struct opener *opener, struct diagnostics *list, char **text,
			  size_t *length, time_t *modified)
{
	AUTO_CLOSE int fd = opener->open(opener, path, false);
	int error;

	if (fd < 0) {
		fail("key %s: %s", path, strerror(-fd));
		return false;
	}
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
	struct arena *arena = arena_new(0);
	struct key *key = NULL;
	EVP_PKEY *pkey = NULL;
	time_t modified = 0;
	char *text;
	size_t length;

	if (read_key_file(arena, path, at, opener, list, &text, &length, &modified)) {
		pkey = parse_pem(path, text, length, at, list);
		explicit_bzero(text, length);
	}
	arena_free(arena);
	if (pkey && check_strength(path, pkey, at, list) &&
	    check_consistency(path, pkey, at, list)) {
		key = make_key(pkey);
		if (key)
			key->modified = modified;
		else
			fail("key %s: %s", path, strerror(ENOMEM));
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
