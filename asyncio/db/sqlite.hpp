// sqlite.hpp: Sqlite, a database file whose work is done on a thread of its own.
//
//   db::Sqlite file = co_await db::Sqlite::open("pages.db");
//   co_await file.execute("INSERT INTO pages (url, status) VALUES (?, ?)", {"http://a/", 200});
//   db::Rows rows = co_await file.query("SELECT url FROM pages WHERE status = ?", {200});
//   for (const db::Row& row : rows) row.text(0);
//   co_await file.transaction([](db::SqliteSession& session) {   // on the database's thread
//     session.execute("DELETE FROM pages WHERE status = ?", {404});
//   });                                                          // committed, or rolled back
//   co_await file.close();
//
// SQLite blocks on the disk and on locks; its thread may, the loop never does. Statements are kept
// prepared. Values always travel as parameters, never inside the SQL.
#pragma once
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "asyncio/core/coroutines.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio::db {

// What the database refused, with its own words, its code and the statement.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const noexcept { return code_; }  // SQLite's extended result code.

 private:
  int code_;
};
// A rule of the schema: UNIQUE, NOT NULL, CHECK, a foreign key.
struct IntegrityError : Error {
  using Error::Error;
};

struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};

// NULL, INTEGER, REAL, TEXT or BLOB.
class Value : public std::variant<std::monostate, std::int64_t, double, std::string, Blob> {
 public:
  Value() = default;
  Value(std::nullptr_t) {}  // NOLINT: implicit, as are all values
  template <std::integral I>
  Value(I value) : variant(static_cast<std::int64_t>(value)) {}  // NOLINT
  Value(double value) : variant(value) {}                        // NOLINT
  Value(std::string text) : variant(std::move(text)) {}          // NOLINT
  Value(const char* text) : variant(std::string(text)) {}        // NOLINT
  Value(std::string_view text) : variant(std::string(text)) {}   // NOLINT
  Value(Blob blob) : variant(std::move(blob)) {}                 // NOLINT
  template <class T>
  Value(std::optional<T> value) {  // NOLINT
    if (value) *this = Value(std::move(*value));
  }
  bool is_null() const noexcept { return index() == 0; }
};
using Values = std::vector<Value>;

// Throws ValueError where the column holds another type, or is not there.
class Row {
 public:
  explicit Row(Values values) : values_(std::move(values)) {}
  std::int64_t integer(std::size_t column) const;
  double real(std::size_t column) const;  // An INTEGER will do, too.
  const std::string& text(std::size_t column) const;
  bool is_null(std::size_t column) const { return at(column).is_null(); }
  const Value& at(std::size_t column) const;
  std::size_t size() const noexcept { return values_.size(); }

 private:
  Values values_;
};

struct Rows {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  bool empty() const noexcept { return rows.empty(); }
  std::size_t size() const noexcept { return rows.size(); }
  const Row& operator[](std::size_t index) const { return rows.at(index); }
  auto begin() const { return rows.begin(); }
  auto end() const { return rows.end(); }
};

// The connection as work on the database's thread sees it; every call blocks that thread.
class SqliteSession {
 public:
  struct Handle;  // sqlite3 and its statements
  explicit SqliteSession(Handle& handle) noexcept : handle_(&handle) {}

  // One statement; gives the number of changed rows. Throws Error.
  std::int64_t execute(const std::string& sql, const Values& values = {});
  Rows query(const std::string& sql, const Values& values = {});
  // Several statements without parameters, separated by ";".
  void script(const std::string& sql);
  std::int64_t last_row_id() const noexcept;

 private:
  Handle* handle_;
};

struct SqliteOptions {
  std::chrono::milliseconds busy_timeout = std::chrono::seconds(5);  // For another's lock.
  bool read_only = false;
  bool write_ahead_log = true;  // Readers do not wait for the writer.
};

// Order:        what is asked for is done in that order, one after the other.
// Cancellation: drops the result; what was begun is finished on the thread.
// Threads:      used from one loop's thread; works on a thread of its own.
// Lifetime:     movable; the destructor waits for the thread's current work.
class Sqlite {
 public:
  // Makes the file where there is none. ":memory:" lives as long as the object. Throws Error.
  static Coro<Sqlite> open(std::string path, SqliteOptions options = {});
  Sqlite(Sqlite&&) noexcept;
  Sqlite& operator=(Sqlite&&) noexcept;
  ~Sqlite();

  Coro<std::int64_t> execute(std::string sql, Values values = {});
  Coro<Rows> query(std::string sql, Values values = {});
  Coro<> script(std::string sql);

  // function(session) on the database's thread, between BEGIN and COMMIT; where it throws, ROLLBACK
  // and the exception. Nobody else's statement comes in between. What it refers to must outlive it.
  template <class F>
    requires std::invocable<F&, SqliteSession&>
  Coro<std::invoke_result_t<F&, SqliteSession&>> transaction(F function) {
    std::shared_ptr<SqliteSession::Handle> handle = opened();
    co_return co_await get_running_loop().run_in_executor(
        thread(), [handle, function = std::move(function)]() mutable {
          SqliteSession session(*handle);
          Transaction scope(session);
          if constexpr (std::is_void_v<std::invoke_result_t<F&, SqliteSession&>>) {
            function(session);
            scope.commit();
          } else {
            auto result = function(session);
            scope.commit();
            return result;
          }
        });
  }

  // Waits for what was asked for before. Further calls throw RuntimeError.
  Coro<> close();
  Coro<> aenter();
  Coro<bool> aexit(std::exception_ptr error);
  bool is_closed() const noexcept { return handle_ == nullptr; }
  std::string repr() const;

 private:
  class Transaction {
   public:
    explicit Transaction(SqliteSession& session);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit();

   private:
    SqliteSession& session_;
    bool is_open_ = true;
  };

  Sqlite(std::shared_ptr<SqliteSession::Handle> handle,
         std::shared_ptr<ThreadPoolExecutor> executor, std::string path);
  const std::shared_ptr<SqliteSession::Handle>& opened() const;
  ThreadPoolExecutor& thread() const noexcept { return *thread_; }

  std::shared_ptr<ThreadPoolExecutor> thread_;  // Of one thread.
  std::shared_ptr<SqliteSession::Handle> handle_;
  std::string path_;
};

}  // namespace asyncio::db
