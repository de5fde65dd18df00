// http.hpp: everything of asyncio::http: HTTP/1.1 client and server, URLs, headers, robots.txt.
#pragma once

#include "asyncio/asyncio.hpp"
#include "asyncio/http/client.hpp"
#include "asyncio/http/errors.hpp"
#include "asyncio/http/handler.hpp"
#include "asyncio/http/headers.hpp"
#include "asyncio/http/messages.hpp"
#include "asyncio/http/robots.hpp"
#include "asyncio/http/server.hpp"
#include "asyncio/http/static_files.hpp"
#include "asyncio/http/url.hpp"
