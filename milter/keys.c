/* The keys of all domains, those that stand in a folder among them; see key.h. */
#include "common/config_value.h"
#include "milter/key.h"

#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX	       ".private"
#define MOST_IN_FOLDER 100000

#define fail(...)    diagnostics_add(list, SEVERITY_ERROR, NULL, at, __VA_ARGS__)
#define caution(...) diagnostics_add(list, SEVERITY_WARNING, NULL, at, __VA_ARGS__)

/* The domain that a file holds the key of, or NULL. */
static const char *domain_of(struct arena *arena, const char *file, struct position at,
			     struct diagnostics *list)
{
	size_t length = strlen(file);
	const char *name;

	if (*file == '.' || length <= strlen(SUFFIX) ||
	    strcmp(file + length - strlen(SUFFIX), SUFFIX) != 0)
		return NULL;
	name = arena_strndup(arena, file, length - strlen(SUFFIX));
	if (!is_domain_name(name)) {
		caution("key_folder: %s is not named after a domain", file);
		return NULL;
	}
	return domain_read(arena, name, at, list);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files of the folder that are named after domains, in order. */
static struct words list_files(struct arena *arena, const struct config *config, DIR *folder,
			       struct diagnostics *list)
{
	const struct position at = config->key_folder_at;
	struct words files = {NULL, 0};
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		if (!domain_of(arena, entry->d_name, at, list))
			continue;
		if (files.count == MOST_IN_FOLDER) {
			fail("key_folder %s holds more than %d keys", config->key_folder,
			     MOST_IN_FOLDER);
			break;
		}
		files.items = arena_grow(arena, files.items, files.count, sizeof(*files.items));
		files.items[files.count++] = arena_strdup(arena, entry->d_name);
	}
	if (files.count)
		qsort(files.items, files.count, sizeof(*files.items), compare_names);
	return files;
}

static void add_folder_domain(struct arena *arena, struct config *config, const char *file,
			      struct diagnostics *list)
{
	const struct position at = config->key_folder_at;
	struct signing_domain *domain = &config->folder_domains[config->folder_domain_count];
	struct signing_key *key = arena_alloc(arena, sizeof(*key));
	const char *name;

	*key = (struct signing_key){
		.selector = config->key_folder_selector,
		.path = arena_printf(arena, "%s/%s", config->key_folder, file),
		.at = at,
		.active_from = INT64_MIN,
		.retire_after = INT64_MAX,
	};
	*domain = (struct signing_domain){
		.name = domain_of(arena, file, at, list),
		.itself = true,
		.keys = key,
		.key_count = 1,
		.method = config->key_folder_method,
		.at = at,
	};
	if (!config_index_domain(config, domain, &name))
		config->folder_domain_count++;
}

static void read_folder(struct arena *arena, struct config *config, const struct opener *opener,
			struct diagnostics *list)
{
	const struct position at = config->key_folder_at;
	int fd = opener->open(opener, config->key_folder, true);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct words files;

	if (!folder) {
		fail("key_folder %s: %s", config->key_folder, strerror(fd < 0 ? -fd : errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	files = list_files(arena, config, folder, list);
	closedir(folder);
	config->folder_domains =
		arena_array(arena, files.count + 1, sizeof(*config->folder_domains));
	for (size_t i = 0; i < files.count; i++)
		add_folder_domain(arena, config, files.items[i], list);
	if (files.count == 0)
		caution("key_folder %s holds no DOMAIN%s", config->key_folder, SUFFIX);
}

/* Many domains may have the same key: its file is read once. */
static struct key *load_key(struct name_map *loaded, const struct signing_key *wanted,
			    const struct opener *opener, struct diagnostics *list)
{
	const struct signing_key *first = name_map_find(loaded, wanted->path);
	struct key *key;

	/* the map does not tell letter case apart */
	if (first && strcmp(first->path, wanted->path) == 0) {
		first->key->uses++;
		return first->key;
	}
	key = key_load(wanted->path, wanted->at, opener, list);
	if (key)
		key->uses = 1;
	return key;
}

static void load_keys_of(struct name_map *loaded, struct signing_domain *domain,
			 const struct opener *opener, struct diagnostics *list)
{
	const struct position at = domain->key_count ? domain->keys[0].at : domain->at;
	bool active = false;

	for (size_t i = 0; i < domain->key_count; i++) {
		struct signing_key *key = &domain->keys[i];

		if (key->path && key->path[0] == '/')
			key->key = load_key(loaded, key, opener, list);
		if (key->key)
			name_map_add(loaded, key->path, key);
		active = active || key_is_active(key, time(NULL));
	}
	if (domain->key_count && !active)
		caution("domain %s: no key is active now, so its mail must wait", domain->name);
}

void keys_load(struct arena *arena, struct config *config, const struct opener *opener,
	       struct diagnostics *list)
{
	struct name_map *loaded = name_map_new(arena, 0);

	if (config->key_folder)
		read_folder(arena, config, opener, list);
	for (size_t i = 0; i < config->domain_count; i++)
		load_keys_of(loaded, &config->domains[i], opener, list);
	for (size_t i = 0; i < config->folder_domain_count; i++)
		load_keys_of(loaded, &config->folder_domains[i], opener, list);
}

static void free_keys_of(struct signing_domain *domain)
{
	for (size_t i = 0; i < domain->key_count; i++) {
		struct key *key = domain->keys[i].key;

		if (key && --key->uses == 0)
			key_free(key);
		domain->keys[i].key = NULL;
	}
}

void keys_free(struct config *config)
{
	for (size_t i = 0; i < config->domain_count; i++)
		free_keys_of(&config->domains[i]);
	for (size_t i = 0; i < config->folder_domain_count; i++)
		free_keys_of(&config->folder_domains[i]);
}
