/*
 * Translates between libmilter and struct session; see mfi.h.
 *
 * What is known about libmilter and minded here: a connection moves between threads; the close
 * callback may come without a connection; events whose answer is always "go on" are negotiated
 * without an answer (SMFIP_NR_*), which halves the time a message takes; at the end of a message
 * the answer must be CONTINUE, since ACCEPT loses the mail server's next QUIT_NC and CONNECT. And
 * smfi_stop() cuts off messages in work: its worker threads stop before their sessions do. So the
 * service is stopped without it, by refusing new connections and waiting for the messages.
 */
#include "milter/mfi.h"
#include "common/log.h"
#include "milter/turns.h"
#include "milter/waker.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/*
 * The largest packet: one header field, or a part of the body. libmilter's default of 64 KiB is
 * less than Postfix's header_size_limit (102400), and a field beyond it breaks the connection.
 */
#define LARGEST_PACKET ((size_t)2 << 20)

/* How long an answer may take from a callback's return to the socket. */
#define GRACE_MILLISECONDS 200

struct connection {
	struct session *session;
	const char *separator; /* between a field's name and its value as it arrives */
	bool in_flight;	       /* counted in the gate */
	bool answers;	       /* CONNECT and MAIL are answered */
};

/* Who may pass, and who is inside: for an orderly end. */
static struct {
	pthread_mutex_t lock;
	unsigned in_flight;
	bool refusing, closed;
	struct timespec last_answer; /* CLOCK_MONOTONIC */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct service *the_service;
static const char *the_socket;

static void enter(struct connection *connection)
{
	pthread_mutex_lock(&gate.lock);
	if (!connection->in_flight && !gate.closed) {
		connection->in_flight = true;
		gate.in_flight++;
	}
	pthread_mutex_unlock(&gate.lock);
}

static void leave(struct connection *connection)
{
	pthread_mutex_lock(&gate.lock);
	if (connection->in_flight) {
		connection->in_flight = false;
		gate.in_flight--;
		clock_gettime(CLOCK_MONOTONIC, &gate.last_answer);
	}
	pthread_mutex_unlock(&gate.lock);
}

void mfi_refuse(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.refusing = true;
	pthread_mutex_unlock(&gate.lock);
}

unsigned mfi_in_flight(void)
{
	unsigned count;

	pthread_mutex_lock(&gate.lock);
	count = gate.in_flight;
	pthread_mutex_unlock(&gate.lock);
	return count;
}

bool mfi_close(void)
{
	struct timespec now;
	long long passed;
	bool closed;

	pthread_mutex_lock(&gate.lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = (now.tv_sec - gate.last_answer.tv_sec) * 1000LL +
		 (now.tv_nsec - gate.last_answer.tv_nsec) / 1000000;
	if (gate.in_flight == 0 && passed >= GRACE_MILLISECONDS)
		gate.closed = true;
	closed = gate.closed;
	pthread_mutex_unlock(&gate.lock);
	return closed;
}

static bool is_refusing(void)
{
	bool refusing;

	pthread_mutex_lock(&gate.lock);
	refusing = gate.refusing;
	pthread_mutex_unlock(&gate.lock);
	return refusing;
}

static void free_connection(struct connection *connection)
{
	if (!connection)
		return;
	leave(connection);
	session_free(connection->session);
	free(connection);
}

/* The connection of a callback that belongs to a message in work, or NULL. */
static struct connection *current(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	return connection && connection->in_flight ? connection : NULL;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long protocol,
			     unsigned long unused2, unsigned long unused3,
			     unsigned long *want_actions, unsigned long *want_protocol,
			     unsigned long *want2, unsigned long *want3)
{
	static const struct {
		int event;
		char macros[32];
	} wanted[] = {{SMFIM_CONNECT, "j {client_addr} {daemon_name}"},
		      {SMFIM_ENVFROM, "{auth_authen}"},
		      {SMFIM_EOH, "i"},
		      {SMFIM_EOM, "i"}};
	struct connection *connection;

	(void)unused2, (void)unused3;
	if (is_refusing())
		return SMFIS_REJECT;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return SMFIS_REJECT;
	connection->session = session_new(the_service);
	if (!connection->session) {
		free(connection);
		return SMFIS_REJECT;
	}
	connection->answers = session_may_refuse(the_service);
	connection->separator = protocol & SMFIP_HDR_LEADSPC ? ":" : ": ";
	free_connection(smfi_getpriv(context));
	smfi_setpriv(context, connection);

	*want_actions =
		SMFIF_ADDHDRS | (actions & (SMFIF_SETSYMLIST | SMFIF_CHGHDRS | SMFIF_QUARANTINE));
	*want_protocol = SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOUNKNOWN | SMFIP_NODATA |
			 SMFIP_NR_HDR | SMFIP_NR_BODY | (protocol & SMFIP_HDR_LEADSPC);
	if (!connection->answers)
		*want_protocol |= SMFIP_NR_CONN | SMFIP_NR_MAIL;
	*want2 = *want3 = 0;
	if (actions & SMFIF_SETSYMLIST)
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			smfi_setsymlist(context, wanted[i].event, (char *)wanted[i].macros);
	return SMFIS_CONTINUE;
}

static char *macro(SMFICTX *context, const char *name)
{
	return smfi_getsymval(context, (char *)name);
}

/* Says why a client or a message is refused. */
static sfsistat refuse(SMFICTX *context, const struct connection *connection)
{
	const struct reply *reply = session_reply(connection->session);

	smfi_setreply(context, (char *)reply->code, (char *)reply->status, (char *)reply->text);
	return *reply->code == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat on_connect(SMFICTX *context, char *hostname, _SOCK_ADDR *address)
{
	struct connection *connection = smfi_getpriv(context);
	enum step step;

	if (!connection)
		return SMFIS_NOREPLY;
	step = session_connect(connection->session, hostname, (const struct sockaddr *)address,
			       &(struct connect_macros){.client = macro(context, "{client_addr}"),
							.listener = macro(context, "{daemon_name}"),
							.server = macro(context, "j")});
	if (!connection->answers)
		return SMFIS_NOREPLY;
	return step == STEP_REFUSE ? refuse(context, connection) : SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
	struct connection *connection = smfi_getpriv(context);
	enum step step = STEP_CONTINUE;

	if (!connection)
		return SMFIS_NOREPLY;
	leave(connection);
	enter(connection);
	if (connection->in_flight)
		step = session_mail(connection->session, macro(context, "{client_addr}"),
				    macro(context, "{auth_authen}"),
				    arguments ? arguments[0] : NULL);
	/* where no answer is expected, the refusal comes at the end of the header */
	if (!connection->answers)
		return SMFIS_NOREPLY;
	if (step != STEP_REFUSE)
		return SMFIS_CONTINUE;
	leave(connection);
	return refuse(context, connection);
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	struct connection *connection = current(context);

	if (connection)
		session_header(connection->session, name, connection->separator, value);
	return SMFIS_NOREPLY;
}

/* The answer that ends a message, or CONTINUE. */
static sfsistat answer(SMFICTX *context, struct connection *connection, enum step step)
{
	if (step == STEP_CONTINUE)
		return SMFIS_CONTINUE;
	leave(connection);
	return step == STEP_REFUSE ? refuse(context, connection) : SMFIS_ACCEPT;
}

static sfsistat on_headers_done(SMFICTX *context)
{
	struct connection *connection = current(context);

	if (!connection)
		return SMFIS_TEMPFAIL;
	return answer(context, connection,
		      session_headers_done(connection->session, macro(context, "i")));
}

static sfsistat on_body(SMFICTX *context, unsigned char *data, size_t size)
{
	struct connection *connection = current(context);

	if (connection)
		session_body(connection->session, data, size);
	return SMFIS_NOREPLY;
}

static bool insert(SMFICTX *context, const struct connection *connection,
		   const struct insertion *insertion)
{
	/* without SMFIP_HDR_LEADSPC the mail server adds the blank */
	const char *blank = connection->separator[1] ? "" : " ";
	char *value;
	bool made;

	if (asprintf(&value, "%s%s", blank, insertion->value) < 0)
		return false;
	made = smfi_insheader(context, 0, (char *)insertion->name, value) == MI_SUCCESS;
	free(value);
	return made;
}

static bool make_changes(SMFICTX *context, const struct connection *connection,
			 const struct changes *changes)
{
	for (size_t i = 0; i < changes->removal_count; i++)
		if (smfi_chgheader(context, (char *)changes->removals[i].name,
				   (int)changes->removals[i].index, NULL) != MI_SUCCESS)
			return false;
	for (size_t i = 0; i < changes->insertion_count; i++)
		if (!insert(context, connection, &changes->insertions[i]))
			return false;
	return !changes->quarantine ||
	       smfi_quarantine(context, (char *)changes->quarantine) == MI_SUCCESS;
}

static enum step finish(struct connection *connection, const char *queue_id,
			struct changes *changes)
{
	bool waits = session_may_wait(connection->session);
	enum step step;

	if (!waits)
		turns_begin();
	step = session_finish(connection->session, queue_id, changes);
	if (!waits)
		turns_end();
	return step;
}

static sfsistat on_end(SMFICTX *context)
{
	struct connection *connection = current(context);
	struct changes changes;
	enum step step;

	if (!connection)
		return SMFIS_TEMPFAIL;
	step = finish(connection, macro(context, "i"), &changes);
	if (step == STEP_CONTINUE)
		step = session_end(connection->session,
				   make_changes(context, connection, &changes));
	if (step == STEP_CONTINUE)
		leave(connection);
	/* never ACCEPT here; see above */
	return step == STEP_REFUSE ? answer(context, connection, step) : SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
	struct connection *connection = current(context);

	if (connection) {
		session_give_up(connection->session);
		leave(connection);
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
	struct connection *connection = context ? smfi_getpriv(context) : NULL;

	if (connection) {
		smfi_setpriv(context, NULL);
		free_connection(connection);
	}
	return SMFIS_CONTINUE;
}

/*
 * libmilter starts a thread that waits for SIGTERM, SIGHUP and SIGINT, and cuts all work short when
 * it gets one. The dynamic linker gives it this sigwait(), which never returns: signals belong to
 * the main thread, which uses sigwaitinfo().
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int sigwait(const sigset_t *set, int *number)
{
	(void)set, (void)number;
	for (;;)
		pause();
}

int mfi_open(const struct service *service, const char *socket)
{
	static char name[] = "postern-milter";
	struct smfiDesc callbacks = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_header = on_header,
		.xxfi_eoh = on_headers_done,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	the_service = service;
	the_socket = socket;
	smfi_setmaxdatasize(LARGEST_PACKET);
	errno = 0;
	if (smfi_register(callbacks) == MI_FAILURE || smfi_setconn((char *)socket) == MI_FAILURE ||
	    smfi_opensocket(false) == MI_FAILURE)
		return errno ? -errno : -EIO;
	return 0;
}

int mfi_run(void)
{
	int error = waker_start(the_socket);

	if (error)
		log_write(LOG_LEVEL_WARNING, "cannot start a thread: %s", strerror(-error));
	smfi_main();
	return -EIO;
}
