/*
 * Trees on disk: which files in a folder are ours to replace, and their removal. See tree.h.
 */
#include "confgen/output/tree.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_LIMIT ((size_t)16 << 20)

struct walk {
	struct arena *arena;
	const json_t *known; /* the manifest's paths: true for a file, false for a folder */
	struct tree *tree;
};

/* Opens a folder in `parent` for reading. Returns NULL with errno set. */
static DIR *open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !folder)
		close(fd);
	return folder;
}

/* The next name but "." and "..". NULL at the end; then errno is 0, or says what went wrong. */
static const char *next_name(DIR *folder)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(folder);
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry ? entry->d_name : NULL;
}

/* ---- the manifest ---- */

/* Notes a file, and the folders that it is in. */
static void add_known(json_t *known, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
		json_object_setn_new(known, path, (size_t)(slash - path), json_false());
	json_object_set_new(known, path, json_true());
}

/*
 * The paths that the manifest in `fd` lists, and its own. Without a manifest that can be read and
 * understood there are none: then nothing in the folder is ours.
 */
static json_t *read_manifest(struct arena *arena, int fd)
{
	/* O_NONBLOCK: it may be a pipe that nobody writes to */
	AUTO_CLOSE int file =
		openat(fd, TREE_MANIFEST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	json_t *known = json_object(), *root = NULL;
	const json_t *files, *path;
	size_t length, i;
	char *text;

	if (file >= 0 && file_read_fd(arena, file, MANIFEST_LIMIT, &text, &length) == 0)
		root = json_loadb(text, length, 0, NULL);
	files = json_object_get(root, "files");
	if (json_is_array(files))
		add_known(known, TREE_MANIFEST);
	json_array_foreach (files, i, path)
		if (json_is_string(path))
			add_known(known, json_string_value(path));
	json_decref(root);
	return known;
}

/* ---- reading ---- */

static void add_foreign(struct tree *tree, struct arena *arena, const char *path, bool is_folder)
{
	if (tree->foreign.count == TREE_MOST_FOREIGN)
		tree->more_foreign = true;
	else
		*arena_push(arena, &tree->foreign) = (struct tree_entry){path, is_folder};
}

static int walk_folder(const struct walk *walk, int parent, const char *name, const char *prefix);

static int walk_entry(const struct walk *walk, int folder, const char *name, const char *prefix)
{
	const char *path = arena_printf(walk->arena, "%s%s", prefix, name);
	const json_t *known = json_object_get(walk->known, path);
	struct stat status;
	bool is_folder;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	is_folder = S_ISDIR(status.st_mode);
	if (!known || is_folder != json_is_false(known) ||
	    !(is_folder || S_ISREG(status.st_mode))) {
		add_foreign(walk->tree, walk->arena, path, is_folder);
		return 0;
	}
	*arena_push(walk->arena, &walk->tree->ours) = (struct tree_entry){path, is_folder};
	if (!is_folder)
		return 0;
	return walk_folder(walk, folder, name, arena_printf(walk->arena, "%s/", path));
}

static int walk_folder(const struct walk *walk, int parent, const char *name, const char *prefix)
{
	DIR *folder = open_folder(parent, name);
	const char *entry;
	int error = 0;

	if (!folder)
		return -errno;
	while (!error && !walk->tree->more_foreign && (entry = next_name(folder)))
		error = walk_entry(walk, dirfd(folder), entry, prefix);
	/* the walk ends early where enough is known */
	if (!error && !walk->tree->more_foreign)
		error = -errno;
	closedir(folder);
	return error;
}

int tree_read(struct arena *arena, int fd, struct tree *out)
{
	struct tree tree = {0};
	json_t *known = read_manifest(arena, fd);
	const struct walk walk = {arena, known, &tree};
	int error = walk_folder(&walk, fd, ".", "");

	json_decref(known);
	if (!error)
		*out = tree;
	return error;
}

/* ---- removing ---- */

void tree_remove_entries(int fd, const struct tree_entries *entries)
{
	for (size_t i = entries->count; i > 0; i--)
		unlinkat(fd, entries->items[i - 1].path,
			 entries->items[i - 1].is_folder ? AT_REMOVEDIR : 0);
}

int tree_remove(int parent, const char *name)
{
	DIR *folder = open_folder(parent, name);
	const char *entry;
	int error = 0;

	if (!folder)
		return -errno;
	while (!error && (entry = next_name(folder))) {
		if (unlinkat(dirfd(folder), entry, 0) == 0 || errno == ENOENT)
			continue;
		error = errno == EISDIR ? tree_remove(dirfd(folder), entry) : -errno;
	}
	closedir(folder);
	if (!error && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		error = -errno;
	return error;
}
