/*
 * Preloaded into postern-milter, makes one function of OpenSSL, libopendkim or libmilter fail: the
 * one that FAIL names; the one that SLOW names takes a second. So the tests see what becomes of a
 * message when signing breaks down.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define NORESOURCE 6 /* DKIM_STAT_NORESOURCE */
#define INTERNAL   5 /* DKIM_STAT_INTERNAL */

static int fails(const char *name)
{
	const char *wanted = getenv("FAIL"), *slow = getenv("SLOW");

	if (slow && strcmp(slow, name) == 0)
		sleep(1);
	return wanted && strcmp(wanted, name) == 0;
}

/* Defines `name` to return `failure`, or what the real one returns. */
#define WRAP(type, failure, name, parameters, arguments)          \
	type name parameters;                                     \
	type name parameters                                      \
	{                                                         \
		type(*real) parameters;                           \
                                                                  \
		*(void **)&real = dlsym(RTLD_NEXT, #name);        \
		return fails(#name) ? (failure) : real arguments; \
	}

WRAP(void *, NULL, dkim_sign,
     (void *lib, void *id, void *closure, void *key, void *selector, void *domain, int header,
      int body, int algorithm, ssize_t length, int *status),
     (lib, id, closure, key, selector, domain, header, body, algorithm, length, status))
WRAP(int, NORESOURCE, dkim_header, (void *dkim, void *text, size_t length), (dkim, text, length))
WRAP(int, INTERNAL, dkim_eoh, (void *dkim), (dkim))
WRAP(int, INTERNAL, dkim_body, (void *dkim, void *data, size_t size), (dkim, data, size))
WRAP(int, INTERNAL, dkim_eom, (void *dkim, void *test), (dkim, test))
WRAP(int, NORESOURCE, dkim_getsighdr_d, (void *dkim, size_t initial, void *text, void *length),
     (dkim, initial, text, length))
WRAP(int, 0, EVP_DigestUpdate, (void *context, void *data, size_t size), (context, data, size))
WRAP(int, 0, EVP_DigestFinal_ex, (void *context, void *digest, void *size), (context, digest, size))
WRAP(void *, NULL, EVP_PKEY_CTX_dup, (void *context), (context))
WRAP(int, 0, EVP_PKEY_sign, (void *context, void *signature, void *size, void *data, size_t length),
     (context, signature, size, data, length))
WRAP(int, -1 /* MI_FAILURE */, smfi_insheader, (void *context, int index, char *name, char *value),
     (context, index, name, value))
