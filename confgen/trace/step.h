/*
 * The steps of a message on its way: what was decided, where, and why. They live in an arena
 * without limit. Includes nothing of the topology or of Postfix's configuration, whose names clash.
 */
#ifndef POSTERN_TRACE_STEP_H
#define POSTERN_TRACE_STEP_H

#include "common/arena.h"
#include "common/diagnostics.h"

#include <stdbool.h>

enum step_kind {
	STEP_CONNECT,  /* a client connects, or mail is handed over on the host itself */
	STEP_LISTENER, /* who serves it, and what the client looks like there */
	STEP_ACCEPT,   /* what lets it in, */
	STEP_REFUSE,   /* or keeps it out */
	STEP_REWRITE,  /* addresses change */
	STEP_SIGN,     /* the milter signs, or says why it does not */
	STEP_ROUTE,    /* where it goes next */
	STEP_SEND,     /* how: source address, greeting, TLS, login */
	STEP_END,      /* what became of it */
	STEP_KINDS
};

extern const char *const step_kind_words[STEP_KINDS + 1];

struct step {
	enum step_kind kind;
	const char *node; /* NULL: nowhere in particular */
	const char *text;
	struct position rendered; /* the rendered line that decided; source NULL: none */
	struct position topology; /* the line of the topology behind it */
	bool detail;		  /* was looked at, and decided nothing: for --explain */
	bool assumed;		  /* cannot be decided from here; taken for granted */
};

struct steps {
	struct arena *arena;
	struct step *items;
	size_t count;
	const char *node; /* that steps are added for */
	bool quiet;	  /* nothing is added: a question within a question */
};

/* Adds a step of `steps->node`; the one that comes back may be changed until the next is added. */
struct step *steps_add(struct steps *steps, enum step_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
