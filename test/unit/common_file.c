/* common/file: what is read and refused, and that a write that fails leaves nothing. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct arena *arena;
static char folder[] = "/tmp/postern-file-XXXXXX";
static int folder_fd = -1;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	if (!mkdtemp(folder))
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

/* Fails if a test left something in the folder. */
static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	close(folder_fd);
	return rmdir(folder);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

static int read_named(const char *name, size_t limit, char **text, size_t *length)
{
	return file_read(arena, path_of(name), limit, text, length);
}

/* Sizes around those at which the buffer grows; octets of all values, NUL among them. */
static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 8193, 300000};
	char *octets = arena_alloc(arena, 300000);

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		octets[i] = (char)(i * 7 & 0xff);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text;
		size_t length;

		assert_int_equal(file_create(folder_fd, "f", 0600, octets, sizes[i]), 0);
		assert_int_equal(read_named("f", 300000, &text, &length), 0);
		assert_int_equal(length, sizes[i]);
		assert_memory_equal(text, octets, length);
		assert_int_equal(text[length], '\0');
		assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
	}
}

static void test_limit(void **state)
{
	char unset, *text = &unset;
	size_t length = 77;

	(void)state;
	assert_int_equal(file_create(folder_fd, "f", 0600, "12345", 5), 0);
	assert_int_equal(read_named("f", 4, &text, &length), -EFBIG);
	assert_ptr_equal(text, &unset);
	assert_int_equal(length, 77);
	assert_int_equal(read_named("f", 5, &text, &length), 0);
	assert_int_equal(length, 5);
	assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
}

static void test_arena_exhausted(void **state)
{
	struct arena *small = arena_new(16);
	char *text = NULL;
	size_t length;

	(void)state;
	assert_int_equal(file_create(folder_fd, "f", 0600, "1234567890123456", 16), 0);
	assert_int_equal(file_read(small, path_of("f"), 100, &text, &length), -ENOMEM);
	assert_null(text);
	assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
	arena_free(small);
}

static void test_what_is_no_file(void **state)
{
	char *text = NULL;
	size_t length;

	(void)state;
	assert_int_equal(read_named("missing", 10, &text, &length), -ENOENT);
	assert_int_equal(read_named("", 10, &text, &length), -EISDIR);
	assert_int_equal(file_read(arena, "/dev/zero", 10, &text, &length), -EINVAL);
	assert_int_equal(file_read(arena, "/dev/null", 10, &text, &length), -EINVAL);
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(read_named("loop", 10, &text, &length), -ELOOP);
	assert_int_equal(unlinkat(folder_fd, "loop", 0), 0);
	assert_null(text);
}

/* A pipe tells no size, and gives its text in pieces; the limit holds all the same. */
static void test_pipe(void **state)
{
	char *text = NULL;
	size_t length = 0;
	int reader, writer;

	(void)state;
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	/* a reader that does not wait, so that the writer finds one */
	reader = open(path_of("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(path_of("fifo"), O_WRONLY | O_CLOEXEC);
	assert_true(reader >= 0 && writer >= 0);
	assert_int_equal(write(writer, "123456", 6), 6);
	assert_int_equal(read_named("fifo", 5, &text, &length), -EFBIG);
	assert_null(text);
	assert_int_equal(write(writer, "12345", 5), 5);
	close(writer);
	assert_int_equal(file_read_fd(arena, reader, 5, &text, &length), 0);
	assert_string_equal(text, "12345");
	close(reader);
	assert_int_equal(unlinkat(folder_fd, "fifo", 0), 0);
}

static void test_read_errors(void **state)
{
	char *text = NULL;
	size_t length;

	(void)state;
	assert_int_equal(file_read_fd(arena, -1, 10, &text, &length), -EBADF);
	assert_int_equal(file_read_fd(arena, folder_fd, 10, &text, &length), -EISDIR);
	assert_null(text);
}

/* The mode is what was asked for under any umask. */
static void test_modes(void **state)
{
	static const mode_t modes[] = {0600, 0640, 0644, 0755, 0400}, masks[] = {0, 022, 077, 0777};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 4; j++) {
			mode_t before = umask(masks[j]);
			struct stat status;

			assert_int_equal(file_create(folder_fd, "f", modes[i], "x", 1), 0);
			umask(before);
			assert_int_equal(fstatat(folder_fd, "f", &status, 0), 0);
			assert_int_equal(status.st_mode & 07777, modes[i]);
			assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
		}
	}
}

/* What is there stays as it is, be it a file, a link to nowhere or a folder. */
static void test_exists(void **state)
{
	char *text;
	size_t length;

	(void)state;
	assert_int_equal(file_create(folder_fd, "f", 0600, "old", 3), 0);
	assert_int_equal(file_create(folder_fd, "f", 0644, "new", 3), -EEXIST);
	assert_int_equal(read_named("f", 10, &text, &length), 0);
	assert_string_equal(text, "old");
	assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
	assert_int_equal(symlink("elsewhere", path_of("link")), 0);
	assert_int_equal(file_create(folder_fd, "link", 0644, "new", 3), -EEXIST);
	assert_int_equal(faccessat(folder_fd, "elsewhere", F_OK, 0), -1);
	assert_int_equal(unlinkat(folder_fd, "link", 0), 0);
	assert_int_equal(file_create(folder_fd, "missing/f", 0644, "new", 3), -ENOENT);
	assert_int_equal(file_create(-1, "f", 0644, "new", 3), -EBADF);
}

/* The disk fills up in the middle; a limit on the size of files stands in for it. */
static void test_failed_write(void **state)
{
	struct rlimit before, small;
	char *octets = arena_alloc(arena, 20000);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 10000, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_create(folder_fd, "f", 0600, octets, 20000), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(faccessat(folder_fd, "f", F_OK, 0), -1);
}

static void test_auto_close(void **state)
{
	int kept;

	(void)state;
	{
		AUTO_CLOSE int fd = dup(folder_fd);
		AUTO_CLOSE int none = -1;

		kept = fd;
		assert_true(fcntl(kept, F_GETFD) >= 0);
		(void)none;
	}
	assert_int_equal(fcntl(kept, F_GETFD), -1);
}

/* What is renamed over a device takes it away, from the whole machine where root does it. */
static void test_replace_no_device(void **state)
{
	const char *pipe = path_of("pipe"), *link = path_of("link");
	struct stat status;

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(symlink("pipe", link), 0);
	assert_int_equal(file_replace(pipe, NULL, 0, "x", 1), -EINVAL);
	assert_int_equal(file_replace(link, NULL, 0, "x", 1), -EINVAL);
	assert_int_equal(file_replace(folder, NULL, 0, "x", 1), -EISDIR);
	assert_int_equal(lstat(pipe, &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(unlink(pipe), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(file_replace(path_of("new"), NULL, 0, "x", 1), 0);
	assert_int_equal(file_replace(path_of("new"), "x", 1, "yz", 2), 0);
	assert_int_equal(stat(path_of("new"), &status), 0);
	assert_int_equal(status.st_size, 2);
	assert_int_equal(unlink(path_of("new")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_arena_exhausted),
		cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_exists),
		cmocka_unit_test(test_failed_write),
		cmocka_unit_test(test_auto_close),
		cmocka_unit_test(test_replace_no_device),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
