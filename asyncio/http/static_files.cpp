#include "asyncio/http/static_files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/dates.hpp"
#include "asyncio/http/internal/mime.hpp"
#include "asyncio/http/internal/paths.hpp"

namespace asyncio::http {
namespace {

// Below it a body is read at once and leaves with its head in one write.
constexpr off_t kReadAtOnce = off_t{64} * 1024;

class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Response refusal(int status, std::string_view text) {
  return Response::text(std::string(text) + "\n", status);
}

class Folder {
 public:
  Folder(const std::string& path, StaticOptions options)
      : options_(std::move(options)),
        root_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (root_.get() < 0) throw_os_error(errno, "open", path);
    if (char* real = ::realpath(path.c_str(), nullptr)) {
      real_path_ = real;
      ::free(real);
    }
    if (options_.prefix.empty() || options_.prefix.back() != '/') options_.prefix += '/';
  }

  Response answer(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
      Response response = refusal(405, "405: only GET and HEAD are possible here");
      response.headers.add("Allow", "GET, HEAD");
      return response;
    }
    std::string_view target = request.target;
    target = target.substr(0, target.find('?'));
    if (!target.starts_with(options_.prefix)) return refusal(404, "404: not found");
    target.remove_prefix(options_.prefix.size() - 1);
    const auto path = detail::safe_join(".", target);
    if (!path) return refusal(404, "404: not found");
    return serve(request, *path, target.ends_with('/'));
  }

 private:
  Response serve(const Request& request, const std::string& path, bool is_folder) const {
    if (is_folder && options_.index.empty()) return refusal(404, "404: not found");
    const std::string file = is_folder ? path + options_.index : path;
    Fd fd(open_beneath(file));
    struct stat info{};
    if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) return failure(errno);
    if (S_ISDIR(info.st_mode)) return to_folder(request);
    if (!S_ISREG(info.st_mode)) return refusal(404, "404: not found");
    return send(request, file, std::move(fd), info);
  }

  // "/a" where a is a folder: its pages' relative links need the slash.
  static Response to_folder(const Request& request) {
    const std::size_t mark = request.target.find('?');
    std::string location = request.target.substr(0, mark) + "/";
    if (location.starts_with("//")) location.insert(0, "/.");  // not another host
    if (mark != std::string::npos) location += request.target.substr(mark);
    return Response::redirect(location, 301);
  }

  static Response failure(int error) {
    switch (error) {
      case EACCES:
      case EPERM:
        return refusal(403, "403: forbidden");
      case EMFILE:
      case ENFILE:
        return refusal(503, "503: too many open files");
      case EIO:
        return refusal(500, "500: the file cannot be read");
      default:
        return refusal(404, "404: not found");
    }
  }

  // The kernel sees to it that no symbolic link leads out of the folder.
  int open_beneath(const std::string& path) const {
    struct open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
    return open_and_look(path);
  }

  // Where openat2 is not allowed (old kernels, some containers): open, then ask where it led.
  int open_and_look(const std::string& path) const {
    Fd fd(::openat(root_.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd.get() < 0) return -1;
    std::string place(4096, '\0');
    const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
    const ssize_t size = ::readlink(link.c_str(), place.data(), place.size());
    place.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::string inside = real_path_ == "/" ? "/" : real_path_ + "/";
    if (real_path_.empty() || (place != real_path_ && !place.starts_with(inside))) {
      errno = EXDEV;
      return -1;
    }
    return fd.release();
  }

  Response send(const Request& request, const std::string& path, Fd fd,
                const struct stat& info) const {
    const auto modified = detail::HttpTime(std::chrono::seconds(info.st_mtim.tv_sec));
    const std::string tag = entity_tag(info);
    Response response;
    response.headers.add("ETag", tag);
    response.headers.add("Last-Modified", detail::format_http_date(modified));
    if (!options_.cache_control.empty())
      response.headers.add("Cache-Control", options_.cache_control);
    if (is_unchanged(request, tag, modified)) {
      response.status = 304;
      return response;
    }
    response.headers.add("Content-Type", detail::mime_type(path));
    if (info.st_size > kReadAtOnce) {
      const auto size = static_cast<std::uint64_t>(info.st_size);
      response.file = std::make_shared<const FileBody>(fd.release(), size);
      return response;
    }
    return read_whole(fd, info, std::move(response));
  }

  static Response read_whole(const Fd& fd, const struct stat& info, Response response) {
    response.body.resize(static_cast<std::size_t>(info.st_size));
    std::size_t have = 0;
    while (have < response.body.size()) {
      const ssize_t got = ::pread(fd.get(), response.body.data() + have,
                                  response.body.size() - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure(errno);
      if (got == 0) break;  // It became shorter: what is there is the body.
      have += static_cast<std::size_t>(got);
    }
    response.body.resize(have);
    return response;
  }

  static std::string entity_tag(const struct stat& info) {
    char text[64];
    std::snprintf(text, sizeof text, "\"%llx.%lx-%llx\"",
                  static_cast<unsigned long long>(info.st_mtim.tv_sec),
                  static_cast<unsigned long>(info.st_mtim.tv_nsec),
                  static_cast<unsigned long long>(info.st_size));
    return text;
  }

  // RFC 9110 section 13.2.2: If-Modified-Since counts only without If-None-Match.
  static bool is_unchanged(const Request& request, std::string_view tag,
                           detail::HttpTime modified) {
    if (request.headers.contains("If-None-Match")) {
      for (std::string_view list : request.headers.get_all("If-None-Match")) {
        while (!list.empty()) {
          std::string_view item = detail::next_item(list);
          if (item == "*") return true;
          if (item.starts_with("W/")) item.remove_prefix(2);
          if (item == tag) return true;
        }
      }
      return false;
    }
    const auto since = request.headers.get("If-Modified-Since");
    if (!since) return false;
    const auto time = detail::parse_http_date(*since);
    return time && modified <= *time;
  }

  StaticOptions options_;
  Fd root_;
  std::string real_path_;
};

}  // namespace

Handler static_files(const std::string& folder, StaticOptions options) {
  auto files = std::make_shared<const Folder>(folder, std::move(options));
  return [files](Request request) -> Coro<Response> { co_return files->answer(request); };
}

}  // namespace asyncio::http
