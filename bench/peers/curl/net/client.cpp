// The HTTP client of the rows on libcurl's multi interface with epoll, its quickest: so many easy
// handles, used again.
//
//   client_curl PORT IN_FLIGHT SECONDS
#include <curl/curl.h>
#include <sys/epoll.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/support/net/requests.hpp"

namespace {

int epoll = -1;
long timeout_ms = -1;
long in_flight = 0;

std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

int set_timeout(CURLM*, long milliseconds, void*) {
  timeout_ms = milliseconds;
  return 0;
}

// What libcurl wants to hear about a socket; `known` is set once epoll has it.
int watch_socket(CURL*, curl_socket_t fd, int what, void* multi, void* known) {
  epoll_event event{};
  event.data.fd = fd;
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
    return 0;
  }
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  curl_multi_assign(multi, fd, &epoll);
  return 0;
}

struct Slot {
  CURL* easy = curl_easy_init();
  std::string body;
};

void begin(CURLM* multi, Slot& slot) {
  slot.body.clear();
  ++in_flight;
  curl_multi_add_handle(multi, slot.easy);
}

// One that is done begins again, until the time is over.
void take_answers(CURLM* multi, bench::Requests& count) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    Slot* slot = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    long status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    count.check(message->data.result == CURLE_OK && status == 200 && slot->body == "Hello, world!");
    curl_multi_remove_handle(multi, slot->easy);
    --in_flight;
    if (count.go_on()) begin(multi, *slot);
  }
}

void wait_and_act(CURLM* multi) {
  int running = 0;
  std::array<epoll_event, 128> events;
  const int wait = timeout_ms < 0 ? 100 : static_cast<int>(timeout_ms);
  const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), wait);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(multi, event.data.fd, what, &running);
  }
  if (count == 0 || timeout_ms == 0)
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string url = "http://127.0.0.1:" + std::string(argv[1]) + "/";
  const long most = std::atol(argv[2]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timeout);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
  bench::Requests count(std::atof(argv[3]));
  std::vector<Slot> slots(static_cast<std::size_t>(most));
  for (Slot& slot : slots) {
    curl_easy_setopt(slot.easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(slot.easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(slot.easy, CURLOPT_WRITEDATA, &slot.body);
    curl_easy_setopt(slot.easy, CURLOPT_PRIVATE, &slot);
    begin(multi, slot);
  }
  while (in_flight > 0) {
    wait_and_act(multi);
    take_answers(multi, count);
  }
  count.print();
}
