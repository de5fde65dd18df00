// static_files.hpp: a handler that serves the files of a folder.
//
//   server.serve_files("/docs/", "/usr/share/doc");
//
// Knows GET and HEAD, ETag and Last-Modified (304), index files, types by extension (RFC 9110).
// Never leaves the folder: neither by ".." in any spelling nor by a symbolic link. Opening and the
// reads of small files happen on the loop's thread; large ones go through sendfile(2).
#pragma once
#include <string>

#include "asyncio/http/handler.hpp"

namespace asyncio::http {

struct StaticOptions {
  std::string prefix = "/";  // What the paths of requests begin with; not part of file names.
  std::string index = "index.html";  // For folders; empty: none.
  std::string cache_control = {};    // The header's value; empty: no header.
};

// Throws OSError where there is no such folder.
Handler static_files(const std::string& folder, StaticOptions options = {});

}  // namespace asyncio::http
