/* The stable names of what this folder reports; see diagnostics_add(). */
#ifndef CONFGEN_YAML_RULES_H
#define CONFGEN_YAML_RULES_H

#define YAML_RULE_SYNTAX    "yaml-syntax"
#define YAML_RULE_TAB	    "yaml-tab"
#define YAML_RULE_DUPLICATE "yaml-duplicate-key"
#define YAML_RULE_ANCHOR    "yaml-anchor"
#define YAML_RULE_TAG	    "yaml-tag"
#define YAML_RULE_DOCUMENT  "yaml-document"
#define YAML_RULE_EMPTY	    "yaml-empty"
#define YAML_RULE_KEY	    "yaml-key"
#define YAML_RULE_DEPTH	    "yaml-depth"
#define YAML_RULE_SIZE	    "yaml-size"
#define YAML_RULE_ENCODING  "yaml-encoding"

#endif
