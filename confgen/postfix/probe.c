/* Trying rendered files with the installed Postfix; see probe.h. */
#include "confgen/postfix/probe.h"
#include "common/file.h"
#include "common/strbuf.h"
#include "confgen/postfix/run.h"
#include "confgen/topology/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* Services of docker-mailserver that its overrides may name. */
static const char dms_master[] = "smtp inet n - n - 1 postscreen\n"
				 "smtpd pass - - n - - smtpd\n"
				 "submission inet n - n - - smtpd\n"
				 "submissions inet n - n - - smtpd\n"
				 "smtp unix - - n - - smtp\n"
				 "relay unix - - n - - smtp\n";

struct probe {
	struct arena *arena;
	struct diagnostics *list;
	const char *postconf, *postmap, *postfix;
	const char *folder; /* of the node being tried */
	const char *node;
};

/* The file of the node that a line of output speaks of, as a place; else main.cf. */
static void complain(struct probe *probe, const char *program, const char *line, size_t length)
{
	struct source *source = arena_alloc(probe->arena, sizeof(*source));
	const char *text = arena_strndup(probe->arena, line, length), *at;
	size_t folder = strlen(probe->folder);
	struct strbuf clean = STRBUF_INIT;

	/* the temporary folder means nothing to the reader */
	for (; (at = strstr(text, probe->folder)); text = at + folder) {
		strbuf_add(&clean, text, (size_t)(at - text));
		strbuf_adds(&clean, probe->node);
	}
	strbuf_adds(&clean, text);
	source->name = arena_strdup(probe->arena, probe->node);
	report(probe->list, RENDERED, ((struct position){source, 0, 0}), "%s: %s", program,
	       clean.text);
	strbuf_done(&clean);
}

/* Runs a program; what it writes to standard error, or an exit status above `most`, is an error. */
static int try(struct probe *probe, const char *program, int most, const char *const *argv)
{
	const char *errors, *line;
	int status, error = run_program(probe->arena, argv, &status, &errors);

	if (error)
		return error;
	for (line = errors; *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n");

		if (length)
			complain(probe, program, line, length);
		line += length;
	}
	if (status > most && !*errors)
		complain(probe, program, "failed without saying why",
			 strlen("failed without saying why"));
	return 0;
}

#define TRY(probe, program, most, ...) \
	try((probe), (program), (most), (const char *const[]){__VA_ARGS__, NULL})

