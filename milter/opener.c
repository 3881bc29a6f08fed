/* Opening files as the process itself may; see opener.h. */
#include "milter/opener.h"

#include <errno.h>
#include <fcntl.h>

static int open_directly(const struct opener *opener, const char *path, bool folder)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path,
		      O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (folder ? O_DIRECTORY : 0));

	(void)opener;
	return fd < 0 ? -errno : fd;
}

const struct opener opener_direct = {open_directly, -1};
