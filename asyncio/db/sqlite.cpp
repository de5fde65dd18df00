#include "asyncio/db/sqlite.hpp"

#include <sqlite3.h>

#include <unordered_map>

#include "asyncio/base/errors.hpp"

namespace asyncio::db {

// Used on the database's thread only, once it is opened.
struct SqliteSession::Handle {
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { close(); }

  void close() noexcept {
    for (auto& [sql, statement] : statements) sqlite3_finalize(statement);
    statements.clear();
    sqlite3_close(database);
    database = nullptr;
  }
  sqlite3_stmt* prepare(const std::string& sql);
  [[noreturn]] void fail(const std::string& sql) const;

  sqlite3* database = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> statements;  // Prepared, by their text.
};

namespace {

constexpr std::size_t kMaxStatements = 100;

[[noreturn]] void throw_error(int code, const std::string& message) {
  if ((code & 0xff) == SQLITE_CONSTRAINT) throw IntegrityError(code, message);
  throw Error(code, message);
}

// Brings a statement back to its beginning, however its use ends.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) noexcept : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

int bind_one(sqlite3_stmt* statement, int place, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, place, *number);
  if (const auto* number = std::get_if<double>(&value))
    return sqlite3_bind_double(statement, place, *number);
  // Not copied: the values outlive the statement's use.
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, place, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  if (const auto* blob = std::get_if<Blob>(&value))
    return sqlite3_bind_blob64(statement, place, blob->bytes.data(), blob->bytes.size(),
                               SQLITE_STATIC);
  return sqlite3_bind_null(statement, place);
}

void bind_all(const SqliteSession::Handle& handle, sqlite3_stmt* statement, const std::string& sql,
              const Values& values) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (static_cast<std::size_t>(wanted) != values.size())
    throw ValueError("the statement has " + std::to_string(wanted) + " parameters, but " +
                     std::to_string(values.size()) + " values were given\n  statement: " + sql);
  for (int i = 0; i < wanted; ++i)
    if (bind_one(statement, i + 1, values[static_cast<std::size_t>(i)]) != SQLITE_OK)
      handle.fail(sql);
}

std::string bytes_of(sqlite3_stmt* statement, int column, const void* data) {
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

Value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return Value(std::int64_t{sqlite3_column_int64(statement, column)});
    case SQLITE_FLOAT:
      return Value(sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
      return Value(bytes_of(statement, column, sqlite3_column_text(statement, column)));
    case SQLITE_BLOB:
      return Value(Blob{bytes_of(statement, column, sqlite3_column_blob(statement, column))});
    default:
      return {};
  }
}

std::shared_ptr<SqliteSession::Handle> open_now(const std::string& path,
                                                const SqliteOptions& options) {
  auto handle = std::make_shared<SqliteSession::Handle>();
  const int flags =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle->database, flags, nullptr);
  if (code != SQLITE_OK)
    throw_error(code,
                std::string("cannot open the database: ") +
                    (handle->database ? sqlite3_errmsg(handle->database) : sqlite3_errstr(code)) +
                    "\n  path: " + path);
  sqlite3_extended_result_codes(handle->database, 1);
  sqlite3_busy_timeout(handle->database, static_cast<int>(options.busy_timeout.count()));
  SqliteSession session(*handle);
  session.script("PRAGMA foreign_keys = ON");
  if (options.write_ahead_log && !options.read_only) {
    session.query("PRAGMA journal_mode = WAL");
    session.script("PRAGMA synchronous = NORMAL");
  }
  return handle;
}

}  // namespace

void SqliteSession::Handle::fail(const std::string& sql) const {
  throw_error(sqlite3_extended_errcode(database),
              std::string(sqlite3_errmsg(database)) + "\n  statement: " + sql);
}

sqlite3_stmt* SqliteSession::Handle::prepare(const std::string& sql) {
  if (const auto found = statements.find(sql); found != statements.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(database, sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (code != SQLITE_OK) fail(sql);
  if (statement == nullptr) throw ValueError("the statement is empty\n  statement: " + sql);
  if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    throw ValueError("more than one statement\n  instead: script()\n  statement: " + sql);
  }
  if (statements.size() >= kMaxStatements) {
    sqlite3_finalize(statements.begin()->second);
    statements.erase(statements.begin());
  }
  statements.emplace(sql, statement);
  return statement;
}

std::int64_t SqliteSession::execute(const std::string& sql, const Values& values) {
  sqlite3_stmt* statement = handle_->prepare(sql);
  const Use use(statement);
  bind_all(*handle_, statement, sql, values);
  const int before = sqlite3_total_changes(handle_->database);
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) handle_->fail(sql);
  return sqlite3_total_changes(handle_->database) - before;
}

