#include <asyncio/html/document.hpp>
#include <cstdio>

int main() {
  auto page = asyncio::html::Document::parse("<title>html works</title>", "utf-8");
  std::puts(page.title().c_str());
}
