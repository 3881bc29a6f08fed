/* The one place that knows releases of Postfix apart; templates ask for features. See releases.h.
 */
#include "confgen/derive/releases.h"

#include <stdbool.h>
#include <stddef.h>

static const struct feature {
	const char *name;      /* what templates ask for: {{#release.NAME}} */
	unsigned since, until; /* first and last release that has it; 0: no such limit */
} features[] = {
	{"level_2", 0, 305},   /* compatibility_level without MAJOR.MINOR, of which 2 is the last */
	{"level_3_6", 306, 0}, /* compatibility_level = 3.6 */
	{"bind_enforce", 307, 0}, /* smtp_bind_address_enforce */
	{"tls_required", 310, 0}, /* tls_required_enable: senders may lower the level of TLS */
};

json_t *releases_view(unsigned release)
{
	json_t *view = json_object();

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *feature = &features[i];
		bool has =
			release >= feature->since && (!feature->until || release <= feature->until);

		json_object_set_new(view, feature->name, json_boolean(has));
	}
	return view;
}
