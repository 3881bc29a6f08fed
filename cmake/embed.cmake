# Turns the files of a folder into a C table: cmake -DFOLDER=... -DOUTPUT=... -P embed.cmake
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(table "")
set(index 0)
foreach(file ${files})
	if(file MATCHES "README.md$")
		continue()
	endif()
	file(READ ${FOLDER}/${file} hex HEX)
	string(LENGTH "${hex}" length)
	math(EXPR length "${length} / 2")
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(APPEND arrays "static const char text_${index}[] = {${bytes}0};\n")
	string(APPEND table "\t{\"${file}\", text_${index}, ${length}},\n")
	math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "/* Made from templates/ by cmake/embed.cmake. */
#include \"confgen/render/templates.h\"

${arrays}
const struct source embedded_templates[] = {
${table}\t{NULL, NULL, 0},
};
")
