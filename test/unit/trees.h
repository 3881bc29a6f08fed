/*
 * Trees of files for the tests of confgen/output: written, and read back by code that shares
 * nothing with what is tested. Everything is below one temporary folder, the working folder of the
 * test.
 */
#ifndef POSTERN_TEST_TREES_H
#define POSTERN_TEST_TREES_H

#include "common/strbuf.h"
#include "confgen/output/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct tree_file {
	const char *path;
	mode_t mode;
	const char *text;
};

/* Two trees that share some paths; the last row has no path. */
static const struct tree_file tree_a[] = {
	{"manifest.json", 0644,
	 "{\"files\": [\"manifest.json\", \"README\", \"public/main.cf\", "
	 "\"public/sasl/passwd\"]}"},
	{"README", 0644, "A\n"},
	{"public/main.cf", 0644, "myhostname = a.example.com\n"},
	{"public/sasl/passwd", 0600, "[b.example.com]:587 a:a\n"},
	{0},
};

static const struct tree_file tree_b[] = {
	{"manifest.json", 0644,
	 "{\"files\": [\"manifest.json\", \"README\", \"private/main.cf\", \"public/main.cf\"]}"},
	{"README", 0644, "B\n"},
	{"private/main.cf", 0640, "myhostname = b.example.com\n"},
	{"public/main.cf", 0644, "myhostname = ba.example.com\n"},
	{0},
};

/* What snapshot() gives for them. */
#define TREE_A                                                                                \
	"README 0644 A\n"                                                                     \
	"manifest.json 0644 {\"files\": [\"manifest.json\", \"README\", \"public/main.cf\", " \
	"\"public/sasl/passwd\"]}"                                                            \
	"public/ 0755\n"                                                                      \
	"public/main.cf 0644 myhostname = a.example.com\n"                                    \
	"public/sasl/ 0755\n"                                                                 \
	"public/sasl/passwd 0600 [b.example.com]:587 a:a\n"
#define TREE_B                                                                                 \
	"README 0644 B\n"                                                                      \
	"manifest.json 0644 {\"files\": [\"manifest.json\", \"README\", \"private/main.cf\", " \
	"\"public/main.cf\"]}"                                                                 \
	"private/ 0755\n"                                                                      \
	"private/main.cf 0640 myhostname = b.example.com\n"                                    \
	"public/ 0755\n"                                                                       \
	"public/main.cf 0644 myhostname = ba.example.com\n"

static inline void add_file_text(struct strbuf *out, int fd)
{
	char text[4096];
	ssize_t got;

	while ((got = read(fd, text, sizeof(text))) > 0)
		strbuf_add(out, text, (size_t)got);
}

static inline void add_snapshot(struct strbuf *out, int folder, const char *prefix)
{
	struct dirent **entries = NULL;
	int count = scandirat(folder, ".", &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		struct stat status;
		char path[4096];
		int fd;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			free(entries[i]);
			continue;
		}
		snprintf(path, sizeof(path), "%s%s", prefix, name);
		strbuf_addf(out, "%s%s %04o%s", path, S_ISDIR(status.st_mode) ? "/" : "",
			    status.st_mode & 07777U, S_ISREG(status.st_mode) ? " " : "\n");
		fd = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)
			     ? openat(folder, name, O_RDONLY | O_NOFOLLOW)
			     : -1;
		if (S_ISREG(status.st_mode))
			add_file_text(out, fd);
		snprintf(path, sizeof(path), "%s%s/", prefix, name);
		if (S_ISDIR(status.st_mode))
			add_snapshot(out, fd, path);
		if (fd >= 0)
			close(fd);
		free(entries[i]);
	}
	free(entries);
}

/* All that is in a folder: paths, modes, contents. */
static inline char *snapshot(const char *path)
{
	struct strbuf out = STRBUF_INIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	strbuf_adds(&out, "");
	if (fd >= 0) {
		add_snapshot(&out, fd, "");
		close(fd);
	}
	return out.text;
}

static inline void assert_snapshot(const char *path, const char *expected)
{
	char *found = snapshot(path);

	assert_string_equal(found, expected);
	free(found);
}

/* The names in a folder, each with a blank after it. */
static inline void assert_names(const char *path, const char *expected)
{
	struct dirent **entries = NULL;
	struct strbuf names = STRBUF_INIT;
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
			strbuf_addf(&names, "%s ", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(strbuf_text(&names), expected);
	strbuf_done(&names);
}

static inline int add_tree(struct staging *staging, const struct tree_file *file)
{
	int error = 0;

	for (; !error && file->path; file++)
		error = staging_add(staging, file->path, file->mode, file->text,
				    strlen(file->text));
	return error;
}

/* Writes a tree. `*printed` gets the diagnostics and is the caller's to free, unless it is NULL. */
static inline int write_tree(const char *target, const struct tree_file *files, char **printed)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct staging *staging = NULL;
	size_t length;
	int error = staging_begin(arena, target, &staging);
	FILE *memory = printed ? open_memstream(printed, &length) : NULL;

	if (!error)
		error = add_tree(staging, files);
	if (!error)
		error = staging_commit(staging, list);
	if (memory) {
		diagnostics_print(list, memory, false);
		fclose(memory);
	}
	staging_abort(staging);
	arena_free(arena);
	return error;
}

static inline void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void remove_below(int folder)
{
	struct dirent **entries = NULL;
	int count = scandirat(folder, ".", &entries, NULL, NULL);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    unlinkat(folder, name, 0) < 0) {
			int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

			remove_below(fd);
			close(fd);
			unlinkat(folder, name, AT_REMOVEDIR);
		}
		free(entries[i]);
	}
	free(entries);
}

/* Expects that writing tree B to "out" is refused with `text`, and that nothing changed. */
static inline void assert_refused(const char *text)
{
	char *before = snapshot("."), *printed = NULL;

	assert_int_equal(write_tree("out", tree_b, &printed), -ECANCELED);
	if (!strstr(printed, text) || strncmp(printed, "out: error: ", 12) != 0)
		fail_msg("'%s' is not in: %s", text, printed);
	assert_snapshot(".", before);
	free(printed);
	free(before);
}

/* Setup and teardown: a new temporary folder as working folder, and back. */
static inline int enter_temporary(void **state)
{
	const char *parent = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/postern-test-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(path) || chdir(path) < 0)
		return -1;
	*state = strdup(path);
	return *state ? 0 : -1;
}

static inline int leave_temporary(void **state)
{
	int fd = open(*state, O_RDONLY | O_DIRECTORY), error;

	remove_below(fd);
	close(fd);
	error = chdir("/");
	if (rmdir(*state) < 0)
		error = -1;
	free(*state);
	return error;
}

#endif
