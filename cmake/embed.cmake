# Turns files of a folder into a C table of struct source, which ends with a NULL name:
# cmake -DFOLDER=... -DPATTERN=... -DTABLE=... -DHEADER=... -DOUTPUT=... -P embed.cmake
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/${PATTERN})
list(SORT files)
set(arrays "")
set(table "")
set(index 0)
foreach(file ${files})
	file(READ ${FOLDER}/${file} hex HEX)
	string(LENGTH "${hex}" length)
	math(EXPR length "${length} / 2")
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(REGEX REPLACE "0x([89a-f].)" "(char)0x\\1" bytes "${bytes}")
	string(APPEND arrays "static const char text_${index}[] = {${bytes}0};\n")
	string(APPEND table "\t{\"${file}\", text_${index}, ${length}},\n")
	math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "/* Made by cmake/embed.cmake. */
#include \"${HEADER}\"

${arrays}
const struct source ${TABLE}[] = {
${table}\t{NULL, NULL, 0},
};
")
