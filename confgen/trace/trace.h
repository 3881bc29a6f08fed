/*
 * The way of one message through a topology, from the model and the rendered files alone: no host
 * is asked, and nothing is written.
 *
 * Two things stand on each other: host.h knows what the Postfix of one host does, from its rendered
 * files; this knows who meets whom where, what postern-milter, postern-gate and the proxies do,
 * from the facts that their files are rendered from. What cannot be known from here (whether a
 * domain of others exists, what a block list says, whether a host is up) is taken for granted, and
 * said.
 *
 * Everything lives in the arena of the run, one without limit. Not thread-safe.
 */
#ifndef POSTERN_TRACE_H
#define POSTERN_TRACE_H

#include "confgen/topology/model.h"
#include "confgen/trace/step.h"

struct trace;

/* Makes what traces need of a topology without errors. `files` are those that it renders to. */
struct trace *trace_new(struct arena *arena, const struct topology *topology,
			const struct source *files, size_t count);

/* Gives back what the arena does not hold. */
void trace_done(struct trace *trace);

/* A message, and who brings it. */
struct request {
	const char *name; /* for reports, or NULL */
	const struct node *node;
	const char *listener; /* its name, a service or a port; NULL: the one that serves such
				 clients */
	bool local;	      /* the node's own sendmail(1); no client */
	struct ip_address client;
	struct ip_address claims; /* IP_NONE: it sends no PROXY header of its own */
	const char *user;	  /* NULL: no login */
	int tls;		  /* 0 no, 1 yes, -1: as usual */
	const char *helo;
	const char *sender; /* "" is the null sender */
	const char *author; /* address of the From field, "" for none */
	const char *recipient;
	bool no_mailbox; /* the recipient has none, where its domain lists no recipients */
	unsigned long size;
};

/* What a client of a stranger's greets with. */
#define TRACE_HELO     "client.elsewhere.test"
#define TRACE_STRANGER "stranger@elsewhere.test"
#define TRACE_SIZE     1000UL

/* A test of the topology, as a request. */
struct request request_of_test(struct arena *arena, const struct test_case *test);

/* The address in the From field of a message that says nothing of it: the sender; of the null
 * sender, that of a bounce. */
const char *request_author(struct arena *arena, const struct request *request);

/* How the client's connection comes about: for whoever makes it. */
struct entry_point {
	const struct node *node;   /* that it connects to: the node itself, or a proxy */
	struct ip_address address; /* of that */
	unsigned port;
	bool tls;     /* it is spoken, */
	bool wrapped; /* and from the first octet */
	/* No PROXY header is wanted there: one that the client sends is an unknown command. */
	bool early;
};

/* An SMTP connection from one host to the next. */
struct hop {
	const struct node *node; /* that is reached: of the topology, or its `internet` */
	struct ip_address source4, source6; /* IP_NONE: not from such an address */
	bool tls;
	const char *login; /* user name, or NULL */
	const char *helo;
};

struct hops {
	struct hop *items;
	size_t count;
};

struct names {
	const char **items;
	size_t count;
};

struct trace_result {
	enum outcome outcome;
	int code; /* SMTP reply of a refusal, or 0 */
	const char *reply;
	const struct node *end; /* where it ended; NULL: nowhere */
	struct entry_point entry;
	struct hops hops;			 /* the first is the client's own connection */
	struct names signed_by;			 /* domains, of what arrives */
	const char *sender, *author, *recipient; /* as they arrive */
	struct steps steps;
};

/* Follows a message. Always succeeds. */
void trace_message(struct trace *trace, const struct request *request, struct trace_result *out);

/* Whether the result is what was expected; else `*why` says what is not. */
bool trace_meets(struct arena *arena, const struct expectation *expect,
		 const struct trace_result *result, const char **why);

/* The result in a sentence: "delivered at private". */
const char *trace_summary(struct arena *arena, const struct trace_result *result);

#endif