static int write_file(struct probe *probe, const char *name, const char *text, size_t length)
{
	AUTO_CLOSE int folder = open(probe->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return folder < 0 ? -errno : file_create(folder, name, 0600, text, length);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_of_node(const struct rendered_file *file, const struct node *node)
{
	size_t length = strlen(node->head.name.value);

	return strncmp(file->path, node->head.name.value, length) == 0 && file->path[length] == '/';
}

/* main.cf gets a queue and data folder of the trial's own, and does not ask for a certificate. */
static int write_main(struct probe *probe, const struct rendered_file *file, const char *before)
{
	const char *text = arena_printf(
		probe->arena, "%s%.*s\nqueue_directory = %s/queue\ndata_directory = %s/data\n",
		before, (int)file->length, file->text, probe->folder, probe->folder);

	return write_file(probe, "main.cf", text, strlen(text));
}

static int try_tables(struct probe *probe, const struct node *node,
		      const struct rendered_files *files)
{
	int error = 0;

	for (size_t i = 0; i < files->count && !error; i++) {
		const struct rendered_file *file = &files->items[i];
		const char *name = base_name(file->path);

		if (!is_of_node(file, node) || !file->install || strstr(name, ".cf") ||
		    strstr(name, ".conf") ||
		    strncmp(file->install, "/etc/postfix/", strlen("/etc/postfix/")) != 0)
			continue;
		if (file->index)
			error = TRY(probe, "postmap", 0, probe->postmap, "-c", probe->folder,
				    arena_printf(probe->arena, "%s:%s/%s", file->index,
						 probe->folder, name));
		else
			/* 1: the key is not there, as it should be */
			error = TRY(probe, "postmap -q", 1, probe->postmap, "-c", probe->folder,
				    "-q", "postern.invalid",
				    arena_printf(probe->arena, "%s:%s/%s",
						 strstr(name, ".cidr") ? "cidr" : "texthash",
						 probe->folder, name));
	}
	return error;
}

static int try_postfix_node(struct probe *probe, const struct node *node,
			    const struct rendered_files *files)
{
	int error = 0;

	for (size_t i = 0; i < files->count && !error; i++) {
		const struct rendered_file *file = &files->items[i];

		if (!is_of_node(file, node))
			continue;
		if (strcmp(base_name(file->path), "main.cf") == 0)
			error = write_main(probe, file, "");
		else
			error = write_file(probe, base_name(file->path), file->text, file->length);
	}
	if (!error)
		error = TRY(probe, "postconf -n", 0, probe->postconf, "-c", probe->folder, "-n");
	if (!error)
		error = TRY(probe, "postconf -M", 0, probe->postconf, "-c", probe->folder, "-M");
	if (!error)
		error = TRY(probe, "postconf -P", 0, probe->postconf, "-c", probe->folder, "-P");
	if (!error)
		error = try_tables(probe, node, files);
	if (!error && geteuid() == 0)
		error = TRY(probe, "postfix check", 0, probe->postfix, "-c", probe->folder,
			    "check");
	return error;
}

/* As docker-mailserver does it: services line by line with postconf -P, then main.cf. */
static int try_dms_node(struct probe *probe, const struct node *node,
			const struct rendered_files *files)
{
	int error = write_file(probe, "master.cf", dms_master, strlen(dms_master));

	for (size_t i = 0; i < files->count && !error; i++)
		if (is_of_node(&files->items[i], node) &&
		    strcmp(base_name(files->items[i].path), "postfix-main.cf") == 0)
			error = write_main(probe, &files->items[i], "compatibility_level = 3.6\n");
	for (size_t i = 0; i < files->count && !error; i++) {
		const struct rendered_file *file = &files->items[i];

		if (!is_of_node(file, node) ||
		    strcmp(base_name(file->path), "postfix-master.cf") != 0)
			continue;
		for (const char *line = file->text; *line && !error; line += *line == '\n') {
			size_t length = strcspn(line, "\n");

			if ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'z'))
				error = TRY(probe, "postconf -P", 0, probe->postconf, "-c",
					    probe->folder, "-P",
					    arena_strndup(probe->arena, line, length));
			line += length;
		}
	}
	if (!error)
		error = TRY(probe, "postconf -n", 0, probe->postconf, "-c", probe->folder, "-n");
	return error;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	remove(path);
	return 0;
}

static int probe_node(struct probe *probe, const struct node *node, const char *top,
		      const struct rendered_files *files)
{
	probe->node = node->head.name.value;
	probe->folder = arena_printf(probe->arena, "%s/%s", top, probe->node);
	if (mkdir(probe->folder, 0755) < 0 ||
	    mkdir(arena_printf(probe->arena, "%s/queue", probe->folder), 0755) < 0 ||
	    mkdir(arena_printf(probe->arena, "%s/data", probe->folder), 0755) < 0)
		return -errno;
	return node->kind.value == KIND_DMS ? try_dms_node(probe, node, files)
					    : try_postfix_node(probe, node, files);
}

int probe_files(struct arena *arena, const struct topology *topology,
		const struct rendered_files *files, struct diagnostics *list,
		enum probe_result *result)
{
	struct probe probe = {.arena = arena, .list = list};
	const char *tmp = getenv("TMPDIR");
	char *top =
		arena_printf(arena, "%s/postern-check-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	int error = 0;

	probe.postconf = run_find(arena, "postconf");
	probe.postmap = run_find(arena, "postmap");
	probe.postfix = run_find(arena, "postfix");
	if (!probe.postconf || !probe.postmap || !probe.postfix) {
		*result = PROBE_NO_POSTFIX;
		return 0;
	}
	if (!mkdtemp(top))
		return -errno;
	/* Postfix's own user must get at the data folder */
	if (chmod(top, 0755) < 0)
		error = -errno;
	for (size_t i = 0; i < topology->nodes.count && !error; i++)
		if (topology->nodes.items[i].kind.value <= KIND_DMS)
			error = probe_node(&probe, &topology->nodes.items[i], top, files);
	nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (!error)
		*result = geteuid() == 0 ? PROBE_DONE : PROBE_NOT_ROOT;
	return error;
}
