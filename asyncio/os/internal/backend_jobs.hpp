// backend_jobs.hpp: jobs on files whose system calls the loop's backend makes (io/file_call.hpp).
#pragma once
#include <exception>
#include <string>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/os/internal/file_ops.hpp"
#include "asyncio/os/internal/file_steps.hpp"

namespace asyncio::detail {

IoOperation operation_of(FileCall::Kind kind) noexcept;

// One job: a call, and more of it until it is done. Owns all that the kernel works on, and itself.
template <class T>
class BackendJob : public FileCall {
 public:
  using Result = T;

  // Takes the job over.
  static Future<T> begin(std::unique_ptr<BackendJob> job) {
    Loop& loop = get_running_loop();
    job->future_ = loop.create_future<T>();
    Future<T> future = job->future_;
    job->scheduler_ = &loop.scheduler();
    future.state()->set_purpose(FuturePurpose::file);
    if (IoObserver* const observer = loop.backend().observer()) job->start_ = observer->now();
    loop.backend().start(*job);
    ++loop.scheduler().outside_work;  // virtual time must wait
    job.release();
    return future;
  }

  void on_done(std::int64_t result) noexcept final {
    try {
      scheduler_->backend->report(operation_of(kind), fd, result, start_, true);
      if (takes_more(result)) {
        scheduler_->backend->start(*this);
        return;
      }
      if (!future_.done()) finish(future_);
    } catch (...) {
      if (!future_.done()) future_.set_exception(std::current_exception());
    }
    --scheduler_->outside_work;
    delete this;
  }
  void on_backend_closed() noexcept final { delete this; }

  virtual ~BackendJob() = default;

 protected:
  explicit BackendJob(Kind kind) noexcept : FileCall(kind) {}
  // True where the call is to be made again. Throws where the job has failed.
  virtual bool takes_more(std::int64_t result) = 0;
  virtual void finish(Future<T>& future) = 0;

 private:
  Future<T> future_;
  Scheduler* scheduler_ = nullptr;
  std::int64_t start_ = 0;  // where it is recorded
};

class OpenJob final : public BackendJob<OpenFilePtr> {
 public:
  OpenJob(std::string path_of_file, int open_flags, unsigned permissions);

 private:
  bool takes_more(std::int64_t result) override;
  void finish(Future<OpenFilePtr>& future) override { future.set_result(std::move(file_)); }
  std::string path_;
  OpenFilePtr file_;
};

template <class Steps>
using TransferResult = decltype(std::declval<Steps&>().finish());

// Reads or writes, at the file's position.
template <class Steps>
class TransferJob final : public BackendJob<TransferResult<Steps>> {
 public:
  TransferJob(FileCall::Kind kind, Steps steps);

 private:
  bool takes_more(std::int64_t result) override;
  void finish(Future<TransferResult<Steps>>& future) override {
    future.set_result(steps_.finish());
  }
  void aim() noexcept;
  Steps steps_;
};

// fsync and close.
class EndJob final : public BackendJob<void> {
 public:
  EndJob(Kind kind, OpenFilePtr file);

 private:
  bool takes_more(std::int64_t result) override;
  void finish(Future<>& future) override { future.set_result(); }
  OpenFilePtr file_;
};

class StatusJob final : public BackendJob<struct statx> {
 public:
  StatusJob(std::string path_to_ask, int at_flags);

 private:
  bool takes_more(std::int64_t result) override;
  void finish(Future<struct statx>& future) override { future.set_result(status_); }
  std::string path_;
  struct statx status_{};
};

// rename, remove and make_folder.
class PathJob final : public BackendJob<void> {
 public:
  PathJob(Kind kind, std::string from, std::string target);
  PathJob(Kind kind, std::string path_to_change, int at_flags, unsigned permissions);

 private:
  bool takes_more(std::int64_t result) override;
  void finish(Future<>& future) override { future.set_result(); }
  std::string path_;
  std::string to_;
};

}  // namespace asyncio::detail
