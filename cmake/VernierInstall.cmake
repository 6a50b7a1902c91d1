# The runtime for other programs: libvernier.so, which exports the C API alone,
# its headers, and how CMake and pkg-config find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(version_script ${CMAKE_CURRENT_SOURCE_DIR}/vernier.map)
add_library(vernier SHARED $<TARGET_OBJECTS:VernierRuntime>)
target_link_libraries(vernier PRIVATE
  $<TARGET_PROPERTY:VernierRuntime,INTERFACE_LINK_LIBRARIES>)
target_link_options(vernier PRIVATE LINKER:--version-script=${version_script})
set_target_properties(vernier PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
  LINKER_LANGUAGE CXX LINK_DEPENDS ${version_script}
  # LLVM's OpenMP may lie outside the system's folders.
  INSTALL_RPATH_USE_LINK_PATH ON)
target_include_directories(vernier INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(TARGETS vernier EXPORT vernierTargets COMPONENT vernier-runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT vernier-runtime)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/vernier-c COMPONENT vernier-runtime
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vernier)
install(EXPORT vernierTargets NAMESPACE vernier:: DESTINATION ${package_dir}
  COMPONENT vernier-runtime)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/vernierConfig.cmake.in
  vernierConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(vernierConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
# From its own place, so that the installed tree can be moved.
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${PROJECT_SOURCE_DIR}/cmake/vernier.pc.in vernier.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vernierConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/vernierConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT vernier-runtime)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vernier.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT vernier-runtime)
