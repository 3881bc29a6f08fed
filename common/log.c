/* The daemons' log; see log.h. */
#include "common/log.h"

#include "common/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LONGEST 2048 /* octets of one message; syslog cuts about here as well */

static const char *program_name = "postern";
static enum log_target log_target = LOG_TO_STDERR;
static enum log_level log_most = LOG_LEVEL_INFO;
static bool log_to_journal; /* standard error is a stream of systemd's journal */

/* JOURNAL_STREAM is DEVICE:INODE of what systemd connected; see systemd.exec(5). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

void log_open(const char *program, enum log_target target, enum log_level most)
{
	program_name = program;
	log_target = target;
	log_most = most;
	log_to_journal = target == LOG_TO_STDERR && is_journal();
	if (target == LOG_TO_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

/* Control characters, C1 among them, and what is not UTF-8 become '?'. */
static void make_harmless(char *text)
{
	size_t left = strlen(text), step;
	uint32_t code = 0;

	for (; left; text += step, left -= step) {
		step = utf8_decode(text, left, &code);
		if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			step = step ? step : 1;
			memset(text, '?', step);
		}
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
	char text[LONGEST] = "";
	int saved = errno; /* callers log first and look at errno after */
	va_list args;

	if (level > log_most)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_harmless(text);
	if (log_target == LOG_TO_SYSLOG)
		syslog(priorities[level], "%s%s", words[level], text);
	else if (log_to_journal)
		fprintf(stderr, "<%d>%s%s\n", priorities[level], words[level], text);
	else
		fprintf(stderr, "%s: %s%s\n", program_name, words[level], text);
	errno = saved;
}
