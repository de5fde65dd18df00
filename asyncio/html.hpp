// html.hpp: everything of asyncio::html: documents, nodes, links. Pure: no loop is needed.
#pragma once

#include "asyncio/html/document.hpp"
