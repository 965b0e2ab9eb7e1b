# SPDX-License-Identifier: Apache-2.0
# The CUDA backend, a module that libcinch opens when it runs; src/cuda/CMakeLists.txt builds it.
# What a backend outside this tree includes of core; it is installed with or without the module.
set(CINCH_SEAM backend.h formula.h grid.h ops.def rng.h status.h strided.h)
foreach(name ${CINCH_SEAM})
  install(FILES src/core/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cinch/backend/core)
endforeach()

set(CINCH_CUDA AUTO CACHE STRING "build the CUDA backend: AUTO (where its toolkit is found), ON, OFF")
set_property(CACHE CINCH_CUDA PROPERTY STRINGS AUTO ON OFF)
set(CINCH_CUDA_ARCHITECTURES "" CACHE STRING
  "GPUs to compile for, as 80;90; empty: those of 80 90 100 120 that nvcc knows")

string(TOUPPER "${CINCH_CUDA}" cuda_wanted)
if(cuda_wanted STREQUAL "AUTO" OR CINCH_CUDA)
  include(${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/toolkit.cmake)
  cinch_find_cuda(cuda_missing)
  if(NOT cuda_missing)
    add_subdirectory(src/cuda)
  elseif(cuda_wanted STREQUAL "AUTO")
    message(STATUS "CUDA: no backend for GPUs, for ${cuda_missing}")
  else()
    message(FATAL_ERROR "CINCH_CUDA is ${CINCH_CUDA}, but ${cuda_missing}")
  endif()
else()
  message(STATUS "CUDA: no backend for GPUs, for CINCH_CUDA is ${CINCH_CUDA}")
endif()
