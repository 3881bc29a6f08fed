/* Keys: what openssl(1) writes, and what must not be used. */
#include "milter/key.h"
#include "common/file.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

extern char **environ;

static char folder[] = "/tmp/postern-key-XXXXXX";

static const char *path_of(struct arena *arena, const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

/* Runs openssl in the folder, with the words of `command`. */
static void openssl(const char *command)
{
	char name[] = "sh", option[] = "-c", *shell[] = {name, option, NULL, NULL};
	struct arena *arena = arena_new(0);
	int status = -1;
	pid_t child;

	shell[2] = arena_printf(arena, "cd %s && umask 077 && openssl %s 2>/dev/null", folder,
				command);
	assert_int_equal(posix_spawnp(&child, "sh", NULL, NULL, shell, environ), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	arena_free(arena);
}

static void write_file(const char *name, const char *text)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	assert_int_equal(file_create(fd, name, 0600, text, strlen(text)), 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out good");
	openssl("rsa -traditional -in good -out traditional");
	openssl("pkey -in good -outform DER -out der");
	openssl("pkey -in good -pubout -out public");
	openssl("pkey -in good -aes128 -passout pass:secret -out encrypted");
	openssl("rsa -in good -traditional -aes128 -passout pass:secret -out old-encrypted");
	openssl("genrsa -out weak 1024");
	openssl("genrsa -out tiny 512");
	openssl("genpkey -algorithm ED25519 -out ed25519");
	openssl("ecparam -name prime256v1 -genkey -noout -out ec");
	openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss");
	openssl("version >commented && echo >>commented && cat good >>commented");
	openssl("version >/dev/null && cp good open && chmod 0604 open && cp good writable && "
		"chmod 0620 "
		"writable && cp good grouped && chmod 0640 grouped && mkfifo fifo && ln -s good "
		"link && "
		"head -c 70000 /dev/zero >huge");
	write_file("empty", "");
	write_file("text", "not a key\n");
	return 0;
}

static int tear_down(void **state)
{
	char name[] = "rm", option[] = "-rf", *command[] = {name, option, folder, NULL};
	pid_t child;

	(void)state;
	posix_spawnp(&child, "rm", NULL, NULL, command, environ);
	waitpid(child, NULL, 0);
	return 0;
}

/* Loads a key, and gives what is said about it. */
static const char *load(struct arena *arena, const char *name, struct key **key)
{
	struct diagnostics *list = diagnostics_new(arena);
	char *printed, *kept;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	*key = key_load(path_of(arena, name), (struct position){NULL, 0, 0}, &opener_direct, list);
	diagnostics_print(list, out, false);
	fclose(out);
	kept = arena_strdup(arena, printed);
	free(printed);
	return kept;
}

static void test_files(void **state)
{
	static const struct {
		const char *name, *says; /* NULL: nothing; part of the first message otherwise */
		bool good;
	} cases[] = {
		{"good", NULL, true},
		{"traditional", NULL, true},
		{"link", NULL, true},
		{"commented", NULL, true},
		{"weak", "has 1024 bits: fewer than 2048 are weak", true},
		{"grouped", "can be read by its group", true},
		{"tiny", "has 512 bits", false},
		{"ed25519", NULL, true},
		{"ec", "is of type id-ecPublicKey", false},
		{"pss", "is of type RSASSA-PSS", false},
		{"encrypted", "is encrypted", false},
		{"old-encrypted", "is encrypted", false},
		{"der", "holds no private key in PEM form", false},
		{"public", "holds no private key in PEM form", false},
		{"empty", "holds no private key in PEM form", false},
		{"text", "holds no private key in PEM form", false},
		{"huge", "File too large", false},
		{"open", "can be read by others (mode 0604)", false},
		{"writable", "can be written by others (mode 0620)", false},
		{"fifo", "is not a regular file", false},
		{".", "is not a regular file", false},
		{"missing", "No such file", false},
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key *key;
		const char *said = load(arena, cases[i].name, &key);

		if ((key != NULL) != cases[i].good)
			fail_msg("%s: %s", cases[i].name, said);
		if (cases[i].says ? !strstr(said, cases[i].says) : *said)
			fail_msg("%s says: %s", cases[i].name, said);
		if (key) {
			assert_int_equal(strncmp(key->pem, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
			assert_int_equal(strlen(key->pem), key->length);
		}
		key_free(key);
	}
	arena_free(arena);
}

/* A key whose prime is not that of its modulus: every signature would be wrong. */
static void test_damaged(void **state)
{
	struct arena *arena = arena_new(0);
	struct key *key;

	(void)state;
	openssl("version >/dev/null && openssl asn1parse -in traditional | sed -n "
		"'s/.*INTEGER *:\\([0-9A-F]*\\).*/\\1/p' >numbers && { echo asn1=SEQUENCE:k; echo "
		"'[k]'; i=0; "
		"while read -r n; do [ $i = 3 ] && n=${n%0}${n#?}; [ $i = 3 ] && n=$(printf %s $n "
		"| tail -c "
		"510)01; printf 'n%s=INTEGER:0x%s\\n' $i $n; i=$((i+1)); done <numbers; } "
		">damaged.cnf && "
		"openssl asn1parse -genconf damaged.cnf -noout -out damaged.der && { echo "
		"'-----BEGIN RSA "
		"PRIVATE KEY-----'; base64 -w64 damaged.der; echo '-----END RSA PRIVATE KEY-----'; "
		"} >damaged");
	assert_non_null(strstr(load(arena, "damaged", &key), "its parts do not belong together"));
	assert_null(key);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
