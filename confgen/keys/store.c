/* A folder of DKIM keys; see store.h. */
#include "confgen/keys/store.h"
#include "common/dkim_record.h"
#include "common/file.h"
#include "common/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_FILE ((size_t)64 << 10)

static const unsigned rsa_bits[] = {
	[DKIM_RSA_2048] = 2048, [DKIM_RSA_3072] = 3072, [DKIM_RSA_4096] = 4096};

char *store_path(struct arena *arena, const char *folder, const char *domain, const char *selector,
		 const char *ending)
{
	return arena_printf(arena, "%s/%s/%s.%s", folder, domain, selector, ending);
}

/* The file is what it is: whether its mode is good is for others to judge. */
static const char *record_of_private(struct arena *arena, const char *path, int *error)
{
	const char *record = NULL;
	EVP_PKEY *key;
	size_t length;
	char *text;

	*error = file_read(arena, path, LARGEST_FILE, &text, &length);
	if (*error)
		return NULL;
	key = dkim_record_key(text, length);
	explicit_bzero(text, length);
	if (key)
		record = dkim_record_text(arena, key);
	EVP_PKEY_free(key);
	if (!record)
		*error = -EINVAL;
	return record;
}

const char *store_record(struct arena *arena, const char *folder, const char *domain,
			 const char *selector, const char **why)
{
	const char *private = store_path(arena, folder, domain, selector, "private");
	const char *public = store_path(arena, folder, domain, selector, "txt");
	const char *record;
	size_t length;
	char *text;
	int error;

	record = record_of_private(arena, private, &error);
	if (record)
		return record;
	if (error == -EINVAL) {
		*why = arena_printf(arena, "%s holds no key that DKIM knows", private);
		return NULL;
	}
	if (file_read(arena, public, LARGEST_FILE, &text, &length) == 0) {
		record = dkim_record_read_line(arena, text, length);
		if (!record)
			*why = arena_printf(arena, "%s holds no TXT record", public);
		return record;
	}
	*why = error == -ENOENT || error == -ENOTDIR
		       ? arena_printf(arena, "there is no %s", private)
		       : arena_printf(arena, "%s: %s", private, strerror(-error));
	return NULL;
}

EVP_PKEY *store_load(const char *path, struct position at, struct diagnostics *list,
		     time_t *modified, bool *missing)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0 && !*missing)
		diagnostics_add(list, SEVERITY_ERROR, NULL, at, "key %s: %s", path,
				strerror(errno));
	return fd < 0 ? NULL : key_file_load(fd, path, at, list, modified);
}

int store_type(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return DKIM_ED25519;
	for (int type = DKIM_RSA_2048; type <= DKIM_RSA_4096; type++)
		if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits == (int)rsa_bits[type])
			return type;
	return -1;
}

EVP_PKEY *store_generate(enum dkim_type type)
{
	return type == DKIM_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)rsa_bits[type]);
}

/* --- writing --- */

/* Makes the folder and those above it: only their owner may search the ones that are new. */
static int make_folder(struct arena *arena, const char *folder)
{
	const char *slash = strrchr(folder, '/');
	int error;

	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || !slash || slash == folder)
		return -errno;
	error = make_folder(arena, arena_strndup(arena, folder, (size_t)(slash - folder)));
	if (error)
		return error;
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_folder(struct arena *arena, const char *folder)
{
	int error = make_folder(arena, folder);
	int fd = error ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return error ? error : fd < 0 ? -errno : fd;
}

/* Whole under its name, which must be free, or not at all. */
static int create(int dirfd, const char *name, const char *text, size_t length,
		  const struct store_owner *owner)
{
	char hidden[NAME_MAX + 1];
	int error;

	if (snprintf(hidden, sizeof(hidden), ".%.200s.%ld", name, (long)getpid()) < 0)
		return -EINVAL;
	unlinkat(dirfd, hidden, 0); /* a run of the same number that was killed left it */
	error = file_create(dirfd, hidden, 0600, text, length);
	if (error)
		return error;
	if (owner && fchownat(dirfd, hidden, owner->user, owner->group, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	if (!error && linkat(dirfd, hidden, dirfd, name, 0) < 0)
		error = -errno;
	unlinkat(dirfd, hidden, 0);
	if (!error && fsync(dirfd) < 0)
		error = -errno;
	return error;
}

static int write_private(int dirfd, const char *name, EVP_PKEY *key,
			 const struct store_owner *owner)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int error = -ENOMEM;
	char *data;
	long length;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
		length = BIO_get_mem_data(bio, &data);
		error = create(dirfd, name, data, (size_t)length, owner);
	}
	BIO_free(bio);
	return error;
}

/* The name of the key's file with another ending. */
static const char *record_path(struct arena *arena, const char *path)
{
	const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
	size_t length = dot && dot > slash ? (size_t)(dot - path) : strlen(path);

	return arena_printf(arena, "%.*s.txt", (int)length, path);
}

static int write_record(struct arena *arena, const char *path, const char *domain,
			const char *selector, EVP_PKEY *key)
{
	const char *text = dkim_record_text(arena, key);
	const char *line;

	if (!text)
		return -EINVAL;
	line = arena_printf(arena, "%s\n", dkim_record_zone_line(arena, domain, selector, text));
	return file_replace(record_path(arena, path), NULL, 0, line, strlen(line));
}

int store_complete(struct arena *arena, const char *path, const char *domain, const char *selector,
		   EVP_PKEY *key)
{
	if (access(record_path(arena, path), F_OK) == 0)
		return 0;
	return write_record(arena, path, domain, selector, key);
}

int store_write_at(struct arena *arena, const char *path, const char *domain, const char *selector,
		   EVP_PKEY *key, const struct store_owner *owner)
{
	const char *name = strrchr(path, '/') + 1;
	AUTO_CLOSE int dirfd =
		open_folder(arena, arena_strndup(arena, path, (size_t)(name - 1 - path)));
	int error = dirfd < 0 ? dirfd : write_private(dirfd, name, key, owner);

	return error ? error : write_record(arena, path, domain, selector, key);
}
