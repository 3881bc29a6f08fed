/*
 * Fuzz target: a mail server's events, in any order and with any arguments, through milter/mfi.c
 * and milter/session.c to signatures and answers, with a configuration that changes meanwhile.
 *
 * libmilter is not there: the smfi_* functions below stand in for it, keep what mfi_open()
 * registers, and note what the callbacks do. HELO, RCPT, DATA and unknown commands are events that
 * the milter does not register for, so it has nothing to be called for them. What libmilter
 * promises is kept: one callback of a connection at a time, negotiation first. Other orders than
 * the protocol's are tried, too.
 *
 * What must hold: a stranger's mail is never signed; mail that must be signed is never let pass
 * without, and cannot be signed is deferred; who may not send mail is refused, though it be at the
 * end of the message; after a refusal nothing is changed or signed; changes are made at the end of
 * a message alone; a change that fails defers the message; replies and fields are well-formed; and
 * after the end of a connection nothing is left of it, wherever it was cut off.
 *
 * The first octet has what the mail server offers, the second the configuration. Then come events:
 * an octet that says which, and its arguments. A text is an octet below 0x80, one of a table; or
 * what follows up to an octet 0.
 */
#include "milter/mfi.h"
#include "milter/policy_question.h"
#include "milter/session.h"

#include <assert.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST_EVENTS 200
#define CONFIGS	    4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How the other end sees the message in work. */
enum expected { ANYTHING, NEVER_SIGNED, MUST_BE_SIGNED };

/* A connection, which to the callbacks is libmilter's context. */
struct smfi_str {
	void *private;
	const char *macros[5]; /* by macro_names */
	bool leading_blank, can_change, can_quarantine;
	bool fails, failed;	/* the next changes do; one did */
	bool stranger, insider; /* by its address */
	const char *client;	/* {client_addr} as it connected */
	bool connected;
	bool in_end; /* within the callback of the end of a message */
	bool refused;
	unsigned authors, results; /* From and Authentication-Results fields */
	bool ours;		   /* the one author is of a domain that is signed */
	bool orderly;		   /* the message came as the protocol has it */
	enum { AT_START, AT_HEADER, AT_BODY } at;
	bool stranger_sends, insider_sends;
	bool unwanted; /* a client that may not send, and was not told so yet */
	unsigned signatures;
};

struct input {
	const uint8_t *at, *end;
	struct arena *arena;
};

static const char *const macro_names[] = {"j", "{client_addr}", "{daemon_name}", "{auth_authen}",
					  "i"};
static struct smfiDesc callbacks;

/* libmilter's part. */

int smfi_register(struct smfiDesc description)
{
	callbacks = description;
	return MI_SUCCESS;
}

int smfi_setconn(char *socket)
{
	(void)socket;
	return MI_SUCCESS;
}

int smfi_opensocket(bool remove)
{
	(void)remove;
	return MI_SUCCESS;
}

size_t smfi_setmaxdatasize(size_t size)
{
	return size;
}

int smfi_main(void)
{
	return MI_FAILURE;
}

int smfi_setpriv(SMFICTX *context, void *private)
{
	context->private = private;
	return MI_SUCCESS;
}

void *smfi_getpriv(SMFICTX *context)
{
	return context->private;
}

int smfi_setsymlist(SMFICTX *context, int where, char *macros)
{
	(void)context;
	assert(where >= 0 && where < 7 && *macros);
	return MI_SUCCESS;
}

char *smfi_getsymval(SMFICTX *context, char *name)
{
	for (size_t i = 0; i < 5; i++)
		if (strcmp(name, macro_names[i]) == 0)
			return (char *)context->macros[i];
	assert(!"a macro that nobody asked for");
	return NULL;
}

/* What smfi_setreply(3) refuses would end in another answer than ours. */
int smfi_setreply(SMFICTX *context, char *code, char *status, char *text)
{
	assert(strlen(code) == 3 && (*code == '4' || *code == '5'));
	assert(strspn(code, "0123456789") == 3);
	assert(status[0] == code[0] && status[1] == '.');
	assert(strspn(status, "0123456789.") == strlen(status));
	assert(*text && strlen(text) < 980);
	for (const char *p = text; *p; p++)
		assert(*p >= ' ' && *p < 0x7f && *p != '%');
	(void)context;
	return MI_SUCCESS;
}

