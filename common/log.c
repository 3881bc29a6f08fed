/* The daemons' log; see log.h. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#define LONGEST 2048 /* octets of one message; syslog cuts about here as well */

static const char *program_name = "postern";
static enum log_target log_target = LOG_TO_STDERR;
static enum log_level log_most = LOG_LEVEL_INFO;

void log_open(const char *program, enum log_target target, enum log_level most)
{
	program_name = program;
	log_target = target;
	log_most = most;
	if (target == LOG_TO_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_write(enum log_level level, const char *format, ...)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
	char text[LONGEST];
	va_list args;

	if (level > log_most)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (log_target == LOG_TO_SYSLOG)
		syslog(priorities[level], "%s%s", words[level], text);
	else
		fprintf(stderr, "%s: %s%s\n", program_name, words[level], text);
}
