/*
 * What OpenSSL alone needs: CPU milliseconds of one signature, or of SHA-256 of a MiB.
 *
 * Usage: bare SECONDS [KEY]
 * The key (PEM) is read once. "openssl speed" says nearly the same, of the clock instead of the
 * CPU.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <time.h>

#define MIB ((size_t)1 << 20)

static double cpu(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	return key;
}

/* Signs a digest, as DKIM does. */
static bool sign_once(EVP_PKEY *key)
{
	static const unsigned char digest[32];
	bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t size = sizeof(signature);
	bool done = context &&
		    EVP_DigestSignInit(context, NULL, rsa ? EVP_sha256() : NULL, NULL, key) == 1 &&
		    EVP_DigestSign(context, signature, &size, digest, sizeof(digest)) == 1;

	EVP_MD_CTX_free(context);
	return done;
}

static bool hash_once(const void *data)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	return EVP_Digest(data, MIB, digest, NULL, EVP_sha256(), NULL) == 1;
}

int main(int argc, char **argv)
{
	double began, spent, seconds = argc > 1 ? strtod(argv[1], NULL) : 0;
	EVP_PKEY *key = argc == 3 ? read_key(argv[2]) : NULL;
	void *data = calloc(1, MIB);
	unsigned long count = 0;

	if (seconds <= 0 || argc > 3 || (argc == 3 && !key) || !data) {
		fprintf(stderr, "usage: bare SECONDS [KEY]\n");
		return 2;
	}
	began = cpu();
	do {
		if (!(key ? sign_once(key) : hash_once(data))) {
			fprintf(stderr, "bare: OpenSSL refuses\n");
			return 1;
		}
		count++;
		spent = cpu() - began;
	} while (spent < seconds);
	printf("%.6f\n", spent / (double)count * 1e3);
	EVP_PKEY_free(key);
	free(data);
	return 0;
}
