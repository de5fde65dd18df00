// document.hpp: Document and Node, HTML as it is found in the wild, and questions about it.
//
//   auto page = html::Document::parse(body, "utf-8");
//   page.title();                                        // "Example Domain"
//   for (const html::Node& row : page.css("table#prices tr:nth-child(odd) > td.name"))
//     row.text();
//   for (const html::Link& link : page.links()) link.href;      // as written, see base_href()
//
// The parser is libxml2's: it repairs what is broken, fetches nothing, expands no entities of the
// document's own, prints nothing. CSS selectors are translated to XPath (internal/css.hpp).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asyncio::html {

// One element. A small handle; it keeps the whole document alive.
//
// Threads: as its document, used by one thread at a time.
class Node {
 public:
  std::string name() const;  // "a", in small letters.
  std::optional<std::string> attribute(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> attributes() const;  // In document order.
  // What a reader sees, in one line: blanks joined, no scripts and styles.
  std::string text() const;
  std::size_t line() const noexcept;  // Where it began in the source; 65535 for all beyond.

  // As those of Document, below this node.
  std::vector<Node> css(std::string_view selector) const;
  std::optional<Node> css_first(std::string_view selector) const;
  std::vector<Node> xpath(std::string_view expression) const;
  std::vector<std::string> xpath_strings(std::string_view expression) const;

  friend bool operator==(const Node& a, const Node& b) noexcept { return a.node_ == b.node_; }

 private:
  friend class Document;
  struct Access;
  struct Tree;
  Node(std::shared_ptr<const Tree> tree, void* node) : tree_(std::move(tree)), node_(node) {}

  std::shared_ptr<const Tree> tree_;
  void* node_;  // An xmlNode of tree_; its document node in Document.
};

// Where a page leads: href of <a> and <area>, src of <frame> and <iframe>.
struct Link {
  std::string href;     // As written, character references decoded. Relative to base_href().
  std::string text;     // Of <a>, as Node::text(); alt of <area>, title of frames.
  std::string rel;      // "nofollow noopener"
  std::string element;  // "a", "area", "frame", "iframe"
};

// A parsed page. Copies share the tree.
//
// Threads: used by one thread at a time, whichever; different documents at the same time are fine.
class Document {
 public:
  static constexpr std::size_t kMaxSize = 64 * 1024 * 1024;  // Bytes.

  // `encoding` is what the transport said (charset of Content-Type). A byte order mark is believed
  // before it; without both, <meta charset>, then UTF-8 where the bytes are that, then
  // windows-1252. Never fails for malformed HTML; ValueError where it is larger than kMaxSize.
  static Document parse(std::string_view html, std::string_view encoding = {});

  std::string title() const;        // Of the first <title>, blanks joined; empty without one.
  std::string text() const;         // What a reader sees; blocks on lines of their own.
  std::vector<Link> links() const;  // In document order.
  // The href of the first <base>, as written, or empty. Links are relative to it:
  //   auto base = page_url.resolve_link(page.base_href()).value_or(page_url);
  //   auto target = base.resolve_link(link.href);
  std::string base_href() const;
  // The content of <meta name="..."> in any case: meta("robots") is "noindex, nofollow".
  std::optional<std::string> meta(std::string_view name) const;
  // Nested deeper than 256 elements: what lies beyond is missing.
  bool is_truncated() const noexcept;

  // The elements that match, in document order. Understood: tag, *, .class, #id, [a], [a=v] and
  // the operators ^= $= *= ~= |=, descendant, >, +, ~, comma, :first-child, :last-child,
  // :only-child, :nth-child(), :nth-last-child(), :empty, :root, :not(). ValueError, with the
  // position, for anything else.
  std::vector<Node> css(std::string_view selector) const;
  std::optional<Node> css_first(std::string_view selector) const;
  // XPath 1.0. The elements of a node set, in document order; ValueError for a malformed
  // expression, one whose value is no node set, and one that takes more than 10 million steps.
  std::vector<Node> xpath(std::string_view expression) const;
  // The string value of each node ("//a/@href"), or of the one number, string or boolean.
  std::vector<std::string> xpath_strings(std::string_view expression) const;

 private:
  explicit Document(Node root) : root_(std::move(root)) {}
  Node root_;  // The document node.
};

std::string repr(const Node& node);          // "<Node div#main.wide>"
std::string repr(const Document& document);  // "<Document 'Example Domain'>"

}  // namespace asyncio::html
