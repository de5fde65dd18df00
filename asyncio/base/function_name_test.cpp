#include "asyncio/base/function_name.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

TEST(FunctionName, has_neither_result_nor_parameters_nor_namespaces) {
  EXPECT_EQ(short_function_name("asyncio::Coro<> (anonymous namespace)::app::main(int)"), "main");
  EXPECT_EQ(short_function_name("asyncio::Coro<> deepest()"), "deepest");
  EXPECT_EQ(short_function_name("main"), "main");
}

TEST(FunctionName, keeps_the_class_of_a_member_function) {
  EXPECT_EQ(
      short_function_name("asyncio::Coro<bool> asyncio::TaskGroup::aexit(std::exception_ptr)"),
      "TaskGroup::aexit");
  EXPECT_EQ(short_function_name("Coro<int> app::Table<int, char>::find(Key) const"), "Table::find");
}

TEST(FunctionName, of_a_template_is_without_its_arguments) {
  EXPECT_EQ(short_function_name("Coro<T> asyncio::with(M, B) [M = TaskGroup, B = (lambda at x)]"),
            "with");
  EXPECT_EQ(short_function_name("Coro<> run<std::pair<int, int> >(int (*)(int))"), "run");
}

TEST(FunctionName, of_a_lambda_says_so) {
  EXPECT_EQ(short_function_name("auto main()::(anonymous class)::operator()(int) const"),
            "<lambda>");
}

TEST(FunctionName, of_garbage_is_some_text) {
  for (const char* text :
       {"", "(", ")", "((", "))", "::", ":", ">", "<>", "operator()", " [", "a::"})
    EXPECT_LE(short_function_name(text).size(), 16u) << text;
}

}  // namespace
}  // namespace asyncio::detail
