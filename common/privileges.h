/* Giving up root's privileges, for good or for a while. */
#ifndef POSTERN_PRIVILEGES_H
#define POSTERN_PRIVILEGES_H

#include <sys/types.h>

/*
 * Makes the process run as `uid` and `gid`, without supplementary groups, unable to gain privileges
 * again. A process that is not root's keeps its user. Returns 0 or -errno; after an error the
 * process must end. Call it before threads start.
 */
int privileges_drop(uid_t uid, gid_t gid);

/*
 * Until privileges_take_back() a process of root's acts as `uid`, if the folder of `path` is this
 * user's: so it can be led nowhere that the user could not go, and needs no capability to work
 * there. The groups stay. Call it before threads start. Returns 0 or -errno.
 */
int privileges_lend(const char *path, uid_t uid);
void privileges_take_back(void);

#endif
