/* Comparisons inside ${...}: expand.h's own part. Pure functions. Source: postconf(5). */
#ifndef CONFGEN_CONFIGURATION_COMPARE_H
#define CONFGEN_CONFIGURATION_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

enum compare_operator {
	COMPARE_EQUAL,
	COMPARE_UNEQUAL,
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER_EQUAL,
	COMPARE_GREATER,
	COMPARE_LEVELS = 8, /* added: operands are compatibility levels */
};

/* Reads the operator that `text` begins with. Returns its octets, 0 if there is none. */
size_t compare_operator(const char *text, size_t length, enum compare_operator *out);

/*
 * Compares as numbers if both are all digits, else as texts; or as compatibility levels, and then
 * false says that one of them is none.
 */
bool compare_texts(enum compare_operator operator, const char * left, const char *right,
		   bool *result);

#endif
