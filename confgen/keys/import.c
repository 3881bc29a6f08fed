/* Where others keep their keys; see import.h. */
#include "confgen/keys/import.h"
#include "common/file.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#define LARGEST_TABLE ((size_t)16 << 20)
#define LARGEST_KEY   ((size_t)64 << 10)
#define SEED_SIZE     32 /* of Ed25519; rspamd writes it with or without the public half behind */

struct finder {
	struct arena *arena;
	const char *folder, *selector;
	const struct topology *topology;
	struct import_keys keys;
	struct diagnostics *list;
};

static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Whether it is a file, and no link leads it out of the folder. */
static bool is_inside(const struct finder *finder, const char *path)
{
	char *folder = realpath(finder->folder, NULL), *real = realpath(path, NULL);
	size_t length = folder ? strlen(folder) : 0;
	bool inside = folder && real && strncmp(real, folder, length) == 0 &&
		      (real[length] == '/' || strcmp(folder, "/") == 0);

	free(folder);
	free(real);
	return inside && is_file(path);
}

/* A file below the folder as a source; NULL when it is not there. */
static struct source *read_below(struct finder *finder, const char *name)
{
	struct source *source = arena_alloc(finder->arena, sizeof(*source));
	char *text;
	int error;

	source->name = arena_printf(finder->arena, "%s/%s", finder->folder, name);
	if (!is_file(source->name))
		return NULL;
	error = file_read(finder->arena, source->name, LARGEST_TABLE, &text, &source->length);
	if (error) {
		diagnostics_add(finder->list, SEVERITY_ERROR, NULL, (struct position){source, 0, 0},
				"cannot be read: %s", strerror(-error));
		return NULL;
	}
	source->text = text;
	return source;
}

/* --- by what configurations say --- */

/*
 * The file that a path of another host, or of a container, means here: the folder with the longest
 * end of the path that is there. Nothing outside of the folder is taken.
 */
static const char *find_below(struct finder *finder, const char *path)
{
	if (strstr(path, "/../") || strncmp(path, "../", 3) == 0)
		return NULL;
	for (const char *end = path; end; end = strchr(end, '/')) {
		const char *here;

		end += *end == '/';
		here = arena_printf(finder->arena, "%s/%s", finder->folder, end);
		if (*end && is_inside(finder, here))
			return here;
	}
	return NULL;
}

static void find_paths(struct finder *finder)
{
	size_t kept = 0;

	for (size_t i = 0; i < finder->keys.count; i++) {
		struct import_key *key = &finder->keys.items[i];
		const char *path = find_below(finder, key->path);

		if (!path) {
			keys_report(finder->list, IMPORT, key->at, "%s is not below %s", key->path,
				    finder->folder);
			diagnostics_hide_source(finder->list);
			diagnostics_hint(finder->list, "name the folder that holds both the tables "
						       "and the keys");
			continue;
		}
		key->path = path;
		finder->keys.items[kept++] = *key;
	}
	finder->keys.count = kept;
}

static bool find_by_tables(struct finder *finder, const char *below)
{
	const struct source *table =
		read_below(finder, arena_printf(finder->arena, "%sKeyTable", below));
	const struct source *signing =
		table ? read_below(finder, arena_printf(finder->arena, "%sSigningTable", below))
		      : NULL;

	if (!table)
		return false;
	import_key_table(finder->arena, table, &finder->keys, finder->list);
	if (signing)
		import_signing_table(finder->arena, signing, &finder->keys, finder->list);
	find_paths(finder);
	return true;
}

static bool find_by_rspamd(struct finder *finder)
{
	static const char *const names[] = {"rspamd/override.d/dkim_signing.conf",
					    "override.d/dkim_signing.conf",
					    "local.d/dkim_signing.conf", "dkim_signing.conf"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct source *source = read_below(finder, names[i]);

		if (!source)
			continue;
		import_rspamd(finder->arena, source, &finder->keys, finder->list);
		find_paths(finder);
		return finder->keys.count > 0;
	}
	return false;
}

/* --- by names of files --- */

static bool ends_with(const char *name, const char *ending, size_t *stem)
{
	size_t length = strlen(name), tail = strlen(ending);

	*stem = length - tail;
	return length > tail && strcmp(name + length - tail, ending) == 0;
}

static void add(struct finder *finder, const char *domain, const char *selector, const char *path)
{
	struct source *source;

	if (check_domain(domain) || check_selector(selector))
		return;
	source = arena_alloc(finder->arena, sizeof(*source));
	*source = (struct source){.name = path};
	*arena_push(finder->arena, &finder->keys) = (struct import_key){
		.domain = domain, .selector = selector, .path = path, .at = {source, 0, 0}};
}

