/* Comparisons inside ${...}; see compare.h. */
#include "confgen/configuration/compare.h"

#include <limits.h>

static const struct {
	const char *text;
	enum compare_operator operator;
} operators[] = {
	{"==", COMPARE_EQUAL},	    {"!=", COMPARE_UNEQUAL},	   {"<", COMPARE_LESS},
	{"<=", COMPARE_LESS_EQUAL}, {">=", COMPARE_GREATER_EQUAL}, {">", COMPARE_GREATER},
};

size_t compare_operator(const char *text, size_t length, enum compare_operator *out)
{
	size_t signs = 0, letters = 0;
	enum compare_operator found = COMPARE_EQUAL;
	bool known = false;

	while (signs < length && strchr("<>!=?+-*/~&|%", text[signs]))
		signs++;
	while (signs + letters < length && text[signs + letters] >= 'a' &&
	       text[signs + letters] <= 'z')
		letters++;
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (strlen(operators[i].text) == signs &&
		    memcmp(operators[i].text, text, signs) == 0) {
			found = operators[i].operator;
			known = true;
		}
	if (!known || (letters && (letters != 5 || memcmp(text + signs, "level", 5) != 0)))
		return 0;
	*out = letters ? found | COMPARE_LEVELS : found;
	return signs + letters;
}

static bool all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int compare_numbers(const char *left, const char *right)
{
	size_t a, b;

	left += strspn(left, "0");
	right += strspn(right, "0");
	a = strlen(left);
	b = strlen(right);
	return a != b ? (a > b ? 1 : -1) : strcmp(left, right);
}

/* MAJOR, MAJOR.MINOR or MAJOR.MINOR.PATCH */
static bool read_level(const char *text, unsigned long level[3])
{
	memset(level, 0, 3 * sizeof(*level));
	for (unsigned i = 0; i < 3; i++) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 9)
			return false;
		level[i] = strtoul(text, NULL, 10);
		text += digits;
		if (*text == '\0')
			return true;
		if (*text++ != '.')
			return false;
	}
	return false;
}

static bool compare_levels(const char *left, const char *right, int *order)
{
	unsigned long a[3], b[3];

	if (!read_level(left, a) || !read_level(right, b))
		return false;
	*order = 0;
	for (unsigned i = 0; i < 3 && *order == 0; i++)
		*order = (a[i] > b[i]) - (a[i] < b[i]);
	return true;
}

static bool holds(enum compare_operator operator, int order)
{
	switch (operator) {
	case COMPARE_EQUAL:
		return order == 0;
	case COMPARE_UNEQUAL:
		return order != 0;
	case COMPARE_LESS:
		return order < 0;
	case COMPARE_LESS_EQUAL:
		return order <= 0;
	case COMPARE_GREATER_EQUAL:
		return order >= 0;
	default:
		return order > 0;
	}
}

bool compare_texts(enum compare_operator operator, const char * left, const char *right,
		   bool *result)
{
	int order;

	if (operator& COMPARE_LEVELS) {
		if (!compare_levels(left, right, &order))
			return false;
	} else if (all_digits(left) && all_digits(right)) {
		order = compare_numbers(left, right);
	} else {
		order = strcmp(left, right);
	}
	*result = holds(operator& ~(unsigned) COMPARE_LEVELS, order);
	return true;
}
