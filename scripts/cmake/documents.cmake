# SPDX-License-Identifier: Apache-2.0
# Manual pages and bash's completion: the command prints them from its own tables. A build for another machine cannot
# run it and goes without.
if(CMAKE_CROSSCOMPILING)
  return()
endif()

set(documents)
function(document what file destination)
  set(path ${CMAKE_CURRENT_BINARY_DIR}/documents/${file})
  add_custom_command(OUTPUT ${path} COMMAND cinch_command --document ${what} > ${path} DEPENDS cinch_command)
  install(FILES ${path} DESTINATION ${destination})
  set(documents ${documents} ${path} PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/documents)
document(man cinch.1 ${CMAKE_INSTALL_MANDIR}/man1)
file(GLOB verb_files CONFIGURE_DEPENDS src/cli/verb_*.c)
foreach(file ${verb_files})
  get_filename_component(verb ${file} NAME_WE)
  string(REPLACE verb_ "" verb ${verb})
  document(man-${verb} cinch-${verb}.1 ${CMAKE_INSTALL_MANDIR}/man1)
endforeach()
document(bash cinch ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
add_custom_target(cinch_documents ALL DEPENDS ${documents})
