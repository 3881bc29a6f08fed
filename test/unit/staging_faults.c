/*
 * Trees put in place while something goes wrong: other programs act between two steps, the system
 * refuses, a run dies. The linker puts the functions named __wrap_... before the C library's, so
 * that a test can stand in for a file system without RENAME_EXCHANGE, or act at the worst moment.
 */
#include "test/unit/trees.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

/* ---- the C library, bent ---- */

static struct {
	int exchange_error;	 /* what renameat2() fails with */
	const char *come_before; /* a file that appears right before the exchange */
	int renames_until_error, renames_until_exit;
	void (*before_lock)(void); /* called once */
	int naps;		   /* counted, not taken */
} bent;

int __real_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
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

int __wrap_flock(int fd, int operation)
{
	void (*before_lock)(void) = bent.before_lock;

	bent.before_lock = NULL;
	if (before_lock)
		before_lock();
	return __real_flock(fd, operation);
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

/* ---- at the wrong moment ---- */

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

static void swap_target(void)
{
	assert_int_equal(rename("out", "was"), 0);
	assert_int_equal(mkdir("out", 0755), 0);
	put_file("out/key.pem", "mine\n");
}

/* Somebody puts another folder there between the look at the target and its lock. */
static void test_target_swapped(void **state)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct staging *staging;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(staging_begin(arena, "out", &staging), 0);
	assert_int_equal(add_tree(staging, tree_b), 0);
	bent.before_lock = swap_target;
	assert_int_equal(staging_commit(staging, list), -ECANCELED);
	staging_abort(staging);
	assert_snapshot("out", "key.pem 0600 mine\n");
	assert_snapshot("was", TREE_A);
	arena_free(arena);
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

/* ---- permissions and mounts ---- */

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

/* The super-user may do what modes forbid, so some tests are about somebody else. */
static bool become_unprivileged(void)
{
	return geteuid() != 0 ||
	       (setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
}

static int write_with_umask(void)
{
	if (!become_unprivileged())
		return 99;
	umask(0777);
	return -write_tree("parent/out", tree_a, NULL);
}

static void test_unprivileged(void **state)
{
	(void)state;
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(mkdir("parent", 0755), 0);
	assert_int_equal(chmod("parent", 0777), 0);
	assert_int_equal(in_child(write_with_umask), 0);
	assert_snapshot("parent/out", TREE_A);
	assert_names("parent", "out ");
}

static int write_unprivileged(void)
{
	if (!become_unprivileged())
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

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
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
	assert_int_equal(mkdir(".out.postern-mnopqr", 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(".out.postern-mnopqr", 65534, 65534), 0);
	/* a second run leaves the living one alone */
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_int_equal(access(staging_path(alive), F_OK), 0);
	staging_abort(alive);
	if (geteuid() == 0)
		assert_int_equal(rmdir(".out.postern-mnopqr"), 0);
	assert_names(".", ".other.postern-abcdef .out.postern-abcdef .out.postern-abcdef-new "
			  ".out.postern-notes out ");
	arena_free(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, leave_temporary)
	const struct CMUnitTest tests[] = {
		TEST(test_unprivileged),     TEST(test_late_file),
		TEST(test_target_swapped),   TEST(test_locked),
		TEST(test_read_only_parent), TEST(test_mount_point),
		TEST(test_without_exchange), TEST(test_killed_between_two_renames),
		TEST(test_leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
