# SPDX-License-Identifier: Apache-2.0
# The CPU backend. Kernel files are compiled once for each instruction set, the rest once; isa.c chooses at run time.
# Never -march=native: what runs must depend on the machine that runs it, not on the one that built it.
set(cpu_folder ${CMAKE_CURRENT_LIST_DIR})
foreach(file backend blas isa pool quota)
  list(APPEND CINCH_SOURCES ${cpu_folder}/${file}.c)
endforeach()

set(cpu_kernels)
foreach(file dots elementwise gather matmul move random reduce scan softmax table tiles update)
  list(APPEND cpu_kernels ${cpu_folder}/${file}.c)
endforeach()

set(cpu_isas generic)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  list(APPEND cpu_isas avx2 avx512)
endif()
set(cpu_flags_avx2 -mavx2 -mfma)
set(cpu_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)

foreach(isa ${cpu_isas})
  add_library(cinch_cpu_${isa} OBJECT ${cpu_kernels})
  set_target_properties(cinch_cpu_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(cinch_cpu_${isa} PRIVATE CINCH_ISA=${isa})
  target_compile_options(cinch_cpu_${isa} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3> ${cpu_flags_${isa}}
    $<$<C_COMPILER_ID:Clang>:-Wno-pass-failed>) # i32 division has no vector instruction
  target_link_libraries(cinch_cpu_${isa} PRIVATE cinch_flags)
  list(APPEND CINCH_OBJECTS $<TARGET_OBJECTS:cinch_cpu_${isa}>)
endforeach()
