/*
 * The milter protocol: libmilter's callbacks, translated into calls on sessions. The only module
 * that knows libmilter.
 *
 * One service a process. mfi_open() and mfi_run() are called once; the others from any thread.
 */
#ifndef POSTERN_MILTER_MFI_H
#define POSTERN_MILTER_MFI_H

#include "milter/session.h"

/*
 * Registers the callbacks and begins to listen on `socket`, as struct config has it. Returns 0 or
 * -errno. libmilter logs what went wrong to syslog.
 */
int mfi_open(const struct service *service, const char *socket);

/*
 * Serves until something fails, in worker threads that libmilter starts. All threads must block the
 * signals that shall not kill the process; the process must not use sigwait(). Returns -EIO.
 */
int mfi_run(void);

/* From now on new connections are refused, and the mail server keeps its mail. */
void mfi_refuse(void);

/*
 * Closes the service for good, if no message is in work and the last answers had time to leave:
 * true then. From now on no callback uses the service, and no mail passes.
 */
bool mfi_close(void);

/* How many messages are in work. */
unsigned mfi_in_flight(void);

#endif
