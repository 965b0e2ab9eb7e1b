# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the library, its headers, the command, and what find_package(cinch) and
# pkg-config need, manual pages and completion. A program that links the static library needs cinch's own libraries too;
# the shared one has them.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/cinch)
install(TARGETS cinch_static cinch_shared EXPORT cinchTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/cinch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(CINCH_CLI)
  install(TARGETS cinch_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  include(scripts/cmake/documents.cmake)
endif()

install(EXPORT cinchTargets NAMESPACE cinch:: DESTINATION ${package_folder})
configure_package_config_file(scripts/cmake/cinchConfig.cmake.in cinchConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(cinchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cinchConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/cinchConfigVersion.cmake
  scripts/cmake/FindCinchOpenBLAS.cmake DESTINATION ${package_folder})

# For pkg-config --static. OpenBLAS is not required by its own file, which then asks for a Fortran library that only a
# static OpenBLAS needs.
pkg_check_modules(OPENBLAS_FOR_PC QUIET openblas)
set(pc_requires "jansson libpng zlib")
if(OPENBLAS_FOR_PC_FOUND AND NOT OpenBLAS_ROOT)
  list(JOIN OPENBLAS_FOR_PC_LDFLAGS " " pc_openblas)
else()
  set(pc_openblas ${CINCH_OPENBLAS_LIBRARY})
endif()
set(pc_libs "${pc_openblas} -lpthread -lm -ldl")
configure_file(scripts/cmake/cinch.pc.in cinch.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cinch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
