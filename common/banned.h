/*
 * Functions that no source file of the project may call. The compiler includes this header in
 * every file (see cmake/postern.cmake), after the C library's own declarations are in place.
 */
#ifndef POSTERN_BANNED_H
#define POSTERN_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef strcpy
#define strcpy(...) banned_use_strbuf_or_arena_instead_of_strcpy
#undef strcat
#define strcat(...) banned_use_strbuf_instead_of_strcat
#undef strncpy
#define strncpy(...) banned_use_memcpy_with_a_length_instead_of_strncpy
#undef strncat
#define strncat(...) banned_use_strbuf_instead_of_strncat
#undef sprintf
#define sprintf(...) banned_use_snprintf_or_strbuf_instead_of_sprintf
#undef vsprintf
#define vsprintf(...) banned_use_vsnprintf_instead_of_vsprintf
#undef gets
#define gets(...) banned_use_getline_instead_of_gets
#undef strtok
#define strtok(...) banned_use_strcspn_instead_of_strtok
#undef atoi
#define atoi(...) banned_use_strtoul_instead_of_atoi
#undef system
#define system(...) banned_use_posix_spawn_instead_of_system
#undef popen
#define popen(...) banned_use_posix_spawn_instead_of_popen
#undef tmpnam
#define tmpnam(...) banned_use_mkstemp_instead_of_tmpnam
#undef mktemp
#define mktemp(...) banned_use_mkdtemp_instead_of_mktemp

#endif