/* "rsa-2048-SELECTOR-DOMAIN", "ed25519-SELECTOR-DOMAIN": both may hold dashes. */
static void add_dms(struct finder *finder, const char *stem, const char *path)
{
	const char *rest = strncmp(stem, "ed25519-", 8) == 0 ? stem + 8 : NULL;
	size_t length = strlen(stem);

	if (strncmp(stem, "rsa-", 4) == 0) {
		rest = strchr(stem + 4, '-');
		rest = rest ? rest + 1 : NULL;
	}
	for (size_t i = 0; rest && i < finder->topology->domains.count; i++) {
		const char *domain = finder->topology->domains.items[i].head.name.value;
		size_t tail = strlen(domain);
		const char *dash = stem + length - tail - 1;

		if (length <= tail + 1 || dash <= rest || *dash != '-' ||
		    strcasecmp(dash + 1, domain) != 0)
			continue;
		add(finder, domain, arena_strndup(finder->arena, rest, (size_t)(dash - rest)),
		    path);
		return;
	}
}

/* A file of the folder itself, or of one within it that is named after a domain. */
static void add_file(struct finder *finder, const char *domain, const char *name, const char *path)
{
	size_t stem;

	if (ends_with(name, ".private.txt", &stem) && !domain)
		add_dms(finder, arena_strndup(finder->arena, name, stem), path);
	else if (ends_with(name, ".private", &stem) && !domain)
		add(finder, arena_strndup(finder->arena, name, stem), finder->selector, path);
	else if (ends_with(name, ".private", &stem))
		add(finder, domain, arena_strndup(finder->arena, name, stem), path);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk(struct finder *finder, const char *folder, const char *domain)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, compare_names);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		const char *name = arena_strdup(finder->arena, entries[i]->d_name);
		const char *path = arena_printf(finder->arena, "%s/%s", folder, name);

		free(entries[i]);
		if (*name == '.')
			continue;
		if (is_inside(finder, path))
			add_file(finder, domain, name, path);
		else if (!domain && !check_domain(name))
			walk(finder, path, name);
	}
	free(entries);
	return 0;
}

int import_find(struct arena *arena, const char *folder, const char *selector,
		const struct topology *topology, struct import_keys *out, struct diagnostics *list)
{
	struct finder finder = {.arena = arena,
				.folder = folder,
				.selector = selector,
				.topology = topology,
				.list = list};
	struct stat status;
	int error = 0;

	if (stat(folder, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	if (!find_by_tables(&finder, "") && !find_by_tables(&finder, "opendkim/") &&
	    !find_by_rspamd(&finder)) {
		const char *dms = arena_printf(arena, "%s/rspamd/dkim", folder);

		error = walk(&finder, stat(dms, &status) == 0 ? dms : folder, NULL);
	}
	if (!error)
		*out = finder.keys;
	return error;
}

/* --- keys --- */

static int no_password(char *buffer, int size, int writing, void *asked)
{
	(void)buffer, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *read_pem(const char *text, size_t length, const char **why)
{
	BIO *bio = BIO_new_mem_buf(text, (int)length);
	bool encrypted = false;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	*why = encrypted ? "it is encrypted" : "it holds no private key";
	return key;
}

/* The seed in base64, and perhaps the public half behind it. */
static EVP_PKEY *read_seed(const char *text, size_t length)
{
	unsigned char data[LARGEST_KEY / 4 * 3 + 3];
	char *base64 = calloc(1, length + 1);
	size_t used = 0, padding = 0;
	EVP_PKEY *key = NULL;
	int size = -1;

	for (size_t i = 0; base64 && i < length; i++)
		if (!strchr(" \t\r\n", text[i]))
			base64[used++] = text[i];
	while (padding < 2 && padding < used && base64[used - 1 - padding] == '=')
		padding++;
	if (base64 && used && used % 4 == 0)
		size = EVP_DecodeBlock(data, (unsigned char *)base64, (int)used);
	if (size - (int)padding == SEED_SIZE || size - (int)padding == 2 * SEED_SIZE)
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, data, SEED_SIZE);
	explicit_bzero(data, sizeof(data));
	if (base64)
		explicit_bzero(base64, length);
	free(base64);
	return key;
}

static bool is_fit(EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ||
	       (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 1024);
}

EVP_PKEY *import_load(struct arena *arena, const char *path, const char **why)
{
	EVP_PKEY *key;
	size_t length;
	char *text;
	int error = file_read(arena, path, LARGEST_KEY, &text, &length);

	if (error) {
		*why = arena_printf(arena, "%s", strerror(-error));
		return NULL;
	}
	key = read_pem(text, length, why);
	if (!key && !memchr(text, '-', length))
		key = read_seed(text, length);
	explicit_bzero(text, length);
	if (!key || is_fit(key))
		return key;
	*why = "it is neither Ed25519 nor RSA of 1024 bits or more";
	EVP_PKEY_free(key);
	return NULL;
}
