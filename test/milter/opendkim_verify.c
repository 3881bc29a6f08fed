/*
 * Verifies the signatures of messages with libopendkim, as a judge of what is signed without it.
 *
 * Usage: opendkim_verify NAME=RECORD... <MESSAGES
 * NAME is SELECTOR._domainkey.DOMAIN. Each message comes after a line with its octets in decimal.
 * Prints a line for each signature, "a d s result", in the order of the message, and after those of
 * a message an empty line. Exits 0 if all signatures are good, and each message has one.
 */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **records; /* NAME=RECORD, ends with NULL */

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	char name[512];

	(void)dkim;
	snprintf(name, sizeof(name), "%s._domainkey.%s=", dkim_sig_getselector(signature),
		 dkim_sig_getdomain(signature));
	for (char **record = records; *record; record++) {
		if (strncmp(*record, name, strlen(name)) == 0) {
			snprintf((char *)buffer, size, "%s", *record + strlen(name));
			return DKIM_CBSTAT_CONTINUE;
		}
	}
	return DKIM_CBSTAT_NOTFOUND;
}

/* Gives the header field by field; returns where the body begins. */
static char *give_header(DKIM *dkim, char *message)
{
	while (strncmp(message, "\r\n", 2) != 0) {
		char *end = strstr(message, "\r\n");

		while (end && (end[2] == ' ' || end[2] == '\t'))
			end = strstr(end + 2, "\r\n");
		if (!end || dkim_header(dkim, (u_char *)message, (size_t)(end - message)))
			exit(3);
		message = end + 2;
	}
	return message + 2;
}

static int report(DKIM *dkim)
{
	DKIM_SIGINFO **signatures;
	int count, bad = 0;

	if (dkim_getsiglist(dkim, &signatures, &count) != DKIM_STAT_OK)
		return 3;
	for (int i = 0; i < count; i++) {
		int good = (dkim_sig_getflags(signatures[i]) & DKIM_SIGFLAG_PASSED) &&
			   dkim_sig_getbh(signatures[i]) == DKIM_SIGBH_MATCH;
		dkim_alg_t algorithm = DKIM_SIGN_UNKNOWN;

		dkim_sig_getsignalg(signatures[i], &algorithm);
		printf("%s %s %s %s\n",
		       algorithm == DKIM_SIGN_ED25519SHA256 ? "ed25519-sha256" : "rsa-sha256",
		       dkim_sig_getdomain(signatures[i]), dkim_sig_getselector(signatures[i]),
		       good ? "good" : dkim_sig_geterrorstr(dkim_sig_geterror(signatures[i])));
		bad += !good;
	}
	return bad || count == 0;
}

static int judge(DKIM_LIB *library, char *message, size_t length)
{
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(library, (const u_char *)"judge", NULL, &status);
	char *body;
	int bad;

	if (!dkim)
		return 3;
	body = give_header(dkim, message);
	if (dkim_eoh(dkim) != DKIM_STAT_OK)
		return 3;
	if (body < message + length)
		dkim_body(dkim, (u_char *)body, (size_t)(message + length - body));
	dkim_eom(dkim, NULL);
	bad = report(dkim);
	dkim_free(dkim);
	return bad;
}

int main(int argc, char **argv)
{
	static char message[32 << 20];
	DKIM_LIB *library = dkim_init(NULL, NULL);
	size_t length;
	int bad = 0;

	records = argv + (argc > 0);
	if (!library || dkim_set_key_lookup(library, look_up) != DKIM_STAT_OK)
		return 3;
	while (scanf("%zu", &length) == 1 && getchar() == '\n') {
		if (length >= sizeof(message) || fread(message, 1, length, stdin) != length)
			return 3;
		message[length] = '\0';
		bad |= judge(library, message, length);
		puts("");
		fflush(stdout);
	}
	dkim_close(library);
	return bad;
}
