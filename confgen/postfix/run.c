/* Running another program; see run.h. */
#include "confgen/postfix/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_OUTPUT ((size_t)64 << 10)
#define MOST_TIME   60 /* seconds */

const char *run_find(struct arena *arena, const char *name)
{
	const char *path = getenv("PATH");
	const char *all =
		arena_printf(arena, "%s:/usr/sbin:/sbin:/usr/local/sbin", path ? path : "");

	for (const char *dir = all; *dir; dir += *dir == ':') {
		size_t length = strcspn(dir, ":");
		const char *file = arena_printf(arena, "%.*s/%s", (int)length, dir, name);

		if (dir[0] == '/' && access(file, X_OK) == 0)
			return file;
		dir += length;
	}
	return NULL;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Reads until the end; false when that does not come in time. What is too much is thrown away. */
static bool collect(int fd, char *text, size_t *length)
{
	const time_t end = now() + MOST_TIME;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char waste[4096];

	for (;;) {
		bool full = *length == MOST_OUTPUT;
		ssize_t got;

		if (now() >= end)
			return false;
		if (poll(&poll_fd, 1, 1000) < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		if (!poll_fd.revents)
			continue;
		got = read(fd, full ? waste : text + *length,
			   full ? sizeof(waste) : MOST_OUTPUT - *length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		if (!full)
			*length += (size_t)got;
	}
}

/* `stream` is the descriptor of the program that we read: 1 or 2. */
static int spawn(const char *const *argv, int fd, int stream, pid_t *pid)
{
	static char locale[] = "LC_ALL=C", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {locale, path, NULL};
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, 0, 3 - stream);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, fd, stream);
	if (!error)
		error = posix_spawn(pid, argv[0], &actions, NULL, (char *const *)(void *)argv,
				    environment);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int run(struct arena *arena, const char *const *argv, int stream, int *status,
	       const char **output)
{
	char *text = arena_alloc(arena, MOST_OUTPUT + 1);
	size_t length = 0;
	int pipes[2], error, result;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	error = spawn(argv, pipes[1], stream, &pid);
	close(pipes[1]);
	if (error) {
		close(pipes[0]);
		return error;
	}
	if (!collect(pipes[0], text, &length)) {
		kill(pid, SIGKILL);
		error = -ETIMEDOUT;
	}
	close(pipes[0]);
	while (waitpid(pid, &result, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (error)
		return error;
	text[length] = '\0';
	*status = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
	*output = text;
	return 0;
}

int run_program(struct arena *arena, const char *const *argv, int *status, const char **errors)
{
	return run(arena, argv, 2, status, errors);
}

int run_output(struct arena *arena, const char *const *argv, int *status, const char **output)
{
	return run(arena, argv, 1, status, output);
}
