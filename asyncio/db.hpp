// db.hpp: everything of asyncio::db: SQLite.
#pragma once

#include "asyncio/asyncio.hpp"
#include "asyncio/db/sqlite.hpp"
