#include "asyncio/debug/memory.hpp"

#include <elf.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>

namespace asyncio::debug {
namespace {

constexpr Address kLastPage = ~Address{0} / 4096;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

[[noreturn]] void throw_missing(int pid) {
  throw InspectError(InspectError::Reason::missing, "no process has the id " + std::to_string(pid));
}

[[noreturn]] void throw_denied(int pid) {
  std::string text = "not allowed to read the memory of process " + std::to_string(pid);
  const std::string scope = first_line("/proc/sys/kernel/yama/ptrace_scope");
  if (scope == "1" || scope == "2" || scope == "3")
    text += "\n  because: /proc/sys/kernel/yama/ptrace_scope is " + scope +
            "\n  cure: run this as root, or `sysctl kernel.yama.ptrace_scope=0`";
  else
    text += "\n  cure: run this as root, or as the user that the process runs as";
  throw InspectError(InspectError::Reason::denied, text);
}

ssize_t read_process(int pid, Address from, void* to, std::size_t size) noexcept {
  iovec local{to, size};
  // An address of the other process, which is not followed here.
  iovec remote{reinterpret_cast<void*>(static_cast<std::uintptr_t>(from)), size};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

}  // namespace

std::string Memory::text(Address from, std::size_t longest) {
  std::string text;
  while (text.size() < longest) {
    // To the end of a 64-byte block, which never crosses a page.
    const std::size_t size =
        std::min<std::size_t>(64 - (from + text.size()) % 64, longest - text.size());
    char block[64];
    if (!read(from + text.size(), block, size)) break;
    const std::string_view got(block, size);
    const std::size_t end = got.find('\0');
    for (const char c : got.substr(0, end)) text += c < ' ' || c == '\x7f' ? '?' : c;
    if (end != got.npos) break;
  }
  return text;
}

ProcessMemory::ProcessMemory(int pid) : pid_(pid) {
  if (pid <= 0 || (::kill(pid, 0) != 0 && errno == ESRCH)) throw_missing(pid);
  // Any address: which of the errors comes tells whether we may.
  std::byte probe;
  if (read_process(pid, 4096, &probe, 1) < 0) {
    if (errno == ESRCH) throw_missing(pid);
    if (errno == EPERM || errno == ENOSYS) throw_denied(pid);
  }
}

const ProcessMemory::Page* ProcessMemory::page(Address number) {
  const auto [entry, is_new] = pages_.try_emplace(number);
  if (is_new) {
    auto page = std::make_unique<Page>();
    if (read_process(pid_, number * kPage, page->data(), kPage) == static_cast<ssize_t>(kPage))
      entry->second = std::move(page);
  }
  return entry->second.get();
}

bool ProcessMemory::read(Address from, void* to, std::size_t size) {
  auto* out = static_cast<std::byte*>(to);
  while (size > 0) {
    const Address number = from / kPage;
    const std::size_t offset = from % kPage;
    const std::size_t part = std::min(size, kPage - offset);
    const Page* found = number == kLastPage ? nullptr : page(number);
    if (found == nullptr) return false;
    std::memcpy(out, found->data() + offset, part);
    out += part;
    from += part;
    size -= part;
  }
  return true;
}

bool ProcessMemory::write(Address to, const void* from, std::size_t size) noexcept {
  iovec local{const_cast<void*>(from), size};  // only read
  iovec remote{reinterpret_cast<void*>(static_cast<std::uintptr_t>(to)), size};
  return process_vm_writev(pid_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

// ---- finding the registry

namespace {

constexpr int kMaxHeaders = 256;

// The notes of one segment: those named "asyncio" hold the distance to a registry.
void search_notes(Memory& memory, Address begin, Address size, std::vector<Address>& found) {
  Address at = begin;
  const Address end = begin + std::min<Address>(size, 65536);
  while (at + sizeof(Elf64_Nhdr) <= end) {
    const auto note = memory.get<Elf64_Nhdr>(at);
    if (!note || note->n_namesz > 256 || note->n_descsz > 65536) return;
    const Address name = at + sizeof(Elf64_Nhdr);
    const Address content = name + (note->n_namesz + 3) / 4 * 4;
    if (note->n_namesz == 8 && note->n_descsz == 4 && memory.text(name, 8) == "asyncio")
      if (const auto distance = memory.get<std::int32_t>(content))
        found.push_back(content + static_cast<Address>(static_cast<std::int64_t>(*distance)));
    at = content + (note->n_descsz + 3) / 4 * 4;
  }
}

void search_image(Memory& memory, Address base, std::vector<Address>& found) {
  const auto header = memory.get<Elf64_Ehdr>(base);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr))
    return;
  std::vector<Elf64_Phdr> segments;
  Address first_loaded = ~Address{0};
  for (int i = 0; i < std::min<int>(header->e_phnum, kMaxHeaders); ++i) {
    const auto segment = memory.get<Elf64_Phdr>(base + header->e_phoff +
                                                static_cast<Address>(i) * sizeof(Elf64_Phdr));
    if (!segment) return;
    if (segment->p_type == PT_LOAD) first_loaded = std::min(first_loaded, segment->p_vaddr);
    segments.push_back(*segment);
  }
  if (first_loaded == ~Address{0}) return;
  const Address bias = base - first_loaded / 4096 * 4096;
  for (const Elf64_Phdr& segment : segments)
    if (segment.p_type == PT_NOTE)
      search_notes(memory, bias + segment.p_vaddr, segment.p_memsz, found);
}

}  // namespace

std::vector<Address> find_registries(int pid, Memory& memory) {
  std::vector<Address> found;
  const std::string path = "/proc/" + std::to_string(pid) + "/maps";
  std::ifstream maps(path);
  if (!maps && ::access(path.c_str(), F_OK) == 0) throw_denied(pid);
  // "55d0c0000000-55d0c0001000 r--p 00000000 08:01 1234   /usr/bin/server"
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range, rights, offset, device, inode;
    words >> range >> rights >> offset >> device >> inode;
    if (offset.find_first_not_of('0') != offset.npos || inode == "0" || rights.empty() ||
        rights.front() != 'r')
      continue;
    search_image(memory, std::stoull(range.substr(0, range.find('-')), nullptr, 16), found);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace asyncio::debug
