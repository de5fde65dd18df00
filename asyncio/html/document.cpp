#include "asyncio/html/document.hpp"

#include <libxml/HTMLparser.h>
#include <libxml/HTMLtree.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/html/internal/css.hpp"
#include "asyncio/html/internal/encoding.hpp"

namespace asyncio::html {

namespace {

constexpr unsigned long kMaxXPathSteps = 10'000'000;
constexpr std::size_t kMaxExpression = 64 * 1024;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
void free_text(xmlChar* text) { xmlFree(text); }
using XmlText = std::unique_ptr<xmlChar, Deleter<free_text>>;
using XPathContext = std::unique_ptr<xmlXPathContext, Deleter<xmlXPathFreeContext>>;
using XPathObject = std::unique_ptr<xmlXPathObject, Deleter<xmlXPathFreeObject>>;
using XPathExpression = std::unique_ptr<xmlXPathCompExpr, Deleter<xmlXPathFreeCompExpr>>;
using ParserContext = std::unique_ptr<htmlParserCtxt, Deleter<htmlFreeParserCtxt>>;

const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }
std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}
bool is_element(const xmlNode* node) { return node->type == XML_ELEMENT_NODE; }
bool is_text(const xmlNode* node) {
  return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}
bool is_named(const xmlNode* node, std::string_view name) {
  return is_element(node) && view(node->name) == name;
}
template <std::size_t N>
bool is_one_of(const xmlNode* node, const std::array<std::string_view, N>& names) {
  return is_element(node) && std::find(names.begin(), names.end(), view(node->name)) != names.end();
}

// The node after `node` in document order below `root`; with `skip_children`, the one after its
// whole subtree. nullptr at the end. Trees are walked so, never by recursion.
xmlNode* next_node(xmlNode* node, const xmlNode* root, bool skip_children = false) {
  const bool may_descend = is_element(node) || node == root;
  if (may_descend && !skip_children && node->children != nullptr) return node->children;
  while (node != root && node->next == nullptr) node = node->parent;
  return node == root ? nullptr : node->next;
}

std::optional<std::string> attribute_of(const xmlNode* node, const char* name) {
  const XmlText value(xmlGetProp(node, xml(name)));
  if (!value) return std::nullopt;
  return std::string(view(value.get()));
}

constexpr std::array<std::string_view, 3> kUnseen = {"script", "style", "template"};
constexpr std::array<std::string_view, 38> kBlocks = {
    "address", "article", "aside",   "blockquote", "body",     "br",         "caption", "dd",
    "details", "div",     "dl",      "dt",         "fieldset", "figcaption", "figure",  "footer",
    "form",    "h1",      "h2",      "h3",         "h4",       "h5",         "h6",      "head",
    "header",  "hr",      "legend",  "li",         "main",     "nav",        "ol",      "option",
    "p",       "pre",     "section", "table",      "tr",       "ul"};

// Joins text as it is shown: runs of blanks become one, none at the ends of lines.
class TextJoiner {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        if (pending_ == '\0') pending_ = ' ';
        continue;
      }
      if (pending_ != '\0' && !out_.empty()) out_ += pending_;
      pending_ = '\0';
      out_ += c;
    }
  }
  void break_with(char separator) {
    if (pending_ != '\n') pending_ = separator;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  char pending_ = '\0';  // What is written before the next character, if one comes.
};

std::string visible_text(xmlNode* root, char block_separator) {
  TextJoiner joiner;
  for (xmlNode* node = root; node != nullptr;) {
    const bool is_unseen = node != root && is_one_of(node, kUnseen);
    if (is_text(node)) {
      joiner.add(view(node->content));
    } else if (is_one_of(node, kBlocks)) {
      joiner.break_with(block_separator);
    } else if (is_named(node, "td") || is_named(node, "th")) {
      joiner.break_with(' ');
    }
    xmlNode* const next = next_node(node, root, is_unseen);
    // Going up out of a block ends its line, too.
    for (const xmlNode* up = node; next != nullptr && up != next->parent && up != root;
         up = up->parent) {
      if (is_one_of(up, kBlocks)) joiner.break_with(block_separator);
    }
    node = next;
  }
  return joiner.take();
}

void ignore_error(void*, xmlErrorPtr) {}
void ignore_message(void*, const char*, ...) {}

// libxml2 prints some errors of XPath through a function that belongs to the whole thread; it is
// put back, since the program may use libxml2 in its own way.
class SilentErrors {
 public:
  SilentErrors() : function_(xmlGenericError), context_(xmlGenericErrorContext) {
    xmlSetGenericErrorFunc(nullptr, ignore_message);
  }
  SilentErrors(const SilentErrors&) = delete;
  SilentErrors& operator=(const SilentErrors&) = delete;
  ~SilentErrors() { xmlSetGenericErrorFunc(context_, function_); }

