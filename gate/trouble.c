/* Troubles with services, put into words for the log; see trouble.h. */
#include "gate/trouble.h"

#include <errno.h>
#include <sys/stat.h>

#define INTERVAL 60000 /* milliseconds between two lines about the same */

static const char *const words[CAUSE_COUNT] = {
	[CAUSE_MISSING] = "there is no such socket: is Postfix running, with this pass service in "
			  "master.cf?",
	[CAUSE_NOBODY] = "nobody listens there: is Postfix running?",
	[CAUSE_NO_SOCKET] = "that is no socket",
	[CAUSE_DENIED] = "permission denied: run the gate as Postfix's user",
	[CAUSE_FULL] =
		"its queue is full: do all its processes have clients? (maxproc in master.cf)",
	[CAUSE_RESOURCES] = "the system is short of descriptors or memory",
	[CAUSE_DROPPED] = "it closed before it took a connection, which is handed over again",
	[CAUSE_TALKS] = "it answers, so it is no pass service: see master.cf",
	[CAUSE_LIMIT] = "queue_limit is reached: further clients are answered 421",
	[CAUSE_OTHER] = "it cannot be reached",
};

enum cause trouble_cause(const struct service *service, int error)
{
	struct stat status;

	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return CAUSE_MISSING;
	case ECONNREFUSED:
		if (stat(service->address.sun_path, &status) == 0 && !S_ISSOCK(status.st_mode))
			return CAUSE_NO_SOCKET;
		return CAUSE_NOBODY;
	case EACCES:
	case EPERM:
		return CAUSE_DENIED;
	case EAGAIN:
		return CAUSE_FULL;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS: /* descriptors under way to other processes count as well */
		return CAUSE_RESOURCES;
	case EPIPE:
	case ECONNRESET:
		return CAUSE_DROPPED;
	default:
		return CAUSE_OTHER;
	}
}

/* ", N times since the last line", or nothing. */
static const char *since(unsigned left_out, char *text, size_t size)
{
	text[0] = '\0';
	if (left_out)
		snprintf(text, size, "; %u more since the last line", left_out);
	return text;
}

void trouble_note(struct service *service, enum cause cause, int error)
{
	unsigned left_out;
	char more[64];

	if (!log_limit_allows(&service->causes[cause], service->gate->loop.now, 1, INTERVAL,
			      &left_out))
		return;
	service->failing = true;
	log_write(LOG_LEVEL_WARNING, "service %s: %s%s%s%s%s", service->path, words[cause],
		  error ? " (" : "", error ? strerror(-error) : "", error ? ")" : "",
		  since(left_out, more, sizeof(more)));
}

void trouble_over(struct service *service)
{
	unsigned left_out;

	if (!service->failing)
		return;
	if (log_limit_allows(&service->recovered, service->gate->loop.now, 5, INTERVAL, &left_out))
		log_write(LOG_LEVEL_INFO, "service %s: takes connections again", service->path);
	service->failing = false;
}

void trouble_busy(struct service *service)
{
	unsigned left_out;
	char more[64];

	if (log_limit_allows(&service->busy, service->gate->loop.now, 1, 10000, &left_out))
		log_write(LOG_LEVEL_WARNING, "service %s: a client was answered 421%s",
			  service->path, since(left_out, more, sizeof(more)));
}

void trouble_unanswered(struct service *service)
{
	unsigned left_out;
	char more[64];

	if (log_limit_allows(&service->unanswered, service->gate->loop.now, 1, INTERVAL, &left_out))
		log_write(LOG_LEVEL_WARNING,
			  "service %s: did not take a connection within %u seconds, which stays in "
			  "its queue%s",
			  service->path, service->gate->config->hand_over_seconds,
			  since(left_out, more, sizeof(more)));
}
