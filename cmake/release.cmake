# The release that this is: packaging/debian/changelog says its version and its time, which is that of
# everything built from it (https://reproducible-builds.org/specs/source-date-epoch/).
set(changelog ${CMAKE_SOURCE_DIR}/packaging/debian/changelog)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${changelog})
file(STRINGS ${changelog} first REGEX "^postern \\([^)]+\\)" LIMIT_COUNT 1)
string(REGEX MATCH "\\(([^-]+)-([^)]+)\\)" unused "${first}")
set(POSTERN_PACKAGE_RELEASE ${CMAKE_MATCH_2})
if(NOT CMAKE_MATCH_1 STREQUAL PROJECT_VERSION)
	message(FATAL_ERROR "${changelog} is of version '${CMAKE_MATCH_1}', CMakeLists.txt of ${PROJECT_VERSION}")
endif()
file(STRINGS ${changelog} signature REGEX "^ -- .*>  " LIMIT_COUNT 1)
string(REGEX REPLACE "^ -- (.*>)  .*" "\\1" POSTERN_MAINTAINER "${signature}")
if(DEFINED ENV{SOURCE_DATE_EPOCH})
	set(POSTERN_EPOCH $ENV{SOURCE_DATE_EPOCH})
else()
	string(REGEX REPLACE "^.*>  " "" date "${signature}")
	execute_process(COMMAND date --date=${date} +%s OUTPUT_VARIABLE POSTERN_EPOCH
		OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()

# Neither the folder of the sources nor that of the build is in what is released; of two that match, the last
# counts. OpenSSL's macros hand file names to its allocator; compiler caches make names of another form.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
	add_compile_definitions(OPENSSL_NO_FILENAMES)
endif()
