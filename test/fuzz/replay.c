/* Stands in for libFuzzer: runs a fuzz target over every file of the folders and files given. */
#include "common/arena.h"
#include "common/file.h"

#include <dirent.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static void replay_file(const char *path)
{
	struct arena *arena = arena_new(0);
	char *text, *exact;
	size_t length;

	if (file_read(arena, path, (size_t)64 << 20, &text, &length) == 0) {
		/* an exact allocation, so that AddressSanitizer sees reads past the end */
		exact = malloc(length ? length : 1);
		if (!exact)
			abort();
		memcpy(exact, text, length);
		LLVMFuzzerTestOneInput((const uint8_t *)exact, length);
		free(exact);
		replayed++;
	}
	arena_free(arena);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		if (!folder) {
			replay_file(argv[i]);
			continue;
		}
		for (struct dirent *entry; (entry = readdir(folder));) {
			char path[4096];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			replay_file(path);
		}
		closedir(folder);
	}
	printf("%zu inputs replayed\n", replayed);
	return replayed == 0;
}
