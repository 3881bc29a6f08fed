/* A scratch folder with private keys, for tests of what reads them. */
#ifndef POSTERN_TEST_KEY_FILES_H
#define POSTERN_TEST_KEY_FILES_H

#include "common/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-keys-XXXXXX";

/* The path of a file in the folder; good for a while. */
static inline const char *path_of(const char *name)
{
	static char paths[8][200];
	static size_t next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static inline void write_file(const char *name, mode_t mode, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline void write_key(const char *name, EVP_PKEY *key)
{
	FILE *out = fopen(path_of(name), "w");

	assert_non_null(out);
	assert_int_equal(fchmod(fileno(out), 0600), 0);
	assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(out), 0);
}

static inline void make_key(const char *name)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	assert_non_null(key);
	write_key(name, key);
	EVP_PKEY_free(key);
}

static inline int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *status, int type,
			       struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

static inline int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
