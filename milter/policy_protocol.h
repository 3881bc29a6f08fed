/*
 * Postfix's policy delegation protocol: requests of lines NAME=VALUE up to an empty line, answers
 * of one line action=ACTION and an empty line. Source: SMTPD_POLICY_README.
 *
 * A parser takes octets as they come and keeps what it needs in itself: nothing is allocated. It
 * belongs to one thread at a time. Senders choose many of the values; those may hold any octet but
 * NUL, CR and LF.
 */
#ifndef POSTERN_MILTER_POLICY_PROTOCOL_H
#define POSTERN_MILTER_POLICY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a request; Postfix's are below 4 KiB unless certificates are odd. */
#define POLICY_LARGEST_REQUEST 16384

/* Attributes of a request; Postfix 3.9 sends 35. */
#define POLICY_MOST_ATTRIBUTES 64

/* The longest action, in octets; SMTP lines have 512. */
#define POLICY_LONGEST_ACTION 480
#define POLICY_ANSWER_SIZE    (POLICY_LONGEST_ACTION + 16)

struct policy_attribute {
	const char *name, *value;
};

/* One request; lives until the parser takes more octets. */
struct policy_request {
	struct policy_attribute attributes[POLICY_MOST_ATTRIBUTES];
	size_t count;
};

enum policy_parse {
	POLICY_MORE,	/* the request is not complete */
	POLICY_REQUEST, /* it is */
	POLICY_BROKEN,	/* this is not the protocol, or too much of it: close the connection */
};

struct policy_parser {
	char text[POLICY_LARGEST_REQUEST];
	size_t length;	   /* of what is kept of the request in work */
	size_t line;	   /* where the line in work begins */
	bool done, broken; /* a request was given; nothing more is taken */
	struct policy_request request;
};

void policy_parser_init(struct policy_parser *parser);

/*
 * Takes octets off `*data` until a request is complete, or all are taken. With POLICY_REQUEST the
 * rest of `*data` belongs to the next one, and the parser is ready for it. After POLICY_BROKEN it
 * stays broken.
 */
enum policy_parse policy_parser_take(struct policy_parser *parser, const char **data, size_t *size);

/* The value of an attribute; "" when it is empty or not there, as Postfix means it. */
const char *policy_request_value(const struct policy_request *request, const char *name);

/*
 * Writes the answer with `action`: control characters become blanks and what is too long is cut, so
 * that it stays one line. Returns its length.
 */
size_t policy_answer_write(const char *action, char buffer[static POLICY_ANSWER_SIZE]);

#endif
