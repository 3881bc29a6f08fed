/*
 * The picture as SVG. Both files that dot sees are in memory, so that nothing is left behind, not
 * even by a run that is killed.
 */
#include "common/file.h"
#include "confgen/graph/graph_private.h"
#include "confgen/postfix/run.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGEST_SVG ((size_t)64 << 20)

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t done = write(fd, text, length);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			length -= (size_t)done;
		}
	}
	return 0;
}

/* A file in memory that a program can open by name. */
static int open_memory(struct arena *arena, const char **path)
{
	int fd = memfd_create("postern-graph", 0);

	if (fd < 0)
		return -errno;
	*path = arena_printf(arena, "/proc/self/fd/%d", fd);
	return fd;
}

static int run_dot(struct arena *arena, const char *dot, const char *input, const char *output,
		   const char **errors)
{
	const char *const argv[] = {dot, "-Tsvg", "-o", output, input, NULL};
	const char *said = NULL;
	int status = 0, error = run_program(arena, argv, &status, &said);

	if (!error && status) {
		*errors = said;
		return -EIO;
	}
	return error;
}

int graph_draw_svg(const struct graph *graph, enum graph_layout layout, const char **svg,
		   size_t *length, const char **errors)
{
	const char *dot = run_find(graph->arena, "dot"), *input = NULL, *output = NULL;
	struct strbuf text = STRBUF_INIT;
	int in AUTO_CLOSE = -1, out AUTO_CLOSE = -1, error;
	char *result = NULL;

	*errors = NULL;
	if (!dot)
		return -ENOENT;
	in = open_memory(graph->arena, &input);
	out = open_memory(graph->arena, &output);
	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	graph_write_dot(graph, layout, &text);
	error = write_all(in, text.text, text.length);
	strbuf_done(&text);
	if (!error)
		error = run_dot(graph->arena, dot, input, output, errors);
	if (!error && lseek(out, 0, SEEK_SET) < 0)
		error = -errno;
	if (!error)
		error = file_read_fd(graph->arena, out, LARGEST_SVG, &result, length);
	if (!error)
		*svg = result;
	return error;
}