 private:
  xmlGenericErrorFunc function_;
  void* context_;
};

}  // namespace

struct Node::Tree {
  explicit Tree(xmlDoc* doc) : document(doc) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { xmlFreeDoc(document); }

  xmlDoc* document;
  bool is_truncated = false;
};

// What Node and Document share; it sees the xmlNode behind the handle.
struct Node::Access {
  static xmlNode* raw(const Node& node) { return static_cast<xmlNode*>(node.node_); }

  static XPathObject evaluate(const Node& at, std::string_view expression) {
    if (expression.size() > kMaxExpression || expression.find('\0') != expression.npos) {
      throw ValueError("invalid XPath expression: longer than 64 KiB or with a NUL character");
    }
    const SilentErrors silence;
    const XPathContext context(xmlXPathNewContext(at.tree_->document));
    if (!context) throw std::bad_alloc();
    context->error = ignore_error;
    context->opLimit = kMaxXPathSteps;
    context->node = raw(at);
    const std::string text(expression);
    const XPathExpression compiled(xmlXPathCtxtCompile(context.get(), xml(text.c_str())));
    if (!compiled) refuse(*context, text);
    XPathObject result(xmlXPathCompiledEval(compiled.get(), context.get()));
    if (!result) refuse(*context, text);
    return result;
  }

  [[noreturn]] static void refuse(const xmlXPathContext& context, const std::string& text) {
    const xmlError& error = context.lastError;
    if (error.code == XML_ERR_NO_MEMORY) throw std::bad_alloc();
    std::string why = error.message != nullptr ? error.message : "it cannot be evaluated";
    while (!why.empty() && (why.back() == '\n' || why.back() == ' ')) why.pop_back();
    const auto place = static_cast<std::size_t>(std::max(error.int1, 0));
    throw ValueError("invalid XPath expression: " + why + " at position " + std::to_string(place) +
                     "\n  " + text.substr(0, 200));
  }

  static std::vector<Node> nodes(const Node& at, std::string_view expression) {
    const XPathObject result = evaluate(at, expression);
    if (result->type != XPATH_NODESET) {
      throw ValueError("the XPath expression gives no nodes\n  instead: xpath_strings()");
    }
    std::vector<Node> found;
    if (result->nodesetval == nullptr) return found;
    xmlXPathNodeSetSort(result->nodesetval);
    for (int i = 0; i < result->nodesetval->nodeNr; ++i) {
      xmlNode* const node = result->nodesetval->nodeTab[i];
      if (is_element(node)) found.push_back(Node(at.tree_, node));
    }
    return found;
  }

  static std::vector<std::string> strings(const Node& at, std::string_view expression) {
    const XPathObject result = evaluate(at, expression);
    std::vector<std::string> found;
    if (result->type != XPATH_NODESET) {
      const XmlText text(xmlXPathCastToString(result.get()));
      found.emplace_back(view(text.get()));
      return found;
    }
    if (result->nodesetval == nullptr) return found;
    xmlXPathNodeSetSort(result->nodesetval);
    for (int i = 0; i < result->nodesetval->nodeNr; ++i) {
      const XmlText text(xmlXPathCastNodeToString(result->nodesetval->nodeTab[i]));
      found.emplace_back(view(text.get()));
    }
    return found;
  }

  static std::optional<Node> first(std::vector<Node> found) {
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  }
};

std::string Node::name() const { return std::string(view(Access::raw(*this)->name)); }

std::optional<std::string> Node::attribute(std::string_view name) const {
  return attribute_of(Access::raw(*this), std::string(name).c_str());
}

std::vector<std::pair<std::string, std::string>> Node::attributes() const {
  std::vector<std::pair<std::string, std::string>> out;
  const xmlNode* const node = Access::raw(*this);
  for (const xmlAttr* at = node->properties; at != nullptr; at = at->next) {
    const XmlText value(xmlNodeListGetString(node->doc, at->children, 1));
    out.emplace_back(view(at->name), view(value.get()));
  }
  return out;
}

std::string Node::text() const { return visible_text(Access::raw(*this), ' '); }

std::size_t Node::line() const noexcept { return Access::raw(*this)->line; }

