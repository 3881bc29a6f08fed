# What every target of the project shares: warnings, hardening, sanitizers, banned functions.

add_library(postern_flags INTERFACE)
target_compile_definitions(postern_flags INTERFACE
	_GNU_SOURCE POSTERN_VERSION="${PROJECT_VERSION}")
target_compile_options(postern_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
	-Wformat=2 -Wwrite-strings -Wpointer-arith -Wundef -fno-common
	$<$<BOOL:${POSTERN_WERROR}>:-Werror>
	$<$<NOT:$<CONFIG:Debug>>:-fstack-protector-strong>
	"SHELL:-include ${CMAKE_SOURCE_DIR}/common/banned.h")
target_include_directories(postern_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(NOT POSTERN_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT POSTERN_COVERAGE)
	target_compile_definitions(postern_flags INTERFACE _FORTIFY_SOURCE=2)
	target_link_options(postern_flags INTERFACE -Wl,-z,relro -Wl,-z,now)
	set(CMAKE_POSITION_INDEPENDENT_CODE ON)
	add_link_options(-pie)
endif()
if(POSTERN_SANITIZE)
	add_compile_options(-fsanitize=${POSTERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${POSTERN_SANITIZE})
endif()
if(POSTERN_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(POSTERN_COVERAGE)
	add_compile_options(--coverage -fprofile-update=atomic)
	add_compile_definitions(POSTERN_COVERAGE)
	add_link_options(--coverage)
endif()

# postern_embed(OUTPUT FOLDER PATTERN TABLE HEADER): a C file with the files of a folder; TABLE is
# declared in HEADER. The list of their names is a file that changes with it: a file that is renamed or
# removed is no newer than what was made of it.
function(postern_embed output folder pattern table header)
	file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/${pattern})
	set(names ${CMAKE_CURRENT_BINARY_DIR}/${output}.files)
	file(CONFIGURE OUTPUT ${names} CONTENT "${files}\n" @ONLY)
	add_custom_command(OUTPUT ${output}
		COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DPATTERN=${pattern} -DTABLE=${table}
			-DHEADER=${header} -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${output}
			-P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
		DEPENDS ${files} ${names} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
endfunction()
