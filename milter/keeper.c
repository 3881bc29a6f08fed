/* The process that opens files for the service; see keeper.h. */
#include "milter/keeper.h"
#include "common/file.h"
#include "milter/config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef POSTERN_COVERAGE
#include <gcov.h>
#endif

#define LARGEST_CONFIGURATION ((size_t)16 << 20)
#define LARGEST_KEY	      ((size_t)64 << 10)
#define ANSWER_SECONDS	      30
#define KEY_SUFFIX	      ".private"

struct request {
	bool folder;
	char path[PATH_MAX];
};

struct keeper {
	int channel;
	const char *file;
	struct arena *arena; /* of the configuration that says which keys there are */
	struct config config;
};

/* Sends 0 with a descriptor, or -errno. */
static void answer(int channel, int fd)
{
	int error = fd < 0 ? fd : 0;
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.space = {0}};
	struct iovec part = {&error, sizeof(error)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	sendmsg(channel, &message, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* Reads what the configuration says of keys. Mistakes are for the service to tell. */
static int learn(struct keeper *keeper, int fd)
{
	struct arena *arena = arena_new(0);
	struct source source = {.name = keeper->file};
	struct config config;
	char *text;
	int error = file_read_fd(arena, fd, LARGEST_CONFIGURATION, &text, &source.length);

	if (error) {
		arena_free(arena);
		return error;
	}
	source.text = text;
	config_read(arena, &source, diagnostics_new(arena), &config);
	arena_free(keeper->arena);
	keeper->arena = arena;
	keeper->config = config;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* Who else can write the file could have any key of the host read. */
static int open_configuration(struct keeper *keeper)
{
	int fd = opener_direct.open(&opener_direct, keeper->file, false), error = 0;
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (status.st_uid != geteuid() || (status.st_mode & S_IWOTH) ||
		 ((status.st_mode & S_IWGRP) && status.st_gid != 0))
		error = -EPERM;
	if (!error)
		error = learn(keeper, fd);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static bool names_key(const struct keeper *keeper, const char *path)
{
	const char *folder = keeper->config.key_folder;
	size_t length = folder ? strlen(folder) : 0, total = strlen(path);
	size_t suffix = strlen(KEY_SUFFIX);

	if (!keeper->arena)
		return false;
	if (folder && strncmp(path, folder, length) == 0 && path[length] == '/' &&
	    !strchr(path + length + 1, '/') && total > suffix &&
	    strcmp(path + total - suffix, KEY_SUFFIX) == 0)
		return true;
	for (size_t i = 0; i < keeper->config.domain_count; i++) {
		const struct signing_domain *domain = &keeper->config.domains[i];

		for (size_t j = 0; j < domain->key_count; j++)
			if (domain->keys[j].path && strcmp(domain->keys[j].path, path) == 0)
				return true;
	}
	return false;
}

/* Whether the file holds a private key in PEM form. */
static bool looks_like_key(int fd)
{
	struct arena *arena = arena_new(0);
	size_t length = 0;
	char *text = NULL;
	bool good = file_read_fd(arena, fd, LARGEST_KEY, &text, &length) == 0 &&
		    strstr(text, "-----BEGIN ") && strstr(text, "PRIVATE KEY-----") &&
		    lseek(fd, 0, SEEK_SET) == 0;

	if (text)
		explicit_bzero(text, length);
	arena_free(arena);
	return good;
}

static int open_key(const struct keeper *keeper, const char *path)
{
	struct stat status;
	int fd;

	if (!names_key(keeper, path))
		return -EACCES;
	fd = opener_direct.open(&opener_direct, path, false);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && looks_like_key(fd))
		return fd;
	close(fd);
	return -EINVAL;
}

static int serve_request(struct keeper *keeper, const struct request *request)
{
	const char *folder = keeper->arena ? keeper->config.key_folder : NULL;

	if (request->folder)
		return folder && strcmp(folder, request->path) == 0
			       ? opener_direct.open(&opener_direct, folder, true)
			       : -EACCES;
	if (strcmp(request->path, keeper->file) == 0)
		return open_configuration(keeper);
	return open_key(keeper, request->path);
}

/* Not by exit(): standard output may hold what the service has not yet written. */
static _Noreturn void leave(void)
{
#ifdef POSTERN_COVERAGE
	__gcov_dump();
#endif
	_exit(0);
}

/* Serves until the service is gone. Signals that end the service are not for this process. */
static _Noreturn void serve(struct keeper *keeper)
{
	static struct request request;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		ssize_t got = recv(keeper->channel, &request, sizeof(request), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(request))
			leave();
		request.path[sizeof(request.path) - 1] = '\0';
		answer(keeper->channel, serve_request(keeper, &request));
	}
}

static int receive(int channel)
{
	int error = -EIO, fd = -1;
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {&error, sizeof(error)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space)};
	const struct cmsghdr *header;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != sizeof(error))
		return -EIO;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return error ? error : fd;
}

static int open_remotely(const struct opener *opener, const char *path, bool folder)
{
	static struct request request; /* one thread at a time reads a configuration */
	size_t length = strlen(path);

	if (length >= sizeof(request.path))
		return -ENAMETOOLONG;
	memset(&request, 0, sizeof(request));
	request.folder = folder;
	memcpy(request.path, path, length);
	if (send(opener->channel, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return -EIO;
	return receive(opener->channel);
}

/* ps(1) shall not take it for the service. */
static void show_as(int argc, char **argv)
{
	static const char title[] = "postern-milter: reads keys for a reload";
	size_t size = argc > 0 ? (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]) : 0;

	memset(argv[0], 0, size);
	snprintf(argv[0], size, "%s", title);
	prctl(PR_SET_NAME, "postern-keeper");
}

int keeper_start(const char *file, int argc, char **argv, struct opener *opener)
{
	const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	struct keeper keeper = {.file = strdup(file)};
	int ends[2], error = 0;
	pid_t child;

	if (!keeper.file)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		error = -errno;
		free((char *)keeper.file);
		return error;
	}
	child = fork();
	if (child == 0) {
		close(ends[0]);
		keeper.channel = ends[1];
		show_as(argc, argv);
		serve(&keeper);
	}
	if (child < 0)
		error = -errno;
	free((char *)keeper.file);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error;
	}
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	*opener = (struct opener){open_remotely, ends[0]};
	return 0;
}