std::vector<Node> Node::css(std::string_view selector) const {
  return Access::nodes(*this, detail::css_to_xpath(selector));
}
std::optional<Node> Node::css_first(std::string_view selector) const {
  return Access::first(css(selector));
}
std::vector<Node> Node::xpath(std::string_view expression) const {
  return Access::nodes(*this, expression);
}
std::vector<std::string> Node::xpath_strings(std::string_view expression) const {
  return Access::strings(*this, expression);
}

Document Document::parse(std::string_view html, std::string_view encoding) {
  if (html.size() > kMaxSize) {
    throw ValueError("HTML document of " + std::to_string(html.size()) +
                     " bytes, more than 64 MiB");
  }
  [[maybe_unused]] static const bool is_initialised = (xmlInitParser(), true);
  const SilentErrors silence;
  std::string storage;
  html = detail::to_utf8(html, encoding, storage);
  // libxml2 ends the document at a NUL; browsers pass over it.
  if (html.find('\0') != html.npos) {
    if (html.data() != storage.data()) storage = html;
    std::replace(storage.begin(), storage.end(), '\0', ' ');
    html = storage;
  }
  const ParserContext context(htmlNewParserCtxt());
  if (!context) throw std::bad_alloc();
  constexpr int kOptions = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                           HTML_PARSE_NONET | HTML_PARSE_COMPACT | HTML_PARSE_IGNORE_ENC;
  xmlDoc* document = htmlCtxtReadMemory(context.get(), html.data(), static_cast<int>(html.size()),
                                        nullptr, "UTF-8", kOptions);
  const bool is_cut = context->lastError.code == XML_ERR_INTERNAL_ERROR || context->disableSAX != 0;
  if (document == nullptr) document = htmlNewDocNoDtD(nullptr, nullptr);  // Nothing but blanks.
  if (document == nullptr) throw std::bad_alloc();
  const auto tree = std::make_shared<Node::Tree>(document);
  tree->is_truncated = is_cut;
  return Document(Node(tree, document));
}

bool Document::is_truncated() const noexcept { return root_.tree_->is_truncated; }

std::string Document::title() const {
  xmlNode* const root = Node::Access::raw(root_);
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root)) {
    if (is_named(node, "title")) return visible_text(node, ' ');
  }
  return {};
}

std::string Document::text() const {
  xmlNode* const root = Node::Access::raw(root_);
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root)) {
    if (is_named(node, "body")) return visible_text(node, '\n');
  }
  return visible_text(root, '\n');
}

std::vector<Link> Document::links() const {
  std::vector<Link> found;
  xmlNode* const root = Node::Access::raw(root_);
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root)) {
    const bool is_anchor = is_named(node, "a");
    const bool is_area = is_named(node, "area");
    if (!is_anchor && !is_area && !is_named(node, "frame") && !is_named(node, "iframe")) continue;
    auto href = attribute_of(node, is_anchor || is_area ? "href" : "src");
    if (!href) continue;
    Link link;
    link.href = std::move(*href);
    link.text = is_anchor ? visible_text(node, ' ')
                          : attribute_of(node, is_area ? "alt" : "title").value_or("");
    link.rel = attribute_of(node, "rel").value_or("");
    link.element = view(node->name);
    found.push_back(std::move(link));
  }
  return found;
}

std::string Document::base_href() const {
  xmlNode* const root = Node::Access::raw(root_);
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root)) {
    if (!is_named(node, "base")) continue;
    if (auto href = attribute_of(node, "href")) return *href;
  }
  return {};
}

std::optional<std::string> Document::meta(std::string_view name) const {
  const std::string wanted(name);
  xmlNode* const root = Node::Access::raw(root_);
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root)) {
    if (!is_named(node, "meta")) continue;
    const auto own = attribute_of(node, "name");
    if (own && xmlStrcasecmp(xml(own->c_str()), xml(wanted.c_str())) == 0) {
      return attribute_of(node, "content").value_or("");
    }
  }
  return std::nullopt;
}

std::vector<Node> Document::css(std::string_view selector) const { return root_.css(selector); }
std::optional<Node> Document::css_first(std::string_view selector) const {
  return root_.css_first(selector);
}
std::vector<Node> Document::xpath(std::string_view expression) const {
  return root_.xpath(expression);
}
std::vector<std::string> Document::xpath_strings(std::string_view expression) const {
  return root_.xpath_strings(expression);
}

std::string repr(const Node& node) {
  std::string out = "<Node " + node.name();
  if (const auto id = node.attribute("id")) out += "#" + *id;
  if (auto classes = node.attribute("class")) {
    std::replace(classes->begin(), classes->end(), ' ', '.');
    out += "." + *classes;
  }
  return out + ">";
}

std::string repr(const Document& document) { return "<Document '" + document.title() + "'>"; }

}  // namespace asyncio::html
