/* Snapshots: read whole or not at all, counted, and swapped while threads use them. */
#include "milter/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "key_files.h"

#define THREADS 4

static void write_configuration(const char *name, const char *selector)
{
	char text[1000];

	snprintf(text, sizeof(text),
		 "socket = 'inet:9@127.0.0.1' user = 'nobody'\n"
		 "domain 'a.test' { selector = '%s' key = '%s' }\n%s",
		 selector, path_of("key"),
		 strcmp(selector, "verify") == 0 ? "listener 'mx' { mode = verify }\n" : "");
	write_file(name, 0644, text);
}

/* Reads a snapshot; what is said is compared, if only its begin. */
static struct snapshot *read_one(const char *name, int wanted, const char *says)
{
	char *said;
	size_t size;
	FILE *out = open_memstream(&said, &size);
	int status = 0;
	struct snapshot *snapshot = snapshot_read(path_of(name), &opener_direct, out, &status);

	fclose(out);
	if (status != wanted || !(says ? strstr(said, says) != NULL : !*said))
		fail_msg("%s: %d, %s", name, status, said);
	assert_int_equal(snapshot != NULL, wanted == 0);
	free(said);
	return snapshot;
}

static void test_read(void **state)
{
	struct snapshot *snapshot;

	(void)state;
	make_key("key");
	write_configuration("sign", "sign");
	write_configuration("verify", "verify");
	write_file("mistakes", 0644, "wrong = 1\nsocket = 'x'\ndomain 'a.test' { }\n");
	write_file("empty", 0644, "");
	snapshot = read_one("sign", 0, NULL);
	assert_non_null(snapshot->signers);
	assert_null(snapshot->verifiers);
	snapshot_release(snapshot);
	snapshot = read_one("verify", 0, NULL);
	assert_non_null(snapshot->verifiers);
	assert_non_null(snapshot->resolver);
	snapshot_release(snapshot);
	read_one("mistakes", -EINVAL, "unknown setting 'wrong'");
	read_one("mistakes", -EINVAL, "domain a.test has no key");
	read_one("empty", -EINVAL, "has no domain section");
	read_one("missing", -ENOENT, "No such file");
	snapshot_release(NULL);
}

static void test_count(void **state)
{
	struct snapshot *first = read_one("sign", 0, NULL), *second = read_one("verify", 0, NULL);
	struct snapshot_place *place = snapshot_place_new(first);
	struct snapshot *held = snapshot_current(place);

	(void)state;
	assert_ptr_equal(held, first);
	assert_int_equal(held->references, 2);
	snapshot_replace(place, second);
	/* who began with the old one keeps it */
	assert_int_equal(held->references, 1);
	assert_string_equal(held->config.domains[0].keys[0].selector, "sign");
	snapshot_release(held);
	held = snapshot_current(place);
	assert_ptr_equal(held, second);
	snapshot_place_free(place);
	assert_int_equal(held->references, 1);
	snapshot_release(held);
	snapshot_place_free(NULL);
}

struct user {
	struct snapshot_place *place;
	const bool *stop;
	unsigned long uses;
};

static void *use(void *argument)
{
	struct user *user = argument;

	while (!__atomic_load_n(user->stop, __ATOMIC_RELAXED)) {
		struct snapshot *snapshot = snapshot_current(user->place);
		const char *selector = snapshot->config.domains[0].keys[0].selector;

		if ((strcmp(selector, "verify") == 0) != (snapshot->verifiers != NULL))
			break;
		snapshot_release(snapshot);
		__atomic_add_fetch(&user->uses, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What is half-swapped, freed too early or never shows here, or to the sanitizers. */
static void test_swap(void **state)
{
	struct snapshot_place *place = snapshot_place_new(read_one("sign", 0, NULL));
	struct user users[THREADS];
	pthread_t threads[THREADS];
	bool stop = false;

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		users[i] = (struct user){place, &stop, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
	}
	for (size_t i = 0; i < 60; i++)
		snapshot_replace(place, read_one(i % 2 ? "sign" : "verify", 0, NULL));
	for (size_t i = 0; i < THREADS; i++)
		while (__atomic_load_n(&users[i].uses, __ATOMIC_RELAXED) == 0)
			usleep(1000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	snapshot_place_free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_swap),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
