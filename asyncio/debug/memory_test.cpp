#include "asyncio/debug/memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "asyncio/core/events.hpp"
#include "asyncio/core/instrument.hpp"

namespace asyncio::debug {
namespace {

Address address_of(const void* object) { return reinterpret_cast<Address>(object); }

InspectError::Reason reason_of(int pid) {
  try {
    ProcessMemory memory(pid);
  } catch (const InspectError& error) {
    return error.why();
  }
  throw RuntimeError("nothing was thrown");
}

TEST(ProcessMemory, reads_what_the_process_has) {
  ProcessMemory memory(getpid());
  const std::string text(10'000, 'x');  // over several pages

  std::string copy(text.size(), ' ');

  EXPECT_TRUE(memory.read(address_of(text.data()), copy.data(), copy.size()));
  EXPECT_EQ(copy, text);
}

TEST(ProcessMemory, fails_where_there_is_none_and_does_not_crash) {
  ProcessMemory memory(getpid());
  char byte;

  EXPECT_FALSE(memory.read(0, &byte, 1));
  EXPECT_FALSE(memory.read(8, &byte, 1));
  EXPECT_FALSE(memory.read(~Address{0} - 2, &byte, 1));
  EXPECT_EQ(memory.pointer(~Address{0} - 2), 0u);
}

TEST(ProcessMemory, keeps_a_page_until_it_is_refreshed) {
  ProcessMemory memory(getpid());
  volatile int value = 1;
  const Address at = address_of(const_cast<int*>(&value));
  EXPECT_EQ(memory.get<int>(at), 1);

  value = 2;

  EXPECT_EQ(memory.get<int>(at), 1);
  memory.refresh();
  EXPECT_EQ(memory.get<int>(at), 2);
}

TEST(ProcessMemory, of_no_process_says_that_there_is_none) {
  EXPECT_EQ(reason_of(0), InspectError::Reason::missing);
  EXPECT_EQ(reason_of(-1), InspectError::Reason::missing);
  EXPECT_EQ(reason_of(2'000'000'000), InspectError::Reason::missing);
}

TEST(ProcessMemory, text_ends_at_its_zero_at_the_limit_or_where_memory_ends) {
  ProcessMemory memory(getpid());
  const char text[] = "one\ntwo\0three";
  const auto size = static_cast<std::size_t>(getpagesize());
  void* pages = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(munmap(static_cast<char*>(pages) + size, size), 0);
  std::memcpy(static_cast<char*>(pages) + size - 3, "end", 3);

  EXPECT_EQ(memory.text(address_of(text)), "one?two");
  EXPECT_EQ(memory.text(address_of(text), 2), "on");
  EXPECT_EQ(memory.text(address_of(pages) + size - 3), "end");
  EXPECT_EQ(memory.text(0), "");
  EXPECT_EQ(munmap(pages, size), 0);
}

TEST(FindRegistries, finds_that_of_this_program) {
  ProcessMemory memory(getpid());

  const std::vector<Address> found = find_registries(getpid(), memory);

  EXPECT_NE(std::find(found.begin(), found.end(), address_of(&detail::registry())), found.end());
}

}  // namespace
}  // namespace asyncio::debug
