#include "asyncio/html/document.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/base/errors.hpp"

namespace asyncio::html {
namespace {

using namespace std::string_view_literals;

std::string ids(const std::vector<Node>& nodes) {
  std::string out;
  for (const Node& node : nodes) {
    if (!out.empty()) out += ' ';
    out += node.attribute("id").value_or("-");
  }
  return out;
}

std::string repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(Document, the_title_is_the_first_one_with_blanks_joined) {
  EXPECT_EQ(Document::parse("<title> A\n  &amp; B&eacute;</title><title>C</title>").title(),
            "A & B\xc3\xa9");
  EXPECT_EQ(Document::parse("<p>no title").title(), "");
  EXPECT_EQ(Document::parse("<TITLE>x").title(), "x");
  EXPECT_EQ(Document::parse("").title(), "");
}

TEST(Document, links_are_what_a_visitor_can_follow) {
  const auto page = Document::parse(R"(
      <link href="style.css"><img src="i.png"><script src="s.js"></script>
      <a href=" a.html " rel="nofollow">to <b>a</b></a> <A HREF="b?x=1&amp;y=2">B</A>
      <a name="anchor">no link</a> <a href="">here</a>
      <map><area href="c" alt="see c"></map> <iframe src="d" title="inner"></iframe>
      <form action="e"></form>)");

  const auto links = page.links();

  ASSERT_EQ(links.size(), 5u);
  EXPECT_EQ(links[0].href, " a.html ");
  EXPECT_EQ(links[0].text, "to a");
  EXPECT_EQ(links[0].rel, "nofollow");
  EXPECT_EQ(links[1].href, "b?x=1&y=2");
  EXPECT_EQ(links[2].href, "");
  EXPECT_EQ(links[3].href, "c");
  EXPECT_EQ(links[3].text, "see c");
  EXPECT_EQ(links[3].element, "area");
  EXPECT_EQ(links[4].href, "d");
  EXPECT_EQ(links[4].text, "inner");
}

TEST(Document, links_of_a_frameset_are_found) {
  const auto page = Document::parse("<frameset><frame src=a><frame src=b></frameset>");

  ASSERT_EQ(page.links().size(), 2u);
  EXPECT_EQ(page.links()[1].href, "b");
}

TEST(Document, the_first_base_with_a_href_counts) {
  const auto page = Document::parse("<base target=x><base href='/one/'><base href='/two/'>");

  EXPECT_EQ(page.base_href(), "/one/");
  EXPECT_EQ(Document::parse("<a href=x>").base_href(), "");
}

TEST(Document, meta_is_found_in_any_case) {
  const auto page = Document::parse("<META NAME=Robots CONTENT='noindex, nofollow'><meta name=x>");

  EXPECT_EQ(page.meta("robots"), "noindex, nofollow");
  EXPECT_EQ(page.meta("x"), "");
  EXPECT_EQ(page.meta("y"), std::nullopt);
}

TEST(Document, text_is_what_a_reader_sees) {
  const auto page = Document::parse(
      "<title>T</title><style>p{}</style><body><h1>Head</h1>\n<p>One\n  <b>two</b>three</p>after"
      "<script>x()</script><ul><li>a<li>b</ul><table><tr><td>1</td><td>2</td></tr></table>"
      "end<br>line");

  EXPECT_EQ(page.text(), "Head\nOne twothree\nafter\na\nb\n1 2\nend\nline");
  EXPECT_EQ(page.css_first("p")->text(), "One twothree");
  EXPECT_EQ(page.css_first("ul")->text(), "a b");
}

TEST(Document, an_element_knows_its_name_attributes_and_place) {
  const auto page = Document::parse("<p>\n\n<INPUT Type=text VALUE='a &lt; b' disabled data-x=1>");
  const Node input = page.css_first("input").value();

  EXPECT_EQ(input.name(), "input");
  EXPECT_EQ(input.attribute("value"), "a < b");
  EXPECT_EQ(input.attribute("VALUE"), std::nullopt);
  EXPECT_TRUE(input.attribute("disabled").has_value());
  ASSERT_EQ(input.attributes().size(), 4u);
  EXPECT_EQ(input.attributes()[3], (std::pair<std::string, std::string>("data-x", "1")));
  EXPECT_EQ(input.line(), 3u);
}

TEST(Document, a_node_outlives_its_document) {
  const auto find = [] { return Document::parse("<p id=x>text</p>").css_first("p").value(); };

  EXPECT_EQ(find().text(), "text");
}

TEST(Document, searches_from_a_node_stay_below_it) {
  const auto page = Document::parse("<div id=a><p id=b><i id=c></i></p></div><p id=d></p>");
  const Node div = page.css_first("#a").value();

  EXPECT_EQ(ids(div.css("p, i, div")), "b c");
  EXPECT_EQ(ids(div.xpath("p")), "b");
  EXPECT_EQ(div.css_first("#d"), std::nullopt);
}

TEST(Document, xpath_gives_elements_or_strings) {
  const auto page = Document::parse("<p id=a>1</p><p id=b>2</p>");

  EXPECT_EQ(ids(page.xpath("//p[. = '2']")), "b");
  EXPECT_EQ(page.xpath_strings("//p/@id"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(page.xpath_strings("count(//p)"), (std::vector<std::string>{"2"}));
  EXPECT_EQ(page.xpath_strings("//nothing"), std::vector<std::string>{});
}

TEST(Document, a_bad_xpath_is_refused_with_its_place) {
  const auto page = Document::parse("<p>");

  try {
    page.xpath("//p[");
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("at position 4\n  //p["), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(page.xpath("count(//p)"), ValueError);
  EXPECT_THROW(page.xpath("unknown()"), ValueError);
  EXPECT_THROW(page.xpath("$x"), ValueError);
  EXPECT_THROW(page.xpath(""), ValueError);
  EXPECT_THROW(page.xpath("//p\0"sv), ValueError);
  EXPECT_THROW(page.xpath(repeated("(", 50'000)), ValueError);
  EXPECT_THROW(page.xpath(repeated("a/", 50'000)), ValueError);
}

TEST(Document, the_transport_says_the_encoding_before_the_document_does) {
  const std::string latin = "<title>\xe9</title>";
  const std::string utf8 = "<title>\xc3\xa9</title>";

  EXPECT_EQ(Document::parse(latin, "ISO-8859-1").title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse(utf8, "utf-8").title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse("<title>\x80</title>", "windows-1252").title(), "\xe2\x82\xac");
  EXPECT_EQ(Document::parse("<meta charset=utf-8>" + utf8).title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse("<meta charset=iso-8859-1>" + latin).title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse("\xef\xbb\xbf" + utf8).title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse(utf8).title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse(latin).title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse(utf8, "no-such-encoding").title(), "\xc3\xa9");
  EXPECT_EQ(Document::parse(utf8, "\"\n").title(), "\xc3\xa9");
}

// libxml2 would stop at such a byte, and the links behind it would be lost.
TEST(Document, a_byte_that_is_no_text_does_not_end_the_document) {
  for (const char* encoding : {"", "utf-8", "shift_jis", "windows-1252", "utf-16"}) {
    const auto page = Document::parse(
        "<p>a\xff\x81"
        "b</p><a href=x>y</a>",
        encoding);
    EXPECT_EQ(page.links().size(), std::string_view(encoding) == "utf-16" ? 0u : 1u) << encoding;
  }
}

TEST(Document, nothing_is_printed_whatever_is_asked) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();

  const auto page = Document::parse("<p>\xff&bad;<x:y z:='1'></b><!DOCTYPE x><", "utf-8");
  for (const char* expression : {"unknown()", "$x", "a:b", "a:f()", "$a:b", "//p[", "1 div 0"}) {
    try {
      page.xpath(expression);
    } catch (const ValueError&) {}
  }

  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(Document, broken_html_is_repaired_as_well_as_it_can_be) {
  const auto page = Document::parse("<p id=a><b>x<p id=b>y</i></div><a href=z>w</p");

  EXPECT_EQ(ids(page.css("p")), "a b");
  EXPECT_EQ(page.links().size(), 1u);
  for (const std::string_view text :
       {"<"sv, "</"sv, "<!"sv, "<!--"sv, "<a"sv, "<a href="sv, "<a href='"sv, "&"sv, "&#"sv,
        "&#x110000;"sv, "<![CDATA["sv, "<?"sv, "\0"sv, "\xff\xfe"sv, " "sv, "<html"sv}) {
    EXPECT_NO_THROW(Document::parse(text).text()) << text;
  }
}

TEST(Document, a_nul_does_not_end_the_document) {
  EXPECT_EQ(Document::parse("<p>a\0b<title>t</title>"sv).title(), "t");
}

// Files of the machine must not appear in a page, nor requests be made for it.
TEST(Document, no_entity_of_the_documents_own_is_expanded) {
  const auto page = Document::parse(
      "<!DOCTYPE html [<!ENTITY file SYSTEM 'file:///etc/hostname'><!ENTITY a 'xxxxxxxxxx'>"
      "<!ENTITY b '&a;&a;&a;&a;&a;&a;'>]><p>&file;&b;</p>");

  EXPECT_TRUE(page.text().ends_with("&file;&b;")) << page.text();
}

TEST(Document, deep_nesting_is_cut_and_said_so) {
  const auto page = Document::parse("<title>t</title>" + repeated("<div>", 100'000) + "x");

  EXPECT_TRUE(page.is_truncated());
  EXPECT_EQ(page.title(), "t");
  EXPECT_LE(page.css("div").size(), 256u);
  EXPECT_FALSE(Document::parse("<p>" + repeated("<b></b>", 100'000)).is_truncated());
}

TEST(Document, a_search_that_takes_too_long_is_stopped) {
  const auto page = Document::parse(repeated("<p>", 20'000));

  EXPECT_THROW(page.css("p:nth-child(3n+1):nth-last-child(2)"), ValueError);
}

TEST(Document, a_document_that_is_too_large_is_refused) {
  EXPECT_THROW(Document::parse(std::string(Document::kMaxSize + 1, ' ')), ValueError);
}

TEST(Document, repr_names_what_it_is) {
  const auto page = Document::parse("<title>T</title><div id=main class='wide red'></div>");

  EXPECT_EQ(repr(page), "<Document 'T'>");
  EXPECT_EQ(repr(page.css_first("div").value()), "<Node div#main.wide.red>");
}

}  // namespace
}  // namespace asyncio::html
