/*
 * Runs a program, and prints what it took: seconds, and the largest resident KiB of it or a child.
 *
 * Usage: cost PROGRAM [ARGUMENT...]
 * It is there because the kernel counts what a process was before it became the program: one that
 * was Python first has Python's memory. The program's output is thrown away, its exit status kept.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void become(char **words)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere >= 0)
		dup2(nowhere, STDOUT_FILENO);
	execvp(words[0], words);
	perror(words[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	double began = now();
	struct rusage usage;
	pid_t child;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: cost PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	child = fork();
	if (child == 0)
		become(argv + 1);
	if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
		perror("cost");
		return 126;
	}
	printf("%.6f %ld\n", now() - began, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