/* A change, which fails unless the mail server takes such. */
static int change(SMFICTX *context, bool taken)
{
	assert(context->in_end && !context->refused && !context->failed);
	context->failed = context->fails || !taken;
	return context->failed ? MI_FAILURE : MI_SUCCESS;
}

int smfi_insheader(SMFICTX *context, int index, char *name, char *value)
{
	assert(index == 0 && (*value == ' ') == context->leading_blank);
	for (const char *p = value; *p; p++) {
		assert((unsigned char)*p >= ' ' || *p == '\t' || *p == '\n');
		assert(*p != '\n' || p[1] == '\t' || p[1] == ' ');
	}
	if (change(context, true) == MI_FAILURE)
		return MI_FAILURE;
	if (strcmp(name, "DKIM-Signature") == 0) {
		assert(strstr(value, "d=example.com;") || strstr(value, "d=example.net;"));
		context->signatures++;
	} else {
		assert(strcmp(name, "Authentication-Results") == 0);
	}
	return MI_SUCCESS;
}

int smfi_chgheader(SMFICTX *context, char *name, int index, char *value)
{
	assert(strcmp(name, "Authentication-Results") == 0 && !value);
	assert(index >= 1);
	if (context->orderly)
		assert((unsigned)index <= context->results);
	return change(context, context->can_change);
}

int smfi_quarantine(SMFICTX *context, char *reason)
{
	assert(*reason && !strpbrk(reason, "\r\n"));
	return change(context, context->can_quarantine);
}

/* The configurations. The insiders of all are 10.0.0.0/8 and logins, but for those of relays. */

static const char *const config_texts[CONFIGS] = {
	"internal_networks = {\"10.0.0.0/8\"}\nrelay_users = {\"relay\"}\n"
	"domain \"example.com\" { subdomains = {\"*\"} key \"s\" { file = \"/ed\" } }\n"
	"domain \"example.net\" { key \"s\" { file = \"/ed\" } key \"t\" { file = \"/rsa\" } }\n"
	"domain \"late.test\" { key \"s\" { file = \"/ed\" active_from = \"2999-01-01\" } }\n",

	"internal_networks = {\"10.0.0.0/8\"}\nrelay_users = {\"relay\"}\nseveral_authors = "
	"\"reject\"\n"
	"log_format = \"json\"\ndns_servers = {\"127.0.0.1:1\"}\nauthserv_id = \"mx.example.org\"\n"
	"domain \"example.com\" { canonicalization = \"simple/simple\" signature_lifetime = 86400\n"
	"  identity = \"@example.com\" key \"s\" { file = \"/ed\" } }\n"
	"listener \"mx\" { mode = \"verify\" }\nlistener \"both\" { mode = \"both\" }\n",

	"internal_networks = {\"10.0.0.0/8\"}\nrelay_users = {\"relay\"}\n"
	"domain \"example.com\" { key \"s\" { file = \"/ed\" active_from = \"2001-01-01\" } }\n"
	"listener \"gate\" { proxied = \"yes\" trusted_proxies = {\"10.9.0.0/16\"}\n"
	"  claimed_internal = \"quarantine\" claimed_multicast = \"log\" internal_networks = "
	"{\"10.1.0.0/16\"} }\n"
	"listener \"mx\" { mode = \"none\" lost_header = \"tempfail\" }\n",

	"internal_networks = {\"10.0.0.0/8\"}\nrelay_users = {\"relay\"}\nsender_binding_default = "
	"\"deny\"\n"
	"domain \"example.com\" { key \"s\" { file = \"/ed\" } }\n"
	"sender_binding \"in\" { networks = {\"10.0.0.0/8\"} domains = {\"example.com\", "
	"\"*.example.com\"} }\n"
	"sender_binding \"user\" { users = {\"u\"} domains = {\"example.com\"} from = \"ours\" "
	"null_sender = \"yes\" }\n",
};

