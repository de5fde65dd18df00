#include <asyncio/http/url.hpp>
#include <cstdio>

int main() {
  auto page = asyncio::http::Url::parse("http://127.0.0.1:8080/a");
  if (page.resolve("../b").str() == "http://127.0.0.1:8080/b") std::puts("http works");
}
