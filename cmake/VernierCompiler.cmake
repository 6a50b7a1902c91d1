# The compiler half: finds MLIR 22, defines how its libraries are built, and
# adds their folders in the order in which data flows through them.

find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "Vernier needs MLIR 22 (Debian: libmlir-22-dev); found ${LLVM_VERSION}")
endif()
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
set(LLVM_RUNTIME_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/lib)
set(MLIR_BINARY_DIR ${CMAKE_BINARY_DIR})
# One libMLIR.so and one libLLVM.so per process: links in a second, and the
# static archives of the same code must never be mixed with them.
set(MLIR_LINK_MLIR_DYLIB ON)
include(TableGen)
include(AddLLVM)
include(AddMLIR)

set(VERNIER_COMPILER_FLAGS -fno-rtti -fno-exceptions -Wno-deprecated-declarations)

# vernier_add_library(NAME [LINK_LIBS libraries]): a static library of every .cpp
# of the current folder, built after all generated headers.
function(vernier_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE ${VERNIER_COMPILER_FLAGS})
  add_dependencies(${name} vernier-headers)
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
endfunction()

# vernier_add_tool(NAME [LINK_LIBS libraries]): likewise, a program.
function(vernier_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_executable(${name} ${sources})
  target_compile_options(${name} PRIVATE ${VERNIER_COMPILER_FLAGS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  target_link_libraries(${name} PRIVATE MLIR LLVM)
endfunction()

add_custom_target(vernier-headers)
add_subdirectory(include/vernier)
add_subdirectory(lib)
foreach(tool vernier-opt vernier-compile vernier-evaluate vernier-lsp-server)
  if(EXISTS ${PROJECT_SOURCE_DIR}/tools/${tool}/CMakeLists.txt)
    add_subdirectory(tools/${tool})
  endif()
endforeach()
