# SPDX-License-Identifier: Apache-2.0
# The table of cases with its oracles and what runs a row on a backend, for the tests and for bench ops. Needs no test
# framework; the program links the library behind it.
file(GLOB case_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/case*.c ${CMAKE_CURRENT_LIST_DIR}/oracle*.c
  ${CMAKE_CURRENT_LIST_DIR}/value.c ${CMAKE_CURRENT_LIST_DIR}/run.c)
add_library(cinch_cases STATIC ${case_sources})
target_include_directories(cinch_cases PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cinch_cases PUBLIC cinch_flags m)
