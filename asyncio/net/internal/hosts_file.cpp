#include "asyncio/net/internal/hosts_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace asyncio::detail {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view next_word(std::string_view& rest) {
  const std::size_t begin = rest.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return rest = {};
  const std::size_t end = std::min(rest.find_first_of(kBlanks, begin), rest.size());
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

bool is_of(const Address& address, Address::Family family) noexcept {
  return family == Address::Family::none || address.family() == family;
}

}  // namespace

std::string lower_case_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  for (char& letter : name)  // ASCII: the locale has no say
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return name;
}

std::vector<Address> localhost_addresses(std::string_view host, Address::Family family) {
  const std::string name = lower_case_name(host);
  if (name != "localhost" && !name.ends_with(".localhost")) return {};
  std::vector<Address> found;
  for (const char* each : {"::1", "127.0.0.1"}) {
    Address address = *Address::parse(each, 0);
    if (is_of(address, family)) found.push_back(std::move(address));
  }
  return found;
}

void HostsFile::refresh() {
  if (path_.empty()) return;
  struct stat status{};
  if (::stat(path_.c_str(), &status) != 0) {
    parse({});
    changed_ns_ = inode_ = -1;
    return;
  }
  const std::int64_t changed_ns =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  const auto inode = static_cast<std::int64_t>(status.st_ino);
  if (changed_ns == changed_ns_ && inode == inode_) return;
  std::ifstream file(path_);
  parse(std::string(std::istreambuf_iterator<char>(file), {}));
  changed_ns_ = changed_ns;
  inode_ = inode;
}

void HostsFile::parse(std::string_view text) {
  entries_.clear();
  names_.clear();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    parse_line(text.substr(0, std::min(text.find('#'), end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void HostsFile::parse_line(std::string_view line) {
  const std::optional<Address> address = Address::parse(next_word(line), 0);
  if (!address) return;
  std::string canonical_name;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (canonical_name.empty()) {
      canonical_name = word;
      names_.try_emplace(address->host(), word);
    }
    Entry& entry = entries_[lower_case_name(word)];
    if (entry.canonical_name.empty()) entry.canonical_name = canonical_name;
    if (std::find(entry.addresses.begin(), entry.addresses.end(), *address) ==
        entry.addresses.end())
      entry.addresses.push_back(*address);
  }
}

std::vector<Address> HostsFile::addresses_of(std::string_view host, Address::Family family) const {
  std::vector<Address> found;
  const auto entry = entries_.find(lower_case_name(host));
  if (entry == entries_.end()) return found;
  for (const Address& address : entry->second.addresses)
    if (is_of(address, family)) found.push_back(address);
  return found;
}

std::string HostsFile::canonical_name_of(std::string_view host) const {
  const auto entry = entries_.find(lower_case_name(host));
  return entry == entries_.end() ? std::string(host) : entry->second.canonical_name;
}

std::optional<std::string> HostsFile::name_of(const Address& address) const {
  const auto name = names_.find(address.host());
  if (name == names_.end()) return std::nullopt;
  return name->second;
}

}  // namespace asyncio::detail
