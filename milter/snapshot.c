/* Counting references, and swapping under a lock that is held for a few instructions; see
 * snapshot.h. */
#include "milter/snapshot.h"
#include "common/file.h"

#include <errno.h>
#include <pthread.h>

#define LARGEST_CONFIGURATION ((size_t)16 << 20)

struct snapshot_place {
	pthread_mutex_t lock;
	struct snapshot *current;
};

/* Reads the text of the file. */
static int read_text(struct arena *arena, const char *file, const struct opener *opener,
		     struct source *source)
{
	AUTO_CLOSE int fd = opener->open(opener, file, false);
	char *text;
	int error = fd < 0 ? fd
			   : file_read_fd(arena, fd, LARGEST_CONFIGURATION, &text, &source->length);

	if (!error)
		source->text = text;
	return error;
}

static bool verifies(const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (config->listeners[i].mode & MODE_VERIFY)
			return true;
	return false;
}

static int start_engines(struct snapshot *snapshot)
{
	const struct words *servers = &snapshot->config.dns_servers;
	unsigned seconds = snapshot->config.dns_seconds;
	int error = 0;

	snapshot->signers = signer_library_new(&snapshot->config);
	if (!snapshot->signers)
		return -ENOMEM;
	if (!verifies(&snapshot->config))
		return 0;
	error = dns_resolver_new(servers->items, servers->count, 1000 * seconds,
				 &snapshot->resolver);
	if (error)
		return error;
	snapshot->verifiers = verifier_library_new(snapshot->resolver, seconds);
	return snapshot->verifiers ? 0 : -ENOMEM;
}

struct snapshot *snapshot_read(const char *file, const struct opener *opener, FILE *out,
			       int *status)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source *source = arena_alloc(arena, sizeof(*source));
	struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));
	int error;

	*source = (struct source){.name = arena_strdup(arena, file)};
	*snapshot = (struct snapshot){.arena = arena, .references = 1};
	error = read_text(arena, file, opener, source);
	if (error) {
		fprintf(out, "%s: %s\n", file, strerror(-error));
	} else {
		config_read(arena, source, list, &snapshot->config);
		keys_load(arena, &snapshot->config, opener, list);
		diagnostics_print(list, out, diagnostics_want_color(out));
		if (diagnostics_count(list, SEVERITY_ERROR))
			error = -EINVAL;
	}
	if (!error) {
		error = start_engines(snapshot);
		if (error)
			fprintf(out, "%s: the DKIM library cannot start: %s\n", file,
				strerror(-error));
	}
	if (!error)
		return snapshot;
	*status = error;
	snapshot_release(snapshot);
	return NULL;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
	__atomic_add_fetch(&snapshot->references, 1, __ATOMIC_RELAXED);
	return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
	if (!snapshot || __atomic_sub_fetch(&snapshot->references, 1, __ATOMIC_ACQ_REL))
		return;
	signer_library_free(snapshot->signers);
	verifier_library_free(snapshot->verifiers);
	dns_resolver_free(snapshot->resolver);
	keys_free(&snapshot->config);
	arena_free(snapshot->arena);
}

struct snapshot_place *snapshot_place_new(struct snapshot *first)
{
	struct snapshot_place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	pthread_mutex_init(&place->lock, NULL);
	place->current = first;
	return place;
}

void snapshot_place_free(struct snapshot_place *place)
{
	if (!place)
		return;
	snapshot_release(place->current);
	pthread_mutex_destroy(&place->lock);
	free(place);
}

struct snapshot *snapshot_current(struct snapshot_place *place)
{
	struct snapshot *current;

	pthread_mutex_lock(&place->lock);
	current = snapshot_hold(place->current);
	pthread_mutex_unlock(&place->lock);
	return current;
}

void snapshot_replace(struct snapshot_place *place, struct snapshot *next)
{
	struct snapshot *old;

	pthread_mutex_lock(&place->lock);
	old = place->current;
	place->current = next;
	pthread_mutex_unlock(&place->lock);
	snapshot_release(old);
}
