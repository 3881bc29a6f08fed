/* The ids of the rules that this folder finds itself; see confgen/lint/rows.h. */
#ifndef CONFGEN_CONFIGURATION_RULES_H
#define CONFGEN_CONFIGURATION_RULES_H

#define RULE_FILE_READ		 "S16"
#define RULE_FILE_BINARY	 "S17"
#define RULE_FILE_TEMPLATE	 "S18"
#define RULE_LINE_LEADING_SPACE	 "S02"
#define RULE_MAIN_SYNTAX	 "S01"
#define RULE_MASTER_FIELD_COUNT	 "S08"
#define RULE_MASTER_FIELD	 "S08"
#define RULE_MASTER_OPTION	 "S09"
#define RULE_EXPANSION		 "S15"
#define RULE_EXPANSION_RECURSION "S07"
#define RULE_TABLE_ENTRY	 "M03"
#define RULE_TABLE_REFERENCE	 "M05"

#endif
