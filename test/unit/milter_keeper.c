/* The process that opens files for the service: what it hands out, and what not. */
#include "milter/keeper.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "key_files.h"

static struct opener opener;
static char title[] = "a program's arguments, of which there is one";

static int set_up(void **state)
{
	char *arguments[] = {title, NULL}, text[1000];

	if (make_folder(state) != 0)
		return -1;
	make_key("key");
	make_key("other");
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	make_key("folder/a.test.private");
	make_key("folder/a.test.public");
	assert_int_equal(mkdir(path_of("folder/deep"), 0700), 0);
	make_key("folder/deep/a.test.private");
	write_file("secret", 0600, "root:secret\n");
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	snprintf(text, sizeof(text),
		 "key_folder = '%s'\n"
		 "domain 'a.test' { key k1 { file = '%s' } key k2 { file = '%s' }\n"
		 "  key k3 { file = '%s' } key k4 { file = '%s' } key k5 { file = '%s' } }\n",
		 path_of("folder"), path_of("key"), path_of("secret"), path_of("fifo"),
		 path_of("folder"), path_of("missing"));
	write_file("m.conf", 0600, text);
	return keeper_start(path_of("m.conf"), 1, arguments, &opener);
}

/* Opens a file by way of the keeper; -errno, or 0 when what comes is the file. */
static int open_file(const char *path, bool is_folder)
{
	int fd = opener.open(&opener, path, is_folder);
	struct stat got, there;

	if (fd < 0)
		return fd;
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(stat(path, &there), 0);
	assert_int_equal(got.st_ino, there.st_ino);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return 0;
}

static void test_before_the_configuration(void **state)
{
	(void)state;
	assert_int_equal(open_file(path_of("key"), false), -EACCES);
	assert_int_equal(open_file(path_of("folder"), true), -EACCES);
}

static void test_requests(void **state)
{
	const struct {
		const char *path;
		bool folder;
		int wanted;
	} cases[] = {
		{"m.conf", false, 0},
		{"key", false, 0},
		{"folder", true, 0},
		{"folder/a.test.private", false, 0},
		{"other", false, -EACCES},  /* a key, but not one of ours */
		{"secret", false, -EINVAL}, /* named, but no key */
		{"fifo", false, -EINVAL},
		{"folder", false, -EINVAL}, /* named as a key */
		{"missing", false, -ENOENT},
		{"folder/a.test.public", false, -EACCES},
		{"folder/deep/a.test.private", false, -EACCES},
		{"folder/../folder/a.test.private", false, -EACCES},
		{"folder/deep", true, -EACCES},
		{"../../etc/shadow", false, -EACCES},
		{"", false, -EACCES},
		{"", true, -EACCES},
	};
	char longest[PATH_MAX + 10];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int got = open_file(path_of(cases[i].path), cases[i].folder);

		if (got != cases[i].wanted)
			fail_msg("%s: %d", cases[i].path, got);
	}
	assert_int_equal(open_file("/etc/shadow", false), -EACCES);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(open_file(longest, false), -ENAMETOOLONG);
	longest[PATH_MAX - 1] = '\0';
	assert_int_equal(open_file(longest, false), -EACCES);
}

/* Who can write the configuration could have any file of the host read. */
static void test_writable_configuration(void **state)
{
	(void)state;
	assert_int_equal(chmod(path_of("m.conf"), 0602), 0);
	assert_int_equal(open_file(path_of("m.conf"), false), -EPERM);
	/* what it knew before holds on */
	assert_int_equal(open_file(path_of("key"), false), 0);
	assert_int_equal(chmod(path_of("m.conf"), 0600), 0);
	assert_int_equal(open_file(path_of("m.conf"), false), 0);
}

/* A new configuration takes the old one's rights away. */
static void test_new_configuration(void **state)
{
	char text[500];

	(void)state;
	snprintf(text, sizeof(text), "domain 'a.test' { selector = 'x' key = '%s' }\n",
		 path_of("other"));
	write_file("m.conf", 0600, text);
	assert_int_equal(open_file(path_of("other"), false), -EACCES); /* not read yet */
	assert_int_equal(open_file(path_of("m.conf"), false), 0);
	assert_int_equal(open_file(path_of("other"), false), 0);
	assert_int_equal(open_file(path_of("key"), false), -EACCES);
	assert_int_equal(open_file(path_of("folder"), true), -EACCES);
	/* one with mistakes is handed out, for the service to tell of them, and names what it names
	 */
	write_file("m.conf", 0600, "wrong = 1\ndomain 'a.test' {");
	assert_int_equal(open_file(path_of("m.conf"), false), 0);
	assert_int_equal(open_file(path_of("other"), false), -EACCES);
	assert_int_equal(unlink(path_of("m.conf")), 0);
	assert_int_equal(open_file(path_of("m.conf"), false), -ENOENT);
}

static void test_end(void **state)
{
	int status;

	(void)state;
	/* half a request ends it, and so does the end of the service */
	close(opener.channel);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	opener.channel = -1;
	assert_int_equal(opener.open(&opener, "/x", false), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_configuration),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_writable_configuration),
		cmocka_unit_test(test_new_configuration),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, set_up, remove_folder);
}
