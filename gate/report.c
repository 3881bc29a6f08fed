/* Counts for people and for Prometheus; see report.h. */
#include "gate/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

void report_log(const struct gate *gate)
{
	const struct listener *listener;

	TAILQ_FOREACH(listener, &gate->listeners, entry)
	{
		char text[256] = "";
		size_t used = 0;

		for (size_t i = 0; i < VERDICT_COUNT && used < sizeof(text); i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s=%" PRIu64,
						 verdict_names[i], listener->verdicts[i]);
		log_write(LOG_LEVEL_INFO, "listener=%s accepted=%" PRIu64 "%s resent=%" PRIu64,
			  listener->name, listener->accepted, text, listener->resent);
	}
}

static void heading(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_listeners(const struct gate *gate, FILE *out)
{
	const struct listener *listener;

	heading(out, "postern_gate_accepted_total", "counter", "Connections accepted.");
	TAILQ_FOREACH(listener, &gate->listeners, entry)
	fprintf(out, "postern_gate_accepted_total{listener=\"%s\"} %" PRIu64 "\n", listener->name,
		listener->accepted);
	heading(out, "postern_gate_connections_total", "counter",
		"Connections by what became of them.");
	TAILQ_FOREACH(listener, &gate->listeners, entry)
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		fprintf(out,
			"postern_gate_connections_total{listener=\"%s\",verdict=\"%s\"} "
			"%" PRIu64 "\n",
			listener->name, verdict_names[i], listener->verdicts[i]);
	heading(out, "postern_gate_resent_total", "counter",
		"Hand-overs repeated because Postfix ended before it took the connection.");
	TAILQ_FOREACH(listener, &gate->listeners, entry)
	fprintf(out, "postern_gate_resent_total{listener=\"%s\"} %" PRIu64 "\n", listener->name,
		listener->resent);
}

/* A label value: backslash, quote and line break are escaped. */
static void write_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void write_services(const struct gate *gate, FILE *out)
{
	const struct service *service;

	heading(out, "postern_gate_service_connections", "gauge",
		"Connections that a service has not taken yet.");
	TAILQ_FOREACH(service, &gate->services, entry)
	{
		static const char *const states[] = {"waiting", "sent"};
		const unsigned counts[] = {service->waiting_count, service->sent_count};

		for (size_t i = 0; i < 2; i++) {
			fputs("postern_gate_service_connections{service=\"", out);
			write_label(out, service->path);
			fprintf(out, "\",state=\"%s\"} %u\n", states[i], counts[i]);
		}
	}
}

char *report_text(const struct gate *gate)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_listeners(gate, out);
	write_services(gate, out);
	heading(out, "postern_gate_accept_pauses_total", "counter",
		"Times that no connection was accepted for a while, for want of descriptors.");
	fprintf(out, "postern_gate_accept_pauses_total %" PRIu64 "\n", gate->accept_pauses);
	heading(out, "postern_gate_reloads_total", "counter", "Reloads of the configuration.");
	fprintf(out, "postern_gate_reloads_total{result=\"good\"} %" PRIu64 "\n", gate->reloads);
	fprintf(out, "postern_gate_reloads_total{result=\"failed\"} %" PRIu64 "\n",
		gate->failed_reloads);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Not synced to the disk: nobody needs old figures after a crash, and a sync could take long. */
static int write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	char temporary[4096];
	int fd, error = 0;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != (ssize_t)length)
		error = errno ? -errno : -ENOSPC;
	if (!error && fchmod(fd, 0644) < 0) /* the collector is another user */
		error = -errno;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error)
		unlink(temporary);
	return error;
}

void report_write(struct gate *gate)
{
	unsigned left_out;
	char *text;
	int error;

	if (!gate->metrics)
		return;
	errno = 0;
	text = report_text(gate);
	error = text ? write_file(gate->metrics, text) : -ENOMEM;
	free(text);
	if (error && log_limit_allows(&gate->metrics_errors, gate->loop.now, 1, 3600000, &left_out))
		log_write(LOG_LEVEL_WARNING, "metrics %s: %s", gate->metrics, strerror(-error));
}
