# SPDX-License-Identifier: Apache-2.0
# Tests of the house itself, label `house`: layers, names and lengths, exported symbols, the checks' own checks.

set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/scripts)
add_test(NAME house.layers COMMAND ${scripts}/check_layers.sh)
add_test(NAME house.symbols COMMAND ${scripts}/check_symbols.sh $<TARGET_FILE:cinch_shared>)
add_test(NAME house.checks COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_house.sh ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME house.setup COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_setup.sh ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME house.install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_install.sh
  ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
set_tests_properties(house.layers house.symbols house.checks house.setup house.install
  PROPERTIES LABELS house TIMEOUT 900)

if(TARGET cinch_cuda)
  add_test(NAME house.module_symbols COMMAND ${scripts}/check_symbols.sh $<TARGET_FILE:cinch_cuda> cinch_backend_module)
  add_test(NAME house.module_install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_module_install.sh
    ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  set_tests_properties(house.module_symbols house.module_install PROPERTIES LABELS house TIMEOUT 900)
endif()
