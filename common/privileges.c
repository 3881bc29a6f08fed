/* Giving up root's privileges; see privileges.h. */
#include "common/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

int privileges_drop(uid_t uid, gid_t gid)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return -errno;
	/* what was given up must not come back */
	if (uid != 0 && setuid(0) == 0)
		return -EPERM;
	return 0;
}

static bool is_folder_of(const char *path, uid_t uid)
{
	char folder[PATH_MAX];
	const char *end = strrchr(path, '/');
	size_t length = end ? (size_t)(end - path) : 0;
	struct stat status;

	if (length == 0 || length >= sizeof(folder))
		return false;
	memcpy(folder, path, length);
	folder[length] = '\0';
	return stat(folder, &status) == 0 && status.st_uid == uid;
}

int privileges_lend(const char *path, uid_t uid)
{
	if (geteuid() != 0 || uid == 0 || !is_folder_of(path, uid))
		return 0;
	return seteuid(uid) < 0 ? -errno : 0;
}

void privileges_take_back(void)
{
	if (getuid() == 0 && geteuid() != 0 && seteuid(0) < 0)
		abort(); /* the real user is root, who may always be root again */
}
