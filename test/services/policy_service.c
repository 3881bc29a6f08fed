/*
 * A policy service: policy_service SOCKET MODE. Refuses senders at refused.test and answers
 * REJECT with the client's address; all others get DUNNO. Ends with its standard input.
 */
#include "milter/policy_server.h"
#include "milter/service_socket.h"

#include <assert.h>
#include <unistd.h>

static const char *decide(void *context, const struct policy_request *request, char *buffer,
			  size_t size)
{
	const char *sender = policy_request_value(request, "sender");
	const char *at = strrchr(sender, '@');

	assert(strcmp(context, "context") == 0);
	printf("%zu attributes, state %s\n", request->count,
	       policy_request_value(request, "protocol_state"));
	fflush(stdout);
	if (!at || strcmp(at, "@refused.test") != 0)
		return "DUNNO";
	snprintf(buffer, size, "REJECT not from %s",
		 policy_request_value(request, "client_address"));
	return buffer;
}

int main(int argc, char **argv)
{
	static char context[] = "context";
	struct policy_server *server;
	struct service_socket wanted = {.group = (gid_t)-1};
	const char *cause = NULL;
	char octet;
	int fd;

	assert(argc == 3);
	wanted.name = argv[1];
	wanted.mode = (mode_t)strtoul(argv[2], NULL, 8);
	fd = service_socket_open(&wanted, &cause);
	if (fd < 0) {
		printf("%s: %s: %s\n", argv[1], cause, strerror(-fd));
		return 1;
	}
	assert(policy_server_start(fd, decide, context, &server) == 0);
	puts("ready");
	fflush(stdout);
	while (read(0, &octet, 1) > 0)
		;
	service_socket_remove(&wanted);
	policy_server_stop(server, 2000);
	puts("stopped");
	return 0;
}
