# SPDX-License-Identifier: Apache-2.0
# cinch_embed(SOURCE-FILE NAME FILE NAME FILE...): writes a C source with the files' bytes as strings of these names. It
# is made anew when a file changes.
function(cinch_embed source)
  set(text "/* Made by scripts/cmake/embed.cmake. */\n")
  while(ARGN)
    list(POP_FRONT ARGN name file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "((0x..,){32})" "\\1\n" bytes "${bytes}")
    string(APPEND text "extern const char ${name}[];\nconst char ${name}[] = {\n${bytes}0};\n")
  endwhile()
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
endfunction()
