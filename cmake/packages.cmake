# Debian packages, one for each component and one that depends on all: `cpack` in a build folder, or
# scripts/package.sh. What only packages have is added by package_stage.cmake.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME postern)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package's description begins with its own
set(CPACK_PACKAGE_CONTACT "${POSTERN_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON) # what is filled in at the installation names the final place
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_BINARY_DIR}/package_config.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_stage.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL confgen milter gate meta)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${POSTERN_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(version "(= ${PROJECT_VERSION}-${POSTERN_PACKAGE_RELEASE})")

set(CPACK_DEBIAN_CONFGEN_PACKAGE_NAME postern-confgen)
set(CPACK_COMPONENT_CONFGEN_DESCRIPTION "relay topologies for Postfix: renders, checks, lints
Renders the configuration of every host of a mail relay topology from one YAML
description, finds what is wrong in any configuration of Postfix, and boots the
rendered hosts as real Postfix in network namespaces before a file is copied.")
set(CPACK_DEBIAN_CONFGEN_PACKAGE_RECOMMENDS "postfix, iproute2, jq, openssl, procps")
set(CPACK_DEBIAN_CONFGEN_PACKAGE_SUGGESTS
	"postern-milter ${version}, postern-gate ${version}, graphviz, nsd, dovecot-core, haproxy, nginx, supervisor, python3")

set(CPACK_DEBIAN_MILTER_PACKAGE_NAME postern-milter)
set(CPACK_COMPONENT_MILTER_DESCRIPTION "DKIM milter for Postfix that never passes unsigned what it should sign
Signs mail with RSA and Ed25519 keys, verifies signatures of what comes in,
refuses client addresses that cannot be true behind a PROXY header, and binds
clients to sender domains; the same rules by Postfix's policy protocol.")
set(CPACK_DEBIAN_MILTER_PACKAGE_DEPENDS
	"systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
set(CPACK_DEBIAN_MILTER_PACKAGE_RECOMMENDS "postfix")

set(CPACK_DEBIAN_GATE_PACKAGE_NAME postern-gate)
set(CPACK_COMPONENT_GATE_DESCRIPTION "lets only trusted proxies speak the PROXY protocol to Postfix
Listens in Postfix's place and hands the connections over: those of trusted
proxies to a service that reads their PROXY header, others to one that reads
none, or to nobody. It neither reads nor relays an octet.")
set(CPACK_DEBIAN_GATE_PACKAGE_DEPENDS "postfix")

# The package that depends on the others; its component has nothing but its documents.
set(CPACK_DEBIAN_META_PACKAGE_NAME postern)
set(CPACK_DEBIAN_META_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_META_PACKAGE_SHLIBDEPS OFF)
set(CPACK_COMPONENT_META_DESCRIPTION "relay topologies and DKIM signing for Postfix
Depends on all of Postern: postern-confgen, postern-milter and postern-gate.")
set(CPACK_DEBIAN_META_PACKAGE_DEPENDS
	"postern-confgen ${version}, postern-milter ${version}, postern-gate ${version}")

# Scripts of the maintainer, by what differs.
set(milter_units postern-milter.service)
set(milter_prepare "systemd-sysusers postern-milter.conf
systemd-tmpfiles --create postern-milter.conf || true # again at the start, where Postfix comes later")
set(milter_clean "	rm -rf /var/spool/postfix/postern
	rmdir --ignore-fail-on-non-empty /etc/postern/keys 2>/dev/null || true
	! getent passwd postern >/dev/null || ! command -v userdel >/dev/null || userdel postern")
set(gate_units "postern-gate.service postern-gate.socket postern-gate-submission.socket postern-gate-submissions.socket")
foreach(component milter gate)
	set(units ${${component}_units})
	set(prepare ${${component}_prepare})
	set(clean ${${component}_clean})
	set(folder ${CMAKE_BINARY_DIR}/packaging/${component})
	foreach(script postinst prerm postrm)
		configure_file(packaging/debian/${script}.in ${folder}/${script} @ONLY
			FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
	endforeach()
	configure_file(packaging/debian/default.in ${folder}/default @ONLY)
	file(CONFIGURE OUTPUT ${folder}/conffiles CONTENT "/etc/default/postern-${component}\n")
	string(TOUPPER ${component} upper)
	set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA
		"${folder}/postinst;${folder}/prerm;${folder}/postrm;${folder}/conffiles")
endforeach()

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/package_config.cmake CONTENT [[
# Read by cpack: the time of all files, and where package_stage.cmake finds what it adds.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
	set(ENV{SOURCE_DATE_EPOCH} @POSTERN_EPOCH@)
endif()
set(POSTERN_PACKAGING @CMAKE_BINARY_DIR@/packaging)
set(POSTERN_CHANGELOG @CMAKE_SOURCE_DIR@/packaging/debian/changelog)
]] @ONLY)
include(CPack)