Rows SqliteSession::query(const std::string& sql, const Values& values) {
  sqlite3_stmt* statement = handle_->prepare(sql);
  const Use use(statement);
  bind_all(*handle_, statement, sql, values);
  Rows result;
  const int width = sqlite3_column_count(statement);
  for (int i = 0; i < width; ++i) result.columns.emplace_back(sqlite3_column_name(statement, i));
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    Values values_of_row;
    values_of_row.reserve(static_cast<std::size_t>(width));
    for (int i = 0; i < width; ++i) values_of_row.push_back(column_value(statement, i));
    result.rows.emplace_back(std::move(values_of_row));
  }
  if (code != SQLITE_DONE) handle_->fail(sql);
  return result;
}

void SqliteSession::script(const std::string& sql) {
  if (sqlite3_exec(handle_->database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    handle_->fail(sql);
}

std::int64_t SqliteSession::last_row_id() const noexcept {
  return sqlite3_last_insert_rowid(handle_->database);
}

const Value& Row::at(std::size_t column) const {
  if (column >= values_.size())
    throw ValueError("column " + std::to_string(column) + " of a row of " +
                     std::to_string(values_.size()));
  return values_[column];
}

namespace {

[[noreturn]] void throw_type(std::size_t column, const char* wanted, const Value& value) {
  constexpr const char* kNames[] = {"NULL", "INTEGER", "REAL", "TEXT", "BLOB"};
  throw ValueError("column " + std::to_string(column) + " is " + kNames[value.index()] + ", not " +
                   wanted);
}

}  // namespace

std::int64_t Row::integer(std::size_t column) const {
  const Value& value = at(column);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  throw_type(column, "INTEGER", value);
}
double Row::real(std::size_t column) const {
  const Value& value = at(column);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
  throw_type(column, "REAL", value);
}
const std::string& Row::text(std::size_t column) const {
  const Value& value = at(column);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  throw_type(column, "TEXT", value);
}

Sqlite::Transaction::Transaction(SqliteSession& session) : session_(session) {
  session_.execute("BEGIN IMMEDIATE");
}
void Sqlite::Transaction::commit() {
  session_.execute("COMMIT");
  is_open_ = false;
}
Sqlite::Transaction::~Transaction() {
  if (!is_open_) return;
  try {
    session_.execute("ROLLBACK");
  } catch (const std::exception&) {  // SQLite has rolled back already (disk full, for one).
  }
}

Sqlite::Sqlite(std::shared_ptr<SqliteSession::Handle> handle,
               std::shared_ptr<ThreadPoolExecutor> executor, std::string path)
    : thread_(std::move(executor)), handle_(std::move(handle)), path_(std::move(path)) {}
Sqlite::Sqlite(Sqlite&&) noexcept = default;
Sqlite& Sqlite::operator=(Sqlite&& other) noexcept {
  if (this != &other) {
    if (thread_) thread_->shutdown();
    thread_ = std::move(other.thread_);
    handle_ = std::move(other.handle_);
    path_ = std::move(other.path_);
  }
  return *this;
}
Sqlite::~Sqlite() {
  if (thread_) thread_->shutdown();  // Before the handle goes: its thread may still use it.
}

Coro<Sqlite> Sqlite::open(std::string path, SqliteOptions options) {
  auto executor = std::make_shared<ThreadPoolExecutor>(1);
  auto handle = co_await get_running_loop().run_in_executor(
      *executor, [path, options] { return open_now(path, options); });
  co_return Sqlite(std::move(handle), std::move(executor), std::move(path));
}

const std::shared_ptr<SqliteSession::Handle>& Sqlite::opened() const {
  if (!handle_) throw RuntimeError("the database is closed\n  path: " + path_);
  return handle_;
}

Coro<std::int64_t> Sqlite::execute(std::string sql, Values values) {
  auto handle = opened();
  co_return co_await get_running_loop().run_in_executor(
      thread(), [handle, sql = std::move(sql), values = std::move(values)] {
        return SqliteSession(*handle).execute(sql, values);
      });
}

Coro<Rows> Sqlite::query(std::string sql, Values values) {
  auto handle = opened();
  co_return co_await get_running_loop().run_in_executor(
      thread(), [handle, sql = std::move(sql), values = std::move(values)] {
        return SqliteSession(*handle).query(sql, values);
      });
}

Coro<> Sqlite::script(std::string sql) {
  auto handle = opened();
  co_await get_running_loop().run_in_executor(
      thread(), [handle, sql = std::move(sql)] { SqliteSession(*handle).script(sql); });
}

Coro<> Sqlite::close() {
  if (!handle_) co_return;
  auto handle = std::exchange(handle_, nullptr);
  co_await get_running_loop().run_in_executor(thread(), [handle] { handle->close(); });
  thread_->shutdown();
}

Coro<> Sqlite::aenter() {
  opened();
  co_return;
}
Coro<bool> Sqlite::aexit(std::exception_ptr) {
  co_await close();
  co_return false;
}

std::string Sqlite::repr() const { return "<Sqlite " + path_ + (is_closed() ? " closed>" : ">"); }

}  // namespace asyncio::db
