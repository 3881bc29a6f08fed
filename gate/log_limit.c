/* How many lines a cause may write; see log_limit.h. */
#include "gate/log_limit.h"

bool log_limit_allows(struct log_limit *limit, int64_t now, unsigned most, int64_t interval,
		      unsigned *left_out)
{
	if (limit->lines == 0 || now - limit->began >= interval) {
		limit->began = now;
		limit->lines = 0;
	}
	if (limit->lines >= most) {
		limit->left_out++;
		return false;
	}
	limit->lines++;
	*left_out = limit->left_out;
	limit->left_out = 0;
	return true;
}
