# SPDX-License-Identifier: Apache-2.0
# Finds OpenBLAS and defines the imported target Cinch::OpenBLAS.
#
# In this order: under OpenBLAS_ROOT or CMAKE_PREFIX_PATH when one is given (cblas.h and libopenblas, or
# OpenBLAS's own CMake package there), OpenBLAS's CMake package, pkg-config, then the system's folders.
# Whatever is found must link a program that calls cblas_sgemm and openblas_set_num_threads.

set(_openblas_headers include include/openblas include/openblas-pthread openblas)
set(_openblas_libraries lib lib64 lib/${CMAKE_LIBRARY_ARCHITECTURE})

# Looks for the two files by name; the arguments go to find_path and find_library.
macro(_openblas_by_path)
  find_path(CINCH_OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES ${_openblas_headers} ${ARGN})
  find_library(CINCH_OPENBLAS_LIBRARY openblas PATH_SUFFIXES ${_openblas_libraries} ${ARGN})
  if(CINCH_OPENBLAS_INCLUDE AND CINCH_OPENBLAS_LIBRARY)
    set(_openblas_include ${CINCH_OPENBLAS_INCLUDE})
    set(_openblas_link ${CINCH_OPENBLAS_LIBRARY})
    set(_openblas_how "path")
  endif()
endmacro()

macro(_openblas_by_config)
  find_package(OpenBLAS CONFIG QUIET ${ARGN})
  if(TARGET OpenBLAS::OpenBLAS)
    set(_openblas_include "")
    set(_openblas_link OpenBLAS::OpenBLAS)
    set(_openblas_how "CMake package")
  elseif(OpenBLAS_LIBRARIES AND OpenBLAS_INCLUDE_DIRS)
    set(_openblas_include ${OpenBLAS_INCLUDE_DIRS})
    set(_openblas_link ${OpenBLAS_LIBRARIES})
    set(_openblas_how "CMake package")
  endif()
endmacro()

macro(_openblas_by_pkg_config)
  pkg_check_modules(CINCH_OPENBLAS_PC QUIET IMPORTED_TARGET openblas)
  if(CINCH_OPENBLAS_PC_FOUND)
    set(_openblas_include ${CINCH_OPENBLAS_PC_INCLUDE_DIRS})
    set(_openblas_link PkgConfig::CINCH_OPENBLAS_PC)
    set(_openblas_how "pkg-config")
  endif()
endmacro()

# The named places first, so that a build of one's own wins over the system's.
unset(_openblas_how)
set(_openblas_places ${OpenBLAS_ROOT} $ENV{OpenBLAS_ROOT} ${CMAKE_PREFIX_PATH})
if(NOT "$ENV{CMAKE_PREFIX_PATH}" STREQUAL "")
  string(REPLACE ":" ";" _openblas_environment "$ENV{CMAKE_PREFIX_PATH}")
  list(APPEND _openblas_places ${_openblas_environment})
endif()
if(_openblas_places)
  _openblas_by_path(PATHS ${_openblas_places} NO_DEFAULT_PATH)
  if(NOT _openblas_how)
    _openblas_by_config(PATHS ${_openblas_places} NO_DEFAULT_PATH)
  endif()
endif()
if(OpenBLAS_ROOT AND NOT _openblas_how)
  message(FATAL_ERROR "OpenBLAS_ROOT is ${OpenBLAS_ROOT}, but cblas.h and libopenblas are not under it; "
    "give the folder that holds include/ and lib/")
endif()
if(NOT _openblas_how)
  _openblas_by_config()
endif()
if(NOT _openblas_how AND PKG_CONFIG_FOUND)
  _openblas_by_pkg_config()
endif()
if(NOT _openblas_how)
  _openblas_by_path()
endif()
mark_as_advanced(CINCH_OPENBLAS_INCLUDE CINCH_OPENBLAS_LIBRARY OpenBLAS_DIR)

# A reference BLAS, or a library of another architecture, is found by name too: link to know.
if(_openblas_how)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${_openblas_include})
  set(CMAKE_REQUIRED_LIBRARIES ${_openblas_link} Threads::Threads m)
  set(CMAKE_REQUIRED_QUIET ON)
  string(MD5 _openblas_key "${_openblas_include};${_openblas_link};${OpenBLAS_DIR}")
  check_c_source_compiles("
    #include <cblas.h>
    int main(void)
    {
        float a[1] = {1}, b[1] = {1}, c[1];
        openblas_set_num_threads(1);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, a, 1, b, 1, 0, c, 1);
        return openblas_get_corename() == 0;
    }" CINCH_OPENBLAS_LINKS_${_openblas_key})
  set(_openblas_links ${CINCH_OPENBLAS_LINKS_${_openblas_key}})
  foreach(variable INCLUDES LIBRARIES QUIET)
    unset(CMAKE_REQUIRED_${variable})
  endforeach()
endif()

if(_openblas_how AND _openblas_links)
  set(CinchOpenBLAS_FOUND TRUE)
  if(NOT CinchOpenBLAS_FIND_QUIETLY)
    message(STATUS "Found OpenBLAS by ${_openblas_how}: ${_openblas_link}")
  endif()
  if(NOT TARGET Cinch::OpenBLAS)
    add_library(Cinch::OpenBLAS INTERFACE IMPORTED)
    set_target_properties(Cinch::OpenBLAS PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${_openblas_include}" INTERFACE_LINK_LIBRARIES "${_openblas_link}")
  endif()
else()
  set(CinchOpenBLAS_FOUND FALSE)
  if(_openblas_how)
    string(CONCAT _openblas_problem "${_openblas_link} (found by ${_openblas_how}) does not link as OpenBLAS: "
      "is it another BLAS?")
  else()
    set(_openblas_problem "OpenBLAS was not found by its CMake package, by pkg-config or by path.")
  endif()
  string(CONCAT _openblas_message "${_openblas_problem}\n"
    "  Debian and Ubuntu:  sudo apt-get install libopenblas-dev\n"
    "  Fedora:             sudo dnf install openblas-devel\n"
    "  elsewhere:          cmake -DOpenBLAS_ROOT=FOLDER, where FOLDER holds include/cblas.h and lib/libopenblas.so")
  if(CinchOpenBLAS_FIND_REQUIRED)
    message(FATAL_ERROR "${_openblas_message}")
  elseif(NOT CinchOpenBLAS_FIND_QUIETLY)
    message(STATUS "${_openblas_message}")
  endif()
endif()
