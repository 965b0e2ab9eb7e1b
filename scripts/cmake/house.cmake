# SPDX-License-Identifier: Apache-2.0
# Tests of the house itself, label `house`: layers, names and lengths, exported symbols, the checks' own checks.

# The library as a shared one, from the objects that are built anyway.
add_library(cinch_exports SHARED $<TARGET_OBJECTS:cinch> ${CINCH_OBJECTS})
set_target_properties(cinch_exports PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(cinch_exports PRIVATE cinch_flags ${CINCH_LIBRARIES})
# A sanitizer's runtime is linked into programs, not into libraries.
if(NOT CINCH_SANITIZE)
  target_link_options(cinch_exports PRIVATE -Wl,--no-undefined)
endif()

set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/scripts)
add_test(NAME house.layers COMMAND ${scripts}/check_layers.sh)
add_test(NAME house.symbols COMMAND ${scripts}/check_symbols.sh $<TARGET_FILE:cinch_exports>)
add_test(NAME house.checks COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_house.sh ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME house.setup COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_setup.sh ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME house.install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_install.sh ${CMAKE_BINARY_DIR})
set_tests_properties(house.layers house.symbols house.checks house.setup house.install PROPERTIES LABELS house TIMEOUT 120)

if(TARGET cinch_cuda)
  add_test(NAME house.module_symbols COMMAND ${scripts}/check_symbols.sh $<TARGET_FILE:cinch_cuda> cinch_backend_module)
  add_test(NAME house.module_install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_module_install.sh
    ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  set_tests_properties(house.module_symbols house.module_install PROPERTIES LABELS house TIMEOUT 300)
endif()
