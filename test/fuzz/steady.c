/*
 * What all targets have in common: randomness that is the same each time, and no user database, so
 * that an input does what it did before, and quickly.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
	(void)flags;
	memset(buffer, 0x5a, size);
	return (ssize_t)size;
}

static int is_known(const char *name)
{
	static const char *const names[] = {"nobody", "nogroup", "postern", "postfix", "root"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	errno = 0;
	return 0;
}

struct passwd *getpwnam(const char *name)
{
	static char root[] = "/";
	static struct passwd user;

	user = (struct passwd){
		.pw_name = (char *)name, .pw_uid = 1000, .pw_gid = 1000, .pw_dir = root};
	return is_known(name) ? &user : NULL;
}

struct group *getgrnam(const char *name)
{
	static struct group group;

	group = (struct group){.gr_name = (char *)name, .gr_gid = 1000};
	return is_known(name) ? &group : NULL;
}
