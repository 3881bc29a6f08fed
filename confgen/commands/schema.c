/* postern-confgen schema: the topology language as a JSON Schema. */
#include "confgen/commands/run.h"
#include "confgen/topology/json_schema.h"

static const struct argp argp = {
	.doc = "Print a JSON Schema of the topology language, for editors and validators.\v"
	       "An editor with yaml-language-server reads it when a topology begins with the "
	       "comment\n"
	       "# yaml-language-server: $schema=postern-topology.schema.json",
};

int command_schema(int argc, char **argv)
{
	struct run run;
	json_t *schema;
	int failed;

	run_begin(&run, "schema", &argp, argc, argv, NULL);
	schema = json_schema(&topology_schema);
	failed = json_dumpf(schema, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF ||
		 fflush(stdout) == EOF;
	json_decref(schema);
	run_done(&run);
	if (failed)
		fputs("postern-confgen: cannot write the schema\n", stderr);
	return failed ? EXIT_BROKEN : EXIT_CLEAN;
}
