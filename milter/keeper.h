/*
 * A small process that stays root when the service gives up its privileges, and opens the
 * configuration file, and the keys that it names, when the service reads them anew.
 *
 * It hands out descriptors for reading and nothing else: the file that it was started with, while
 * only root can write it, the folder of keys and the keys that this file names, and those only if
 * they look like private keys. It ends with the service.
 */
#ifndef POSTERN_MILTER_KEEPER_H
#define POSTERN_MILTER_KEEPER_H

#include "milter/opener.h"

/*
 * Starts it, and makes `opener` the way to it. `file` is an absolute path. The process shows itself
 * under a name of its own in place of `argv`, that of main(). Call it before threads start. Returns
 * 0 or -errno.
 */
int keeper_start(const char *file, int argc, char **argv, struct opener *opener);

#endif
