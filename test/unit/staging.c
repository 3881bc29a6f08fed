/*
 * Trees put in place whole or not at all: what is written, what is refused, what is left alone.
 * staging_faults.c and staging_runs.c have what goes wrong meanwhile.
 */
#include "test/unit/trees.h"

/* ---- writing ---- */

static void test_new_target(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before = umask(masks[i]);
		char name[] = {'o', (char)('0' + (int)i), '\0'};
		struct stat status;

		assert_int_equal(write_tree(name, tree_a, NULL), 0);
		umask(before);
		assert_snapshot(name, TREE_A);
		assert_int_equal(stat(name, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0755);
	}
	assert_names(".", "o0 o1 o2 o3 ");
}

static void test_before_commit(void **state)
{
	struct arena *arena = arena_new(0);
	struct staging *staging;
	struct stat status;
	char *inside;

	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(staging_begin(arena, "out", &staging), 0);
	assert_int_equal(add_tree(staging, tree_b), 0);
	/* beside the target, hidden, for us alone */
	assert_int_equal(strncmp(staging_path(staging), *state, strlen(*state)), 0);
	assert_int_equal(strncmp(staging_path(staging) + strlen(*state), "/.out.postern-", 14), 0);
	assert_int_equal(stat(staging_path(staging), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	inside = snapshot(staging_path(staging));
	assert_string_equal(inside, TREE_B);
	free(inside);
	assert_snapshot("out", TREE_A);
	staging_abort(staging);
	staging_abort(staging);
	staging_abort(NULL);
	assert_snapshot("out", TREE_A);
	assert_names(".", "out ");
	arena_free(arena);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {
		{"a", 0},	   {"b/c", 0},		{"b/d/e", 0},
		{"...", 0},	   {"a", -EEXIST},	{"b", -EEXIST},
		{"b/d", -EEXIST},  {"a/x", -EEXIST},	{"a/x/y", -EEXIST},
		{"", -EINVAL},	   {"/", -EINVAL},	{"/a", -EINVAL},
		{"x/", -EINVAL},   {"x//y", -EINVAL},	{".", -EINVAL},
		{"..", -EINVAL},   {"x/../y", -EINVAL}, {"./x", -EINVAL},
		{"x/..", -EINVAL}, {"x/.", -EINVAL},
	};
	struct arena *arena = arena_new(0);
	struct staging *staging;

	(void)state;
	assert_int_equal(staging_begin(arena, "out", &staging), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(staging_add(staging, rows[i].path, 0600, "", 0), rows[i].error);
	assert_snapshot(staging_path(staging), "... 0600 a 0600 b/ 0755\nb/c 0600 b/d/ 0755\n"
					       "b/d/e 0600 ");
	staging_abort(staging);
	arena_free(arena);
}

static void test_replaces_ours(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(mkdir("out", 0711), 0);
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_snapshot("out", TREE_A);
	assert_int_equal(chmod("out", 0750), 0);
	assert_int_equal(unlink("out/README"), 0);
	assert_int_equal(write_tree("out/", tree_b, NULL), 0);
	assert_snapshot("out", TREE_B);
	/* the administrator's choice of the folder's mode stays */
	assert_int_equal(stat("out", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
	assert_names(".", "out ");
}

static void test_same_again(void **state)
{
	struct stat folder, file, again;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(stat("out", &folder), 0);
	assert_int_equal(stat("out/public/main.cf", &file), 0);
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(stat("out", &again), 0);
	assert_int_equal(again.st_ino, folder.st_ino);
	assert_int_equal(again.st_mtim.tv_nsec, folder.st_mtim.tv_nsec);
	assert_int_equal(stat("out/public/main.cf", &again), 0);
	assert_int_equal(again.st_ino, file.st_ino);
	assert_int_equal(again.st_ctim.tv_nsec, file.st_ctim.tv_nsec);
	assert_names(".", "out ");

	/* a mode, a text of the same length, and a missing file make a difference */
	assert_int_equal(chmod("out/public/sasl/passwd", 0644), 0);
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_snapshot("out", TREE_A);
	put_file("out/README", "a\n");
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_snapshot("out", TREE_A);
	assert_int_equal(unlink("out/README"), 0);
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_snapshot("out", TREE_A);
}

/* A file that is gone from the new tree, though its manifest still lists it. */
static void test_fewer_files(void **state)
{
	struct tree_file fewer[sizeof(tree_b) / sizeof(tree_b[0])];
	size_t count = 0;

	(void)state;
	for (const struct tree_file *file = tree_b; file->path; file++)
		if (strcmp(file->path, "private/main.cf") != 0)
			fewer[count++] = *file;
	fewer[count] = (struct tree_file){0};
	assert_int_equal(write_tree("out", tree_b, NULL), 0);
	assert_int_equal(write_tree("out", fewer, NULL), 0);
	assert_names("out", "README manifest.json public ");
}

static void test_links(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(mkdir("real", 0755), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(write_tree("link", tree_a, NULL), 0);
	assert_int_equal(write_tree("link", tree_b, NULL), 0);
	assert_int_equal(lstat("link", &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_snapshot("real", TREE_B);
	assert_names(".", "link real ");
}

/* ---- refusing ---- */

static void test_bad_targets(void **state)
{
	(void)state;
	put_file("file", "mine\n");
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(symlink("file", "tofile"), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(write_tree("file", tree_a, NULL), -ENOTDIR);
	assert_int_equal(write_tree("file/x", tree_a, NULL), -ENOTDIR);
	assert_int_equal(write_tree("dangling", tree_a, NULL), -ENOTDIR);
	assert_int_equal(write_tree("dangling/", tree_a, NULL), -ENOTDIR);
	assert_int_equal(write_tree("tofile", tree_a, NULL), -ENOTDIR);
	assert_int_equal(write_tree("loop", tree_a, NULL), -ELOOP);
	assert_int_equal(write_tree("absent/out", tree_a, NULL), -ENOENT);
	assert_int_equal(write_tree("", tree_a, NULL), -ENOENT);
	assert_int_equal(write_tree("/", tree_a, NULL), -EBUSY);
	assert_names(".", "dangling file loop tofile ");
}

static void test_foreign_files(void **state)
{
	static const char *const manifests[] = {
		"", "{", "[]", "{}", "{\"files\": {}}", "{\"files\": [\"public/main.cf\"]}",
	};

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	put_file("out/public/key.pem", "mine\n");
	assert_refused("public/key.pem\n");
	assert_int_equal(unlink("out/public/key.pem"), 0);
	assert_int_equal(mkdir("out/keys", 0700), 0);
	assert_refused(": keys/\n");
	assert_int_equal(rmdir("out/keys"), 0);
	assert_int_equal(unlink("out/README"), 0);
	assert_int_equal(symlink("/etc/passwd", "out/README"), 0);
	assert_refused(": README\n");
	assert_int_equal(unlink("out/README"), 0);
	assert_int_equal(mkdir("out/README", 0700), 0);
	assert_refused(": README/\n");
	assert_int_equal(rmdir("out/README"), 0);

	/* without a manifest that lists the files they are someone else's */
	for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++) {
		put_file("out/manifest.json", manifests[i]);
		assert_refused("public/");
	}
	assert_int_equal(unlink("out/manifest.json"), 0);
	assert_refused(": public/\n");
	assert_int_equal(mkfifo("out/manifest.json", 0600), 0);
	assert_refused("manifest.json");
}

/* Web applications have a file of that name, too. */
static void test_foreign_manifest(void **state)
{
	(void)state;
	assert_int_equal(mkdir("out", 0755), 0);
	put_file("out/manifest.json", "{\"name\": \"webmail\", \"icons\": []}");
	assert_refused(": manifest.json\n");
}

static void test_many_foreign_files(void **state)
{
	static const char letters[] = "abcdefghi";
	char *printed = NULL;
	size_t names = 0;

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	for (const char *c = letters; *c; c++) {
		const char path[] = {'o', 'u', 't', '/', *c, *c, '\0'};

		put_file(path, "mine\n");
	}
	assert_int_equal(write_tree("out", tree_a, &printed), -ECANCELED);
	for (const char *c = letters; *c; c++) {
		const char name[] = {' ', *c, *c, ',', '\0'};

		names += strstr(printed, name) != NULL;
	}
	assert_int_equal(names, 5);
	assert_non_null(strstr(printed, ", ...\n"));
	assert_non_null(strstr(printed, "hint: "));
	free(printed);
}

static void test_target_changes_meanwhile(void **state)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct staging *staging;

	(void)state;
	assert_int_equal(staging_begin(arena, "out", &staging), 0);
	assert_int_equal(add_tree(staging, tree_a), 0);
	put_file("out", "mine\n");
	assert_int_equal(staging_commit(staging, list), -ECANCELED);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 1);
	/* the user mends it, and the same staging can still be put in place */
	assert_int_equal(unlink("out"), 0);
	assert_int_equal(staging_commit(staging, list), 0);
	assert_snapshot("out", TREE_A);
	arena_free(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_temporary, leave_temporary)
	const struct CMUnitTest tests[] = {
		TEST(test_new_target),
		TEST(test_before_commit),
		TEST(test_paths),
		TEST(test_replaces_ours),
		TEST(test_same_again),
		TEST(test_fewer_files),
		TEST(test_links),
		TEST(test_bad_targets),
		TEST(test_foreign_files),
		TEST(test_foreign_manifest),
		TEST(test_many_foreign_files),
		TEST(test_target_changes_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
