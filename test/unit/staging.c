/*
 * Trees put in place whole or not at all: what is written, what is refused, what is left alone. The
 * linker puts the functions named __wrap_... before the C library's, so that a test can stand in
 * for a file system without RENAME_EXCHANGE, or act between two steps.
 */
#include "test/unit/trees.h"

#include <grp.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

/* ---- the C library, bent ---- */

static struct {
	int exchange_error;	 /* what renameat2() fails with */
	const char *come_before; /* a file that appears right before the exchange */
	int renames_until_error, renames_until_exit;
	int naps; /* counted, not taken */
} bent;

int __real_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	if (bent.come_before)
		put_file(bent.come_before, "late\n");
	if (bent.exchange_error) {
		errno = bent.exchange_error;
		return -1;
	}
	return __real_renameat2(from, old, to, new, flags);
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
	if (bent.renames_until_exit && --bent.renames_until_exit == 0)
		_exit(9);
	if (bent.renames_until_error && --bent.renames_until_error == 0) {
		errno = EIO;
		return -1;
	}
	return __real_renameat(from, old, to, new);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	bent.naps++;
	return 0;
}

static int setup(void **state)
{
	memset(&bent, 0, sizeof(bent));
	return enter_temporary(state);
}

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

/* Expects a refusal that mentions `text`, and nothing changed. */
static void assert_refused(const char *text)
{
	char *before = snapshot("."), *printed = NULL;

	assert_int_equal(write_tree("out", tree_b, &printed), -ECANCELED);
	if (!strstr(printed, text) || strncmp(printed, "out: error: ", 12) != 0)
		fail_msg("'%s' is not in: %s", text, printed);
	assert_snapshot(".", before);
	free(printed);
	free(before);
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

static void test_many_foreign_files(void **state)
{
	char *printed = NULL;
	size_t names = 0;

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	for (char c = 'a'; c <= 'i'; c++) {
		const char path[] = {'o', 'u', 't', '/', c, c, '\0'};

		put_file(path, "mine\n");
	}
	assert_int_equal(write_tree("out", tree_a, &printed), -ECANCELED);
	for (char c = 'a'; c <= 'i'; c++) {
		const char name[] = {' ', c, c, ',', '\0'};

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

/* A file that comes into the old tree after the look at it must survive. */
static void test_late_file(void **state)
{
	char *printed = NULL, kept[256] = "";
	struct dirent *entry;
	DIR *folder;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	bent.come_before = "out/public/late";
	assert_int_equal(write_tree("out", tree_b, &printed), 0);
	bent.come_before = NULL;
	assert_snapshot("out", TREE_B);
	folder = opendir(".");
	while ((entry = readdir(folder)))
		if (strncmp(entry->d_name, "out.kept-", 9) == 0)
			snprintf(kept, sizeof(kept), "%s", entry->d_name);
	closedir(folder);
	assert_snapshot(kept, "public/ 0755\npublic/late 0600 late\n");
	assert_non_null(strstr(printed, "out: warning: "));
	assert_non_null(strstr(printed, kept));
	free(printed);
}

static void test_locked(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	fd = open("out", O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_refused("another program");
	assert_int_equal(bent.naps, 1000);
	close(fd);
	assert_int_equal(write_tree("out", tree_b, NULL), 0);
}

/* Runs `act` in a child; its result is the exit status. */
static int in_child(int (*act)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int write_unprivileged(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
		return 99;
	return -write_tree("parent/out", tree_b, NULL);
}

static void test_read_only_parent(void **state)
{
	(void)state;
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(mkdir("parent", 0755), 0);
	assert_int_equal(write_tree("parent/out", tree_a, NULL), 0);
	assert_int_equal(chmod("parent", 0555), 0);
	assert_int_equal(in_child(write_unprivileged), EACCES);
	assert_int_equal(chmod("parent", 0755), 0);
	assert_snapshot("parent/out", TREE_A);
	assert_names("parent", "out ");
}

#define CANNOT_MOUNT 77

static int write_to_mount_point(void)
{
	char *printed = NULL;
	int error;

	if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "out", "tmpfs", 0, NULL) < 0)
		return CANNOT_MOUNT;
	error = write_tree("out", tree_a, &printed);
	if (error != -ECANCELED || !strstr(printed, "mount point"))
		return 1;
	free(printed);
	/* and below it there is no problem */
	if (write_tree("out/tree", tree_a, NULL) < 0)
		return 2;
	return umount("out") < 0 ? 3 : 0;
}

static void test_mount_point(void **state)
{
	int status;

	(void)state;
	assert_int_equal(mkdir("out", 0755), 0);
	status = in_child(write_to_mount_point);
	if (status == CANNOT_MOUNT) {
		print_message("skipped: no permission to mount\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_names(".", "out ");
}

/* ---- file systems that cannot exchange names ---- */

static void test_without_exchange(void **state)
{
	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	bent.exchange_error = EINVAL;
	assert_int_equal(write_tree("out", tree_b, NULL), 0);
	assert_snapshot("out", TREE_B);
	bent.exchange_error = ENOSYS;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_snapshot("out", TREE_A);
	assert_names(".", "out ");

	/* the new tree cannot be moved in: the old one comes back */
	bent.renames_until_error = 2;
	assert_int_equal(write_tree("out", tree_b, NULL), -EIO);
	assert_snapshot("out", TREE_A);
	assert_names(".", "out ");

	bent.exchange_error = EIO;
	assert_int_equal(write_tree("out", tree_b, NULL), -EIO);
	assert_snapshot("out", TREE_A);
	assert_names(".", "out ");
}

static int write_b(void)
{
	return -write_tree("out", tree_b, NULL);
}

static void test_killed_between_two_renames(void **state)
{
	struct arena *arena = arena_new(0);
	struct staging *staging;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	bent.exchange_error = EINVAL;
	bent.renames_until_exit = 2;
	assert_int_equal(in_child(write_b), 9);
	bent.renames_until_exit = 0;
	assert_int_equal(access("out", F_OK), -1);
	/* the next run puts the old tree back before it does anything else */
	assert_int_equal(staging_begin(arena, "out", &staging), 0);
	assert_snapshot("out", TREE_A);
	staging_abort(staging);
	assert_names(".", "out ");
	arena_free(arena);
}

/* ---- leftovers ---- */

static int begin_and_die(void)
{
	struct staging *staging;

	if (staging_begin(arena_new(0), "out", &staging) < 0 || add_tree(staging, tree_a) < 0)
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_leftovers(void **state)
{
	struct arena *arena = arena_new(0);
	struct staging *alive;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(begin_and_die());
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* not ours: another target's, other names, a file */
	assert_int_equal(mkdir(".other.postern-abcdef", 0700), 0);
	assert_int_equal(mkdir(".out.postern-notes", 0700), 0);
	assert_int_equal(mkdir(".out.postern-abcdef-new", 0700), 0);
	put_file(".out.postern-abcdef", "mine\n");
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(mkdir(".out.postern-ghijkl-old", 0700), 0);
	put_file(".out.postern-ghijkl-old/README", "old\n");
	assert_int_equal(staging_begin(arena, "out", &alive), 0);
	/* a second run leaves the living one alone */
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(access(staging_path(alive), F_OK), 0);
	staging_abort(alive);
	assert_names(".", ".other.postern-abcdef .out.postern-abcdef .out.postern-abcdef-new "
			  ".out.postern-notes out ");
	arena_free(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, leave_temporary)
	const struct CMUnitTest tests[] = {
		TEST(test_new_target),
		TEST(test_before_commit),
		TEST(test_paths),
		TEST(test_replaces_ours),
		TEST(test_same_again),
		TEST(test_links),
		TEST(test_bad_targets),
		TEST(test_foreign_files),
		TEST(test_many_foreign_files),
		TEST(test_target_changes_meanwhile),
		TEST(test_late_file),
		TEST(test_locked),
		TEST(test_read_only_parent),
		TEST(test_mount_point),
		TEST(test_without_exchange),
		TEST(test_killed_between_two_renames),
		TEST(test_leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
