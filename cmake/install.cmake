# What the install commands of CMake lack: all of these ask for the prefix when they install, so that
# `cmake --install --prefix` and the packages, whose prefix is /usr, get what fits them.

# postern_doc_folder(VARIABLE COMPONENT): where a component's documents go, by the name of its package.
function(postern_doc_folder variable component)
	if(component STREQUAL "meta") # the package that depends on the others
		set(${variable} ${CMAKE_INSTALL_DATAROOTDIR}/doc/postern PARENT_SCOPE)
		return()
	endif()
	set(${variable} ${CMAKE_INSTALL_DATAROOTDIR}/doc/postern-${component} PARENT_SCOPE)
endfunction()

# postern_install_link(LINK TARGET COMPONENT): a symbolic link, LINK below the prefix.
function(postern_install_link link target component)
	get_filename_component(folder ${link} DIRECTORY)
	install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
		file(CREATE_LINK \"${target}\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${link}\" SYMBOLIC)
		list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${CMAKE_INSTALL_PREFIX}/${link}\")"
		COMPONENT ${component})
endfunction()

# postern_install_filled(FOLDER COMPONENT FILE.in...): files into FOLDER below the prefix, with @sbindir@ and
# @bindir@ in them filled in.
function(postern_install_filled folder component)
	foreach(file ${ARGN})
		get_filename_component(name ${file} NAME_WLE)
		set(filled ${CMAKE_CURRENT_BINARY_DIR}/${name})
		install(CODE "set(sbindir \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
			set(bindir \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
			configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/${file}\" \"${filled}\" @ONLY)"
			COMPONENT ${component})
		install(FILES ${filled} DESTINATION ${folder} COMPONENT ${component})
	endforeach()
endfunction()
