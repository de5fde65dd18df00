#include "asyncio/html/internal/css.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/html/document.hpp"

namespace asyncio::detail {
namespace {

// A page whose elements have ids in document order; the answer is the ids that match.
constexpr std::string_view kPage = R"(<html id=html><body id=body>
  <div id=a class="box wide"><p id=b lang=en-GB>1</p><p id=c class=" red  big ">2</p>text
    <p id=d title="it's">3</p></div>
  <ul id=e><li id=f>1</li><li id=g class=red>2</li><li id=h>3<i id=i></i></li><li id=j>4</li>
    <li id=k>5</li></ul>
  <a id=l href="http://x.org/a.pdf">x</a><my-tag id=m data-x='say "it&#39;s"'></my-tag>
  <p id="1n" class="a:b">n</p></body></html>)";

std::string found(std::string_view selector) {
  static const auto page = html::Document::parse(kPage, "utf-8");
  std::string out;
  for (const html::Node& node : page.css(selector)) {
    if (!out.empty()) out += ' ';
    out += node.attribute("id").value_or("-");
  }
  return out;
}

TEST(Css, simple_selectors_match_tag_class_and_id) {
  EXPECT_EQ(found("p"), "b c d 1n");
  EXPECT_EQ(found("P"), "b c d 1n");
  EXPECT_EQ(found(".red"), "c g");
  EXPECT_EQ(found("p.red.big"), "c");
  EXPECT_EQ(found(".bo"), "");
  EXPECT_EQ(found("#g"), "g");
  EXPECT_EQ(found("li#g.red"), "g");
  EXPECT_EQ(found("p#g"), "");
  EXPECT_EQ(found("my-tag"), "m");
  EXPECT_EQ(found("ul *"), "f g h i j k");
  EXPECT_EQ(found(".RED"), "");
}

TEST(Css, attributes_match_by_presence_and_value) {
  EXPECT_EQ(found("[title]"), "d");
  EXPECT_EQ(found("[ LANG = 'en-GB' ]"), "b");
  EXPECT_EQ(found("[lang=en]"), "");
  EXPECT_EQ(found("[lang|=en]"), "b");
  EXPECT_EQ(found("[href^='http:']"), "l");
  EXPECT_EQ(found("[href$=\".pdf\"]"), "l");
  EXPECT_EQ(found("[href$='a.pdf.pdf']"), "");
  EXPECT_EQ(found("[href*=x\\.org]"), "l");
  EXPECT_EQ(found("[class~=red]"), "c g");
  EXPECT_EQ(found("[class~='red big']"), "");
  EXPECT_EQ(found("div[class][id=a]"), "a");
}

TEST(Css, an_empty_value_is_found_inside_nothing) {
  EXPECT_EQ(found("[href^='']"), "");
  EXPECT_EQ(found("[href$='']"), "");
  EXPECT_EQ(found("[href*='']"), "");
  EXPECT_EQ(found("[class~='']"), "");
}

// XPath has no escapes; without care a quote would end the string and begin an expression.
TEST(Css, quotes_in_values_stay_text) {
  EXPECT_EQ(found(R"([title="it's"])"), "d");
  EXPECT_EQ(found(R"([data-x='say "it\'s"'])"), "m");
  EXPECT_EQ(found(R"([title="x'] | //p | //a[@id='"])"), "");
  EXPECT_EQ(found(R"([data-x="'\"'"])"), "");
}

TEST(Css, escapes_name_what_could_not_be_written) {
  EXPECT_EQ(found(".a\\:b"), "1n");
  EXPECT_EQ(found("#\\31 n"), "1n");
  EXPECT_EQ(found("#\\000031n"), "1n");
  EXPECT_EQ(found("#1n"), "1n");
  EXPECT_EQ(found("\\70"), "b c d 1n");
  EXPECT_EQ(found("\\15 n"), "");
}

TEST(Css, combinators_follow_the_tree) {
  EXPECT_EQ(found("div p"), "b c d");
  EXPECT_EQ(found("body > p"), "1n");
  EXPECT_EQ(found("ul i"), "i");
  EXPECT_EQ(found("ul>i"), "");
  EXPECT_EQ(found("#b + p"), "c");
  EXPECT_EQ(found("#b+#d"), "");
  EXPECT_EQ(found("#b ~ p"), "c d");
  EXPECT_EQ(found("div ~ a"), "l");
  EXPECT_EQ(found("div + ul > li + li.red"), "g");
  EXPECT_EQ(found(" \n div  >\tp "), "b c d");
}

TEST(Css, a_group_gives_each_element_once_in_document_order) {
  EXPECT_EQ(found("a, #b,p:first-child , .red"), "b c g l");
}

TEST(Css, pseudo_classes_count_children) {
  EXPECT_EQ(found("p:first-child"), "b");
  EXPECT_EQ(found("li:last-child"), "k");
  EXPECT_EQ(found("i:only-child"), "i");
  EXPECT_EQ(found("li:nth-child(odd)"), "f h k");
  EXPECT_EQ(found("li:nth-child(even)"), "g j");
  EXPECT_EQ(found("li:nth-child(2)"), "g");
  EXPECT_EQ(found("li:nth-child( 2n + 1 )"), "f h k");
  EXPECT_EQ(found("li:nth-child(3n-1)"), "g k");
  EXPECT_EQ(found("li:nth-child(-n+2)"), "f g");
  EXPECT_EQ(found("li:nth-child(-2n+5)"), "f h k");
  EXPECT_EQ(found("li:nth-child(n)"), "f g h j k");
  EXPECT_EQ(found("li:nth-child(n+4)"), "j k");
  EXPECT_EQ(found("li:nth-child(0)"), "");
  EXPECT_EQ(found("li:nth-child(99999999999)"), "");
  EXPECT_EQ(found("li:nth-last-child(2)"), "j");
  EXPECT_EQ(found(":empty"), "i m");
  EXPECT_EQ(found(":root"), "html");
}

TEST(Css, not_takes_simple_selectors_and_lists_of_them) {
  EXPECT_EQ(found("li:not(.red)"), "f h j k");
  EXPECT_EQ(found("p:not([title]):not(:first-child)"), "c 1n");
  EXPECT_EQ(found("li:not(:first-child, .red , :last-child)"), "h j");
  EXPECT_EQ(found("div :not(p)"), "");
  EXPECT_EQ(found("li:not(*)"), "");
}

TEST(Css, an_error_shows_its_place) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "a selector is missing at position 0"},
      {"  ", "a selector is missing at position 2"},
      {"a,", "a selector is missing at position 2"},
      {"a >", "a selector is missing at position 3"},
      {"> a", "unexpected character at position 0"},
      {"a > > b", "unexpected character at position 4"},
      {"a)", "unexpected character at position 1"},
      {".", "expected a name at position 1"},
      {".1", "expected a name at position 1"},
      {"[", "expected a name at position 1"},
      {"[a", "expected = or ] at position 2"},
      {"[a!=b]", "expected = or ] at position 2"},
      {"[a=b", "expected ] at position 4"},
      {"[a='b]", "this string does not end at position 3"},
      {"[a=b i]", "expected ] at position 5"},
      {"a:hover", "this pseudo-class is not known at position 2"},
      {"a::before", "expected a name at position 2"},
      {":nth-child", "expected ( at position 10"},
      {":nth-child(x)", "expected odd, even or a number such as 2n+1 at position 11"},
      {":nth-child(2n+)", "expected a number at position 14"},
      {":not(a b)", "expected ) at position 7"},
      {":not(:not(a))", ":not() inside :not() at position 6"},
      {"a\\", "nothing follows the backslash at position 2"},
      {std::string("a\0b", 3), "control character at position 1"},
      {"[a='\x01']", "control character at position 4"},
      {"a\xff", "the selector is not UTF-8 text at position 0"},
      {std::string(5000, 'a'), "longer than 4096 bytes at position 4096"}};

  for (const auto& [selector, message] : cases) {
    try {
      css_to_xpath(selector);
      ADD_FAILURE() << selector;
    } catch (const ValueError& error) {
      EXPECT_NE(std::string(error.what()).find(message + "\n"), std::string::npos) << error.what();
    }
  }
  try {
    css_to_xpath("a > > b");
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(),
                 "invalid CSS selector: unexpected character at position 4\n"
                 "  a > > b\n"
                 "      ^");
  }
}

}  // namespace
}  // namespace asyncio::detail
