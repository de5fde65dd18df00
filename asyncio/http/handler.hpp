// handler.hpp: Handler, the coroutine function that answers requests.
//
//   server.route("/", [](http::Request) -> Coro<http::Response> {
//     co_return http::Response::text("hello\n");
//   });
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "asyncio/core/coroutines.hpp"
#include "asyncio/http/messages.hpp"

namespace asyncio::http {

// Copies share one callable. A coroutine refers to what its lambda captured: the server keeps both
// while one of its connections is open.
// Not a std::function: what returns coroutines must say so, for the compiler's lifetime checks.
class Handler {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Handler> &&
             std::same_as<std::invoke_result_t<std::decay_t<F>&, Request>, Coro<Response>>)
  Handler(F&& function)  // NOLINT: implicit, as a function argument is
      : model_(std::make_shared<Model<std::decay_t<F>>>(std::forward<F>(function))) {}

  ASYNCIO_CORO_WRAPPER Coro<Response> operator()(Request request) const {
    return model_->call(std::move(request));
  }

 private:
  class Concept {
   public:
    Concept() = default;
    Concept(const Concept&) = delete;
    Concept& operator=(const Concept&) = delete;
    virtual ~Concept() = default;
    ASYNCIO_CORO_WRAPPER virtual Coro<Response> call(Request request) = 0;
  };
  template <class F>
  class Model final : public Concept {
   public:
    template <class G>
    explicit Model(G&& function) : function_(std::forward<G>(function)) {}
    ASYNCIO_CORO_WRAPPER Coro<Response> call(Request request) override {
      return function_(std::move(request));
    }

   private:
    F function_;
  };

  std::shared_ptr<Concept> model_;
};

}  // namespace asyncio::http
