// RequestParser: byte 0 chooses how the input is cut, byte 1 whether bodies are expected,
// the rest is requests.
#include "tests/fuzz/http_message.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  asyncio::fuzz::compare_cuts<asyncio::detail::RequestMessage>(asyncio::fuzz::text(data, size));
  return 0;
}
