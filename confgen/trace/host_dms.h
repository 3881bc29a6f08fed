/*
 * docker-mailserver's configuration as its set-up scripts make it from the image's and the rendered
 * overrides; lab/dms.sh does the same with the real commands, and says in which order.
 */
#ifndef POSTERN_TRACE_HOST_DMS_H
#define POSTERN_TRACE_HOST_DMS_H

#include "common/diagnostics.h"

struct dms_files {
	const struct source *main_cf, *master_cf, *relaymap, *passwords, *patches; /* or NULL */
	const char *hostname;
};

struct dms_whole {
	const struct source *main_cf, *master_cf;
	const struct dms_applied *applied;
	const struct source *patches;
	unsigned *patched; /* line of user-patches.sh that made each line of master_cf, or 0 */
	size_t patched_count;
};

/* Everything lives in `arena`. */
struct dms_whole *dms_put_together(struct arena *arena, const struct dms_files *files);

/* Where a position in main_cf or master_cf was written. */
struct position dms_written(const struct dms_whole *whole, struct position at);

#endif
