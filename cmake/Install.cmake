# `cmake --install`: headers, static libraries, the CMake package and the pkg-config files.
# Everything installed is relocatable: it finds its prefix from where it lies.
include_guard()
include(CMakePackageConfigHelpers)

# Plain lib/, not Debian's multiarch folder: that is where the pkg-config files are looked for.
set(CMAKE_INSTALL_LIBDIR lib CACHE STRING "Where libraries go below the prefix")
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/asyncio)

# Headers of whole folders, those of internal/ included: templates in public headers need them.
function(install_headers target component)
  get_target_property(folders ${target} ASYNCIO_FOLDERS)
  foreach(folder IN LISTS folders)
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/asyncio/${folder})
      install(DIRECTORY ${PROJECT_SOURCE_DIR}/asyncio/${folder} DESTINATION include/asyncio
              FILES_MATCHING PATTERN "*.hpp")
    endif()
  endforeach()
  if(EXISTS ${PROJECT_SOURCE_DIR}/asyncio/${component}.hpp)
    install(FILES ${PROJECT_SOURCE_DIR}/asyncio/${component}.hpp DESTINATION include/asyncio)
  endif()
endfunction()

# <name>.pc: a program links with `pkg-config --cflags --libs` alone, so Libs holds everything that
# a static library needs.
function(install_pkg_config target component)
  if(component STREQUAL "asyncio")
    set(PC_NAME asyncio)
  else()
    set(PC_NAME asyncio-${component})
  endif()
  get_target_property(libs ${target} ASYNCIO_PC_LIBS)
  get_target_property(requires ${target} ASYNCIO_PC_REQUIRES)
  string(REPLACE ";" " " PC_LIBS "${libs}")
  string(REPLACE ";" " " PC_REQUIRES "${requires}")
  set(PC_LIBRARY ${target})
  set(file ${PROJECT_BINARY_DIR}/pkgconfig/${PC_NAME}.pc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/asyncio.pc.in ${file} @ONLY)
  install(FILES ${file} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

set(ASYNCIO_COMPONENTS "")
set(ASYNCIO_FIND_DEPENDENCIES "")
foreach(target IN LISTS ASYNCIO_LIBRARIES)
  get_target_property(component ${target} EXPORT_NAME)
  list(APPEND ASYNCIO_COMPONENTS ${component})
  install(TARGETS ${target} EXPORT asyncio-${component} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT asyncio-${component} NAMESPACE asyncio:: DESTINATION ${package_dir}
          FILE asyncio-${component}.cmake)
  install_headers(${target} ${component})
  install_pkg_config(${target} ${component})
  get_target_property(packages ${target} ASYNCIO_PACKAGES)
  string(APPEND ASYNCIO_FIND_DEPENDENCIES "set(asyncio_${component}_packages \"${packages}\")\n")
endforeach()
if(TARGET asyncio)
  install(DIRECTORY ${ASYNCIO_GENERATED_DIR}/asyncio DESTINATION include)
endif()

configure_package_config_file(cmake/asyncioConfig.cmake.in
  ${PROJECT_BINARY_DIR}/asyncioConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/asyncioConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/asyncioConfig.cmake
        ${PROJECT_BINARY_DIR}/asyncioConfigVersion.cmake DESTINATION ${package_dir})