static int open_memory(const char *text)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0 && fchmod(fd, 0600) == 0);
	assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int open_file(const struct opener *opener, const char *path, bool folder)
{
	EVP_PKEY *pkey;
	FILE *file;
	char *text = NULL;
	size_t length;
	int fd;

	(void)opener, (void)folder;
	if (path[0] >= '0' && path[0] <= '9') {
		char buffer[4096];

		snprintf(buffer, sizeof(buffer),
			 "user = \"nobody\"\nsocket_group = \"nogroup\"\n%s",
			 config_texts[path[0] - '0']);
		return open_memory(buffer);
	}
	pkey = path[1] == 'e' ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_RSA_gen(1024);
	file = open_memstream(&text, &length);
	assert(pkey && file && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(file);
	fd = open_memory(text);
	free(text);
	EVP_PKEY_free(pkey);
	return fd;
}

static struct snapshot *snapshots[CONFIGS];
static struct service service;

static void start(void)
{
	static const struct opener opener = {open_file, -1};
	static const char *const listeners[] = {"mx", "gate", NULL};

	log_open("fuzz", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	for (int i = 0; i < CONFIGS; i++) {
		const char name[] = {(char)('0' + i), 0};
		char *said = NULL;
		size_t size;
		FILE *out = open_memstream(&said, &size);
		int status = 0;

		snapshots[i] = snapshot_read(name, &opener, out, &status);
		fclose(out);
		if (!snapshots[i])
			fprintf(stderr, "%s", said);
		free(said);
		assert(snapshots[i]);
	}
	service.metrics = metrics_new(listeners, policy_rule_names);
	service.snapshots = snapshot_place_new(snapshot_hold(snapshots[0]));
	assert(service.metrics && service.snapshots);
	assert(mfi_open(&service, "inet:1@127.0.0.1") == 0 && callbacks.xxfi_eom);
}

static unsigned octet(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

/* A text of the table, or one of the input. */
static char *text(struct input *input, const char *const *table, size_t count)
{
	unsigned choice = octet(input);
	const uint8_t *start = input->at, *stop;

	if (choice < 0x80)
		return table[choice % count] ? arena_strdup(input->arena, table[choice % count])
					     : NULL;
	stop = memchr(start, 0, (size_t)(input->end - start));
	input->at = stop ? stop + 1 : input->end;
	return arena_strndup(input->arena, (const char *)start,
			     (size_t)((stop ? stop : input->end) - start));
}

#define TEXT(input, ...)                                \
	text(input, (const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void negotiate(struct smfi_str *context, unsigned flags)
{
	unsigned long actions = SMFIF_ADDHDRS, protocol = 0, wanted[4];
	sfsistat answer;

	context->can_change = flags & 1;
	context->can_quarantine = flags & 2;
	actions |= (flags & 1 ? SMFIF_CHGHDRS : 0) | (flags & 2 ? SMFIF_QUARANTINE : 0) |
		   (flags & 4 ? SMFIF_SETSYMLIST : 0);
	protocol = flags & 8 ? SMFIP_HDR_LEADSPC : 0;
	context->leading_blank = flags & 8;
	answer = callbacks.xxfi_negotiate(context, actions, protocol, 0, 0, &wanted[0], &wanted[1],
					  &wanted[2], &wanted[3]);
	assert(answer == SMFIS_CONTINUE && context->private);
	assert(!(wanted[0] & ~actions) && !(wanted[1] & SMFIP_HDR_LEADSPC & ~protocol));
}

/* What an answer other than "go on" says: the message, or the client, is refused. */
static void note(struct smfi_str *context, sfsistat answer)
{
	if (answer != SMFIS_REJECT && answer != SMFIS_TEMPFAIL)
		return;
	context->refused = true;
	context->unwanted = false;
	context->at = AT_START;
}

/* Reads an address; NULL is none. */
static _SOCK_ADDR *read_address(struct input *input, struct smfi_str *context,
				struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	unsigned kind = octet(input);
	uint8_t octets[16] = {0};

	for (size_t i = 0; i < (kind & 4 ? 16 : 4); i++)
		octets[i] = (uint8_t)octet(input);
	context->insider = context->stranger = false;
	if (kind & 8)
		return NULL;
	if (kind % 8 == 7) {
		out->ss_family = AF_UNIX;
	} else if (kind & 4) {
		out->ss_family = AF_INET6;
		in6->sin6_port = (in_port_t)(kind >> 4);
		memcpy(&in6->sin6_addr, octets, 16);
	} else {
		const unsigned first = kind & 1 ? 10 : octets[0];

		octets[0] = (uint8_t)first;
		out->ss_family = AF_INET;
		in->sin_port = (in_port_t)(kind >> 4);
		memcpy(&in->sin_addr, octets, 4);
		context->insider = first == 10 && octets[1] == 0;
		context->stranger = first != 10 && first != 127;
	}
	return (_SOCK_ADDR *)out;
}

static void do_connect(struct input *input, struct smfi_str *context)
{
	struct sockaddr_storage address = {0};
	char *host = TEXT(input, "unknown", "localhost", "mail.example.net", "[10.0.0.1]");
	_SOCK_ADDR *given = read_address(input, context, &address);

	context->macros[0] = TEXT(input, "mx.example.org", NULL, "bad name");
	context->macros[1] = TEXT(input, "10.0.0.1", NULL, "192.0.2.1", "::1", "127.0.0.1");
	context->macros[2] = TEXT(input, "smtpd", "mx", "gate", "both", NULL);
	context->client = context->macros[1];
	context->connected = true;
	context->at = AT_START;
	context->orderly = context->unwanted = false; /* a message in work was not ended */
	note(context, callbacks.xxfi_connect(context, host, given));
	context->refused = false; /* Postfix may come again all the same */
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void do_mail(struct input *input, struct smfi_str *context, unsigned config)
{
	sfsistat answer;
	char *sender = TEXT(input, "<u@example.com>", "<>", NULL, "<x@other.test>", "garbage", "");
	char *arguments[] = {sender, NULL};
	const char *user = TEXT(input, NULL, "u", "relay", "");
	bool known;

	if (octet(input) & 1)
		context->macros[1] = TEXT(input, "10.0.0.1", NULL, "192.0.2.1", "::1");
	context->macros[3] = user;
	known = context->connected && same(context->client, context->macros[1]) &&
		(!context->client || strlen(context->client) < 40);
	context->connected = known; /* after another client's message nobody is known */
	context->stranger_sends = (context->stranger && (!user || !*user)) ||
				  (user && strcasecmp(user, "relay") == 0);
	context->insider_sends = known && !(user && strcasecmp(user, "relay") == 0) &&
				 (context->insider || (user && *user));
	context->refused = false;
	context->authors = context->results = 0;
	context->ours = false;
	context->orderly = context->connected;
	context->at = AT_HEADER;
	/* the last configuration refuses whom no binding matches */
	context->unwanted = config == 3 && context->connected && context->stranger_sends &&
			    context->stranger && !user;
	answer = callbacks.xxfi_envfrom(context, arguments);
	assert(!context->unwanted || answer != SMFIS_CONTINUE);
	note(context, answer);
}

static void do_header(struct input *input, struct smfi_str *context)
{
	char *name = TEXT(input, "From", "Subject", "Sender", "Authentication-Results",
			  "DKIM-Signature", "To", "from ", "Date");
	char *value =
		TEXT(input, "User <u@example.com>", "u@other.test", "<u@late.test>",
		     "a@example.net", "\"x\" <u@sub.example.com>", "mx.example.org; dkim=pass",
		     "v=1; a=ed25519-sha256; d=example.com; s=s; h=from; bh=AAAA; b=AAAA",
		     "v=1; a=rsa-sha256; d=other.test; s=s; h=from; bh=AAAA; b=AAAA");
	size_t length = strcspn(name, " \t");

	context->orderly = context->orderly && context->at == AT_HEADER;
	if (length == 4 && strncasecmp(name, "from", 4) == 0) {
		context->ours =
			context->authors++ == 0 &&
			(strstr(value, "<u@example.com>") || strstr(value, "<u@late.test>")) &&
			!strpbrk(value, "\r\n,;:\"()\\") && strlen(value) < 40;
	}
	context->results += strncasecmp(name, "authentication-results", 22) == 0;
	callbacks.xxfi_header(context, name, value);
}

/*
 * What the message must come to. Other configurations than the first have rules that let an
 * insider's mail pass or refuse it; what they sign is what their domains say, but their listeners
 * differ.
 */
static enum expected expect(const struct smfi_str *context, unsigned config)
{
	if (context->stranger_sends)
		return NEVER_SIGNED;
	if (context->orderly && context->insider_sends && context->authors == 1 && context->ours &&
	    config == 0)
		return MUST_BE_SIGNED;
	return ANYTHING;
}

static void do_end_of_header(struct smfi_str *context, unsigned config)
{
	enum expected expected = expect(context, config);
	sfsistat answer;

	context->orderly = context->orderly && context->at == AT_HEADER;
	context->at = AT_BODY;
	answer = callbacks.xxfi_eoh(context);
	assert(answer != SMFIS_ACCEPT || (expected != MUST_BE_SIGNED && !context->unwanted));
	assert(answer != SMFIS_CONTINUE || !context->unwanted);
	/* the mail server sends no more of a message that is accepted */
	if (answer == SMFIS_ACCEPT)
		context->orderly = false;
	note(context, answer);
}

static void do_end(struct smfi_str *context, unsigned config)
{
	enum expected expected = expect(context, config);
	sfsistat answer;

	context->in_end = true;
	context->failed = false;
	context->signatures = 0;
	answer = callbacks.xxfi_eom(context);
	context->in_end = false;
	assert(answer == SMFIS_CONTINUE || answer == SMFIS_TEMPFAIL || answer == SMFIS_REJECT);
	if (context->failed)
		assert(answer == SMFIS_TEMPFAIL);
	assert(!context->unwanted || answer != SMFIS_CONTINUE);
	if (expected == NEVER_SIGNED)
		assert(!context->signatures);
	if (expected == MUST_BE_SIGNED && answer == SMFIS_CONTINUE)
		assert(context->signatures);
	note(context, answer);
	context->orderly = context->unwanted = false;
	context->at = AT_START;
}

static void do_body(struct input *input, struct smfi_str *context)
{
	size_t size = octet(input), left = (size_t)(input->end - input->at);
	unsigned char *copy;

	size = size < left ? size : left;
	copy = malloc(size + 1);
	assert(copy);
	memcpy(copy, input->at, size);
	input->at += size;
	callbacks.xxfi_body(context, copy, size);
	free(copy);
}

/* A question to the policy service, which judges by the same rules. */
static void ask(struct input *input)
{
	struct policy_request request = {
		.attributes = {{"protocol_state", TEXT(input, "MAIL", "CONNECT", "RCPT", "VRFY")},
			       {"client_address",
				TEXT(input, "10.0.0.1", "192.0.2.1", "::1", "127.0.0.1")},
			       {"policy_context", TEXT(input, "", "mx", "gate", "smtpd")},
			       {"sender", TEXT(input, "u@example.com", "", "x@other.test", "@")},
			       {"sasl_username", TEXT(input, "", "u", "relay")}},
		.count = 5,
	};
	char buffer[POLICY_LONGEST_ACTION], line[POLICY_ANSWER_SIZE];
	const char *action = policy_question_decide(&service, &request, buffer, sizeof(buffer));

	/* never OK, which would end the restrictions; and a line that is not cut */
	assert(strcmp(action, "DUNNO") == 0 || strncmp(action, "HOLD ", 5) == 0 ||
	       ((*action == '4' || *action == '5') && action[3] == ' '));
	assert(!strpbrk(action, "\r\n"));
	assert(policy_answer_write(action, line) == strlen(action) + strlen("action=\n\n"));
}

static void end_connection(struct smfi_str *context)
{
	callbacks.xxfi_close(context);
	assert(!context->private && mfi_in_flight() == 0);
	*context = (struct smfi_str){.private = NULL};
}

/* One event. `config` is the configuration that is current. */
static void happen(struct input *input, struct smfi_str *context, unsigned *config, unsigned flags)
{
	unsigned event = octet(input);

	switch (event % 13) {
	case 0:
		do_connect(input, context);
		break;
	case 1:
		do_mail(input, context, *config);
		break;
	case 2:
	case 3:
		do_header(input, context);
		break;
	case 4:
		do_end_of_header(context, *config);
		break;
	case 5:
	case 6:
		do_body(input, context);
		break;
	case 7:
	case 8:
		context->macros[4] = event & 0x10 ? "4XyzQ" : NULL;
		do_end(context, *config);
		break;
	case 9:
		callbacks.xxfi_abort(context);
		context->orderly = context->unwanted = false;
		context->at = AT_START;
		break;
	case 10:
		if (event & 0x10) {
			context->fails = !context->fails;
			break;
		}
		end_connection(context);
		negotiate(context, flags);
		break;
	case 11:
		ask(input);
		break;
	default: /* a reload */
		*config = octet(input) % CONFIGS;
		snapshot_replace(service.snapshots, snapshot_hold(snapshots[*config]));
		context->orderly = false;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size, NULL};
	struct smfi_str context = {.private = NULL};
	unsigned flags, config;

	if (!service.snapshots)
		start();
	input.arena = arena_new(0);
	flags = octet(&input);
	config = octet(&input) % CONFIGS;
	snapshot_replace(service.snapshots, snapshot_hold(snapshots[config]));
	/* libmilter may say that a connection ended that never was one */
	callbacks.xxfi_close(NULL);
	negotiate(&context, flags);
	for (int i = 0; i < MOST_EVENTS && input.at < input.end; i++)
		happen(&input, &context, &config, flags);
	end_connection(&context);
	arena_free(input.arena);
	return 0;
}
