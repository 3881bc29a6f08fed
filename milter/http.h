/*
 * The pages for those who watch the service: /metrics for Prometheus, /healthz (it runs) and
 * /readyz (it takes mail). HTTP is libmicrohttpd's, in a thread of its own.
 *
 * Bounded: few connections, little memory and time for each; of too many the oldest is cut off, so
 * that clients that stall keep nobody out. There is no access control: listen
 * on loopback or a UNIX socket; see service_socket.h.
 */
#ifndef POSTERN_MILTER_HTTP_H
#define POSTERN_MILTER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MOST_CONNECTIONS 32
#define HTTP_IDLE_SECONDS     10

/* What the pages show. Called by the server's thread. */
struct http_pages {
	char *(*metrics)(void *context, size_t *length); /* the caller frees; NULL: 503 */
	bool (*ready)(void *context);
	void *context;
};

struct http;

/*
 * Starts to serve on a listening socket that does not block. The server owns the descriptor then;
 * `pages` is copied. Returns 0, -ENOMEM or -EIO, when the descriptor is the caller's still.
 */
int http_start(int listener, const struct http_pages *pages, struct http **out);

/* Stops, cuts connections off, and frees. NULL is accepted. */
void http_stop(struct http *http);

#endif
