/* Remembers which names were told; see listener_names.h. */
#include "milter/listener_names.h"
#include "common/log.h"

#include <pthread.h>

#define MOST_NAMES 64
#define LONGEST	   128

static struct {
	pthread_mutex_t lock;
	char names[MOST_NAMES][LONGEST];
	size_t count;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Whether the name is new and there was room for it. */
static bool remember(const char *name)
{
	bool fresh = true;

	pthread_mutex_lock(&seen.lock);
	for (size_t i = 0; i < seen.count && fresh; i++)
		fresh = strncmp(seen.names[i], name, LONGEST - 1) != 0;
	fresh = fresh && seen.count < MOST_NAMES;
	if (fresh)
		snprintf(seen.names[seen.count++], LONGEST, "%s", name);
	pthread_mutex_unlock(&seen.lock);
	return fresh;
}

void listener_names_note(const struct config *config, const char *name)
{
	if (config->listener_count < 2 || config_listener(config, name) != &config->listeners[0])
		return;
	if (remember(name))
		log_write(LOG_LEVEL_WARNING,
			  "no listener section is named '%s': it is treated as listener *", name);
}
