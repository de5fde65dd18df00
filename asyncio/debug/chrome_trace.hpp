// chrome_trace.hpp: a trace as the JSON that ui.perfetto.dev and chrome://tracing open ("Trace
// Event Format"). A track for each loop's thread, with its steps and, inside and between them, the
// operations; and for each task what it waits for, from its first step to its last.
#pragma once
#include <cstdio>
#include <string>

#include "asyncio/debug/trace.hpp"

namespace asyncio::debug {

// `program` names the process. Throws OSError where the file does not take it.
void write_chrome_trace(const Trace& trace, const std::string& program, std::FILE* file);

}  // namespace asyncio::debug
