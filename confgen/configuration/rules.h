/* The stable names of what this folder reports; see diagnostics_add(). */
#ifndef CONFGEN_CONFIGURATION_RULES_H
#define CONFGEN_CONFIGURATION_RULES_H

#define RULE_FILE_READ		 "file-read"
#define RULE_FILE_BINARY	 "file-binary"
#define RULE_FILE_TEMPLATE	 "file-template"
#define RULE_LINE_LEADING_SPACE	 "line-leading-space"
#define RULE_MAIN_SYNTAX	 "main-syntax"
#define RULE_MASTER_FIELD_COUNT	 "master-field-count"
#define RULE_MASTER_FIELD	 "master-field"
#define RULE_MASTER_OPTION	 "master-option"
#define RULE_EXPANSION		 "expansion-syntax"
#define RULE_EXPANSION_RECURSION "expansion-recursion"
#define RULE_TABLE_ENTRY	 "table-entry"
#define RULE_TABLE_REFERENCE	 "table-reference"

#endif
