// ResponseParser: byte 0 chooses how the input is cut, byte 1 whether the responses have bodies.
#include "tests/fuzz/http_message.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  asyncio::fuzz::compare_cuts<asyncio::detail::ResponseMessage>(asyncio::fuzz::text(data, size));
  return 0;
}
