// recorder.hpp: Recorder, which writes down the steps, waits and operations of one loop while
// somebody records the process (`asyncio trace`). What it writes is in recording.hpp.
//
// It is switched on from outside: the reader sets `wanted` in the registry, where each loop looks
// whenever it has looked at the kernel. Then it sets Scheduler::watched, which every step looks at
// anyway, so that a loop that nobody records pays nothing.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/futures.hpp"
#include "asyncio/core/recording.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {

class SharedRecording;

class Recorder final : public IoObserver {
 public:
  // True once somebody wants this process recorded.
  static bool is_wanted() noexcept;
  // ASYNCIO_TRACE asks for it from the first loop on.
  static bool is_wanted_by_environment() noexcept;
  // Null where it cannot be: the registry then says why.
  static std::unique_ptr<Recorder> start(Scheduler& scheduler) noexcept;

  Recorder(Scheduler& scheduler, std::shared_ptr<SharedRecording> shared, std::byte* ring);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder();

  // The reader is gone, or has enough.
  bool is_over() const noexcept { return is_over_; }

  // One step of the loop, from construction to destruction.
  class Step {
   public:
    Step(Recorder& recorder, Node& node) noexcept;
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step();

   private:
    Recorder& recorder_;
    StatePtr<TaskBase> task_;
    std::uint16_t label_ = 0;
    std::uint32_t id_ = 0;
    std::int64_t start_ = 0;
  };

  std::int64_t now() noexcept override { return clock_.now().time_since_epoch().count(); }
  void operated(IoOperation operation, int fd, std::int64_t result, std::int64_t start,
                bool aside) noexcept override;

 private:
  // What is known of a class of nodes, by its virtual table.
  struct Class {
    const void* table = nullptr;
    const WaitKind* kind = nullptr;
    bool is_task = false;
    std::uint16_t name = 0;
  };
  struct KnownLabel {
    const void* key = nullptr;
    std::uint16_t id = 0;
  };
  struct KnownStack {
    const void* place = nullptr;
    std::uint32_t parent = 0;
    std::uint32_t id = 0;
  };
  static constexpr std::size_t kCached = 256;
  static constexpr std::size_t kStacks = std::size_t{1} << 14;

  Class& class_of(const Node& node);
  std::uint16_t name_of(const Node& node);  // of a callback
  std::uint32_t id_of(TaskBase& task);
  std::uint32_t stack_of(const TaskBase& task);
  std::uint32_t stack_below(std::uint32_t parent, const std::source_location& where);
  std::uint32_t place_of(const void* key, const std::source_location& where);
  std::uint16_t wait_of(const TaskBase& task, std::uint32_t& awaited);
  template <class Text>
  std::uint16_t label_of(const void* key, Text text);
  std::uint16_t define_label(const void* key, const std::string& text);

  void write(const Record& record) noexcept;
  void write_text(std::string_view text) noexcept;
  void publish() noexcept;
  bool define(const Record& record, std::initializer_list<std::string_view> texts) noexcept;

  Scheduler& scheduler_;
  std::shared_ptr<SharedRecording> shared_;
  std::byte* const ring_;
  FastClock clock_;
  bool is_over_ = false;
  std::uint64_t written_ = 0;
  std::uint64_t defined_ = 0;
  std::uint32_t last_task_ = 0;
  std::array<Class, kCached> classes_{};
  std::array<KnownLabel, kCached> label_cache_{};
  std::vector<KnownStack> stacks_;                         // open addressing
  std::unordered_map<const void*, std::uint16_t> labels_;  // by text, or by virtual table
  std::unordered_map<const void*, std::uint32_t> places_;
  std::unordered_map<const TaskBase*, std::uint32_t> tasks_;
};

}  // namespace asyncio::detail
