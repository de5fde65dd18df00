// Plays random programs on a StreamReader, as reference.py does with CPython's, and prints what
// happens. Programs come on stdin, each behind a line `== name`.
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/asyncio.hpp"

namespace {

using namespace std::chrono_literals;
using asyncio::Coro;

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string hexadecimal(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

Coro<std::string> read_as(asyncio::StreamReader& reader, Words words) {
  const std::string& name = words[0];
  if (name == "read") co_return co_await reader.read(std::stol(words[1]));
  if (name == "readline") co_return co_await reader.readline();
  if (name == "readexactly") co_return co_await reader.readexactly(std::stoul(words[1]));
  if (name == "next") co_return (co_await reader.next()).value_or("");
  words.erase(words.begin());
  for (std::string& word : words) word = bytes_of(word);
  if (words.size() == 1) co_return co_await reader.readuntil(words[0]);
  const std::vector<std::string_view> separators(words.begin(), words.end());
  co_return co_await reader.readuntil(separators);
}

std::string said_by(const asyncio::Task<std::string>& task) {
  if (task.cancelled()) return "cancelled";
  const std::exception_ptr error = task.exception();
  if (!error) return "'" + hexadecimal(task.result()) + "'";
  const std::string said = asyncio::describe(error);
  try {
    std::rethrow_exception(error);
  } catch (const asyncio::IncompleteReadError& incomplete) {
    return said + " partial=" + hexadecimal(incomplete.partial());
  } catch (const asyncio::LimitOverrunError& overrun) {
    return said + " consumed=" + std::to_string(overrun.consumed());
  } catch (const std::exception&) {
    return said;
  }
}

class World {
 public:
  explicit World(std::size_t limit) : reader_(limit) {}

  Coro<> step(std::string line) {
    const Words words = words_of(line);
    const std::string& name = words[0];
    if (name == "feed") {
      reader_.feed_data(bytes_of(words[1]));
    } else if (name == "eof") {
      reader_.feed_eof();
    } else if (name == "cancel") {
      if (reads_) task_.cancel();
    } else if (name == "pass") {
      co_await asyncio::sleep(0s);
    } else if (reads_ && !task_.done()) {
      std::puts("busy");
    } else {
      begin(line, words);
    }
    std::printf("%s: at_eof=%d buffered=%zu\n", name.c_str(), reader_.at_eof() ? 1 : 0,
                reader_.buffered().size());
  }

  Coro<> end() {
    if (reads_) task_.cancel();
    co_await asyncio::sleep(0s);
    co_await asyncio::sleep(0s);
  }

 private:
  void begin(const std::string& line, const Words& words) {
    reads_ = true;
    task_ = asyncio::create_task(read_as(reader_, words));
    task_.add_done_callback([line](const asyncio::Task<std::string>& task) {
      std::printf("%s -> %s\n", line.c_str(), said_by(task).c_str());
    });
  }

  asyncio::StreamReader reader_;
  asyncio::Task<std::string> task_;
  bool reads_ = false;
};

Coro<> play(std::vector<std::string> lines) {
  World world(std::stoul(words_of(lines.front())[1]));
  for (std::size_t i = 1; i < lines.size(); ++i) co_await world.step(lines[i]);
  co_await world.end();
}

}  // namespace

int main() {
  std::vector<std::pair<std::string, std::vector<std::string>>> programs;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("== ")) {
      programs.emplace_back(line, std::vector<std::string>());
    } else if (!programs.empty()) {
      programs.back().second.push_back(line);
    }
  }
  for (auto& [name, lines] : programs) {
    std::puts(name.c_str());
    asyncio::run(play(std::move(lines)));
  }
}
