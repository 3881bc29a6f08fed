/* The one place that knows releases of Postfix apart; templates ask for features. See releases.h.
 */
#include "confgen/derive/releases.h"
#include "confgen/topology/syntax.h"

#include <assert.h>
#include <string.h>

static const struct feature {
	const char *name;      /* what templates ask for: {{#release.NAME}} */
	unsigned since, until; /* first and last release that has it; 0: no such limit */
} features[] = {
	{"level_2", 0, 305},   /* compatibility_level without MAJOR.MINOR, of which 2 is the last */
	{"level_3_6", 306, 0}, /* compatibility_level = 3.6 */
	{"bind_enforce", POSTFIX_BIND_ENFORCE, 0}, /* smtp_bind_address_enforce */
	{"inline_patterns", 307, 0},		   /* regexp:{{/pattern/ value}} in main.cf */
	{"tls_required", 310, 0}, /* tls_required_enable: senders may lower the level of TLS */
};

static bool has(unsigned release, const struct feature *feature)
{
	return release >= feature->since && (!feature->until || release <= feature->until);
}

bool releases_have(unsigned release, const char *name)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (strcmp(features[i].name, name) == 0)
			return has(release, &features[i]);
	assert(!"a feature of releases.c");
	return false;
}

json_t *releases_view(unsigned release)
{
	json_t *view = json_object();

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		json_object_set_new(view, features[i].name,
				    json_boolean(has(release, &features[i])));
	return view;
}
