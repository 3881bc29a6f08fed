/* The pages for those who watch the service; see http.h. */
#include "milter/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define CONNECTION_MEMORY ((size_t)16384) /* octets for a request's header and an answer's */

struct client {
	TAILQ_ENTRY(client) entry;
	int fd;
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_pages pages;
	TAILQ_HEAD(, client) clients; /* the oldest first; the server's thread alone uses it */
	size_t count;
};

/* Queues an answer; takes `text`, which malloc() gave or, with PERSISTENT, is a constant. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
			      const char *text, size_t length, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, (void *)text, mode);
	enum MHD_Result result = MHD_NO;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free((char *)text);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
		    MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_words(struct MHD_Connection *connection, unsigned status,
				    const char *words)
{
	return answer(connection, status, "text/plain; charset=utf-8", words, strlen(words),
		      MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer_metrics(struct http *http, struct MHD_Connection *connection)
{
	size_t length = 0;
	char *text = http->pages.metrics(http->pages.context, &length);

	if (!text)
		return answer_words(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
	return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text,
		      length, MHD_RESPMEM_MUST_FREE);
}

/* Called once with the header, and again when there is a body, which nobody reads. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct http *http = context;

	(void)version, (void)data, (void)size, (void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_words(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "method not allowed\n");
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(http, connection);
	if (strcmp(url, "/healthz") == 0)
		return answer_words(connection, MHD_HTTP_OK, "ok\n");
	if (strcmp(url, "/readyz") != 0)
		return answer_words(connection, MHD_HTTP_NOT_FOUND, "not found\n");
	if (http->pages.ready(http->pages.context))
		return answer_words(connection, MHD_HTTP_OK, "ready\n");
	return answer_words(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready\n");
}

/* Of too many clients the oldest is cut off: it stalls, for a request takes milliseconds. */
static void make_room(struct http *http)
{
	struct client *oldest = TAILQ_FIRST(&http->clients);

	if (http->count <= HTTP_MOST_CONNECTIONS)
		return;
	shutdown(oldest->fd, SHUT_RDWR); /* libmicrohttpd reads its end, and closes it */
	TAILQ_REMOVE(&http->clients, oldest, entry);
	oldest->fd = -1;
	http->count--;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http *http = context;
	struct client *client = *state;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*state = client = info ? malloc(sizeof(*client)) : NULL;
		if (!client)
			return;
		client->fd = info->connect_fd;
		TAILQ_INSERT_TAIL(&http->clients, client, entry);
		http->count++;
		make_room(http);
		return;
	}
	if (client && client->fd >= 0) {
		TAILQ_REMOVE(&http->clients, client, entry);
		http->count--;
	}
	free(client);
	*state = NULL;
}

int http_start(int listener, const struct http_pages *pages, struct http **out)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->pages = *pages;
	TAILQ_INIT(&http->clients);
	/* twice the room: whom make_room() cut off is there until its end is read */
	http->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, http,
		MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
		2U * HTTP_MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTP_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return -EIO;
	}
	*out = http;
	return 0;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}
