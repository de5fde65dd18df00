// dns_peer: our side of programs.py for names.
//
//   dns_peer SERVER NAME...      asks SERVER (127.0.0.1:5353) and prints a line for each name:
//                                its addresses, sorted, or the reason why there are none
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "asyncio/asyncio.hpp"

namespace {

asyncio::Coro<std::string> answer_for(std::string name) {
  try {
    if (const auto address = asyncio::Address::parse(name, 0)) {
      asyncio::Loop& loop = asyncio::get_running_loop();
      co_return (co_await loop.getnameinfo(*address)).first;
    }
    std::vector<std::string> hosts;
    for (const asyncio::Address& each : co_await asyncio::resolve(name, 80))
      hosts.push_back(each.host());
    std::sort(hosts.begin(), hosts.end());
    std::string line;
    for (const std::string& each : hosts) line += (line.empty() ? "" : " ") + each;
    co_return line;
  } catch (const asyncio::GaiError& error) {
    const std::string what = error.what();
    co_return what.substr(0, what.find('\n'));
  }
}

asyncio::Coro<> ask(std::vector<std::string> words) {
  asyncio::ResolverOptions options;
  options.servers = {words.front()};
  options.hosts_file = "";
  options.resolv_conf = "/dev/null";
  asyncio::get_running_loop().set_default_resolver(asyncio::make_resolver(options));
  for (std::size_t i = 1; i < words.size(); ++i)
    std::printf("%s\n", (co_await answer_for(words[i])).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  asyncio::run(ask({argv + 1, argv + argc}));
}
