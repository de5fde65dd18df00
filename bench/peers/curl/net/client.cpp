// The HTTP client of the rows on libcurl's multi interface: so many easy handles, used again.
//
//   client_curl PORT IN_FLIGHT SECONDS
#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/support/net/requests.hpp"

namespace {

std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

struct Slot {
  CURL* easy = curl_easy_init();
  std::string body;
};

void begin(CURLM* multi, Slot& slot, const std::string& url) {
  slot.body.clear();
  curl_easy_setopt(slot.easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(slot.easy, CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(slot.easy, CURLOPT_WRITEDATA, &slot.body);
  curl_easy_setopt(slot.easy, CURLOPT_PRIVATE, &slot);
  curl_multi_add_handle(multi, slot.easy);
}

// One that is done begins again, until the time is over.
void take_answers(CURLM* multi, const std::string& url, bench::Requests& count) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    Slot* slot = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    long status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    count.check(message->data.result == CURLE_OK && status == 200 && slot->body == "Hello, world!");
    curl_multi_remove_handle(multi, slot->easy);
    if (count.go_on()) begin(multi, *slot, url);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string url = "http://127.0.0.1:" + std::string(argv[1]) + "/";
  const long in_flight = std::atol(argv[2]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);
  bench::Requests count(std::atof(argv[3]));
  std::vector<Slot> slots(static_cast<std::size_t>(in_flight));
  for (Slot& slot : slots) begin(multi, slot, url);
  for (int running = 1; running > 0;) {
    curl_multi_perform(multi, &running);
    take_answers(multi, url, count);
    curl_multi_poll(multi, nullptr, 0, running > 0 ? 100 : 0, nullptr);
  }
  count.print();
}
