// Empty: the library comes in whole; see CMakeLists.txt.
