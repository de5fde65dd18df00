# The CMakeLists.txt of a user's project: one program a component.
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(asyncio 0.1 REQUIRED COMPONENTS ${COMPONENTS})
foreach(component IN LISTS COMPONENTS)
  add_executable(${component} ${component}.cpp)
  target_link_libraries(${component} PRIVATE asyncio::${component})
endforeach()
