/*
 * Runs that are killed, and runs at the same time: the target is always one whole tree, and nothing
 * is left beside it.
 */
#include "test/unit/trees.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define KILLS 200
#define LONGEST \
	8000000U    /* nanoseconds until a run is killed; a commit takes one or two milliseconds */
#define READINGS 50 /* of each tree */

static pid_t start(const struct tree_file *first, const struct tree_file *second)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child)
		return child;
	for (;;)
		if (write_tree("out", first, NULL) < 0 || write_tree("out", second, NULL) < 0)
			_exit(1);
}

static void stop(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	/* killed by us, not ended by a failure */
	assert_true(WIFSIGNALED(status));
}

/* 'A' or 'B' if the text is a snapshot of that tree, else '?'. */
static int is_which(const char *tree)
{
	if (strcmp(tree, TREE_A) == 0)
		return 'A';
	return strcmp(tree, TREE_B) == 0 ? 'B' : '?';
}

/* Nanoseconds in which two commits are done here: disks differ widely in how long a sync takes. */
static long two_commits(void)
{
	struct timespec begin, end;
	long took;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(write_tree("out", tree_a, NULL), 0);
		assert_int_equal(write_tree("out", tree_b, NULL), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	took = ((end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec) / 5;
	return took < LONGEST ? took : LONGEST;
}

static void test_killed_runs(void **state)
{
	const long longest = two_commits() * 3 / 2;
	unsigned random = 1, seen[256] = {0}, leftovers = 0;
	int there = 'B', kills = 0;

	(void)state;
	/* more on a busy machine, until the kills have come before and after a commit */
	for (; kills < KILLS || (kills < 10 * KILLS && !(seen['A'] && seen['B'] && leftovers));
	     kills++) {
		struct timespec pause = {0};
		struct dirent **entries;
		char *found;
		int count;
		/* begins with the tree that is not there: the same again changes nothing */
		pid_t child = there == 'A' ? start(tree_b, tree_a) : start(tree_a, tree_b);

		random = random * 1103515245U + 12345U;
		pause.tv_nsec = (random >> 8) * (longest >> 12) >> 12;
		nanosleep(&pause, NULL);
		stop(child);
		found = snapshot("out");
		there = is_which(found);
		seen[there]++;
		if (there == '?')
			fail_msg("after a kill: %s", found);
		free(found);
		count = scandir(".", &entries, NULL, NULL);
		leftovers += count > 3;
		while (count-- > 0)
			free(entries[count]);
		free(entries);
	}
	print_message("after %d kills: %u times A, %u times B, %u times with leftovers\n", kills,
		      seen['A'], seen['B'], leftovers);
	assert_true(seen['A'] && seen['B'] && leftovers);
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	assert_names(".", "out ");
}

/*
 * What the target was at one moment. The folder is held open while it is read, so if the name still
 * means the same folder afterwards, it did all the time.
 */
static char *read_target(void)
{
	struct strbuf text = STRBUF_INIT;
	struct stat opened, named;
	int fd = open("out", O_RDONLY | O_DIRECTORY);
	bool same;

	/* at every moment there is a tree */
	assert_true(fd >= 0);
	add_snapshot(&text, fd, "");
	same = fstat(fd, &opened) == 0 && stat("out", &named) == 0 && opened.st_ino == named.st_ino;
	close(fd);
	if (same)
		return text.text;
	strbuf_done(&text);
	return NULL;
}

static void test_runs_at_once(void **state)
{
	static const struct timespec pause = {.tv_nsec = 200000};
	unsigned seen[256] = {0};
	pid_t one, other;

	(void)state;
	assert_int_equal(write_tree("out", tree_a, NULL), 0);
	one = start(tree_a, tree_a);
	other = start(tree_b, tree_b);
	/* a run that never comes through ends this by the test's time limit */
	while (seen['A'] < READINGS || seen['B'] < READINGS) {
		char *found = read_target();

		nanosleep(&pause, NULL);
		if (!found)
			continue;
		seen[is_which(found)]++;
		if (is_which(found) == '?')
			fail_msg("while two runs write: %s", found);
		free(found);
	}
	stop(one);
	stop(other);
	print_message("while two runs write: %u times A, %u times B\n", seen['A'], seen['B']);
	assert_int_equal(write_tree("out", tree_b, NULL), 0);
	assert_names(".", "out ");
}

/* Two runs that both find no target: one of them is first, the other replaces its tree. */
static void test_first_runs_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[32], *found;
		pid_t child;
		int status;

		snprintf(name, sizeof(name), "out%d", i);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(-write_tree(name, tree_a, NULL));
		assert_int_equal(write_tree(name, tree_b, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		found = snapshot(name);
		assert_int_not_equal(is_which(found), '?');
		free(found);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_temporary, leave_temporary)
	const struct CMUnitTest tests[] = {
		TEST(test_killed_runs),
		TEST(test_runs_at_once),
		TEST(test_first_runs_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
