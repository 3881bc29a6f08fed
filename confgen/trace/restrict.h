/* What evaluates restrictions and access(5) tables; parts of host.h. */
#ifndef POSTERN_TRACE_RESTRICT_H
#define POSTERN_TRACE_RESTRICT_H

#include "confgen/trace/host_private.h"

/* What smtpd judges, and how far it is. */
struct judged {
	struct host *host;
	const struct service *service;
	const struct mail *mail;
	struct steps *steps;
	const char *parameter; /* the list at hand */
	struct answer answer;  /* of what refused */
	bool listed;	       /* the recipient was looked for in the lists */
	int depth;
	unsigned budget; /* restrictions that may still be evaluated */
};

enum verdict { NEXT, PERMIT, REFUSE };

/* Evaluates the restrictions of a parameter; false: refused, and `answer` says how. */
bool restrict_list(struct judged *judged, const char *parameter);

/* The same for a value, and for a name in a list or a result: a restriction class, or a table. */
enum verdict restrict_items(struct judged *judged, const struct text *value);
enum verdict restrict_named(struct judged *judged, const struct text *name);

/* reject_unlisted_recipient; false: refused. */
bool restrict_unlisted(struct judged *judged);

/* Notes the answer, and the step that tells it. Always false. */
bool restrict_refuse(struct judged *judged, const struct text *why, int code, const char *format,
		     ...) __attribute__((format(printf, 4, 5)));

/* Notes what permitted. Always PERMIT. */
enum verdict restrict_permit(struct judged *judged, const struct text *why, const char *because);

/* --- access.c --- */

enum verdict access_client(struct judged *judged, const struct restriction_use *use);
enum verdict access_helo(struct judged *judged, const struct restriction_use *use);
enum verdict access_sender(struct judged *judged, const struct restriction_use *use);
enum verdict access_recipient(struct judged *judged, const struct restriction_use *use);
enum verdict access_login(struct judged *judged, const struct restriction_use *use);

/* A table without a restriction before it: what its list is about is looked up. */
enum verdict access_table(struct judged *judged, const struct text *table);

#endif
