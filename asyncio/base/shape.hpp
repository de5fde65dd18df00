// shape.hpp: Shape<T>, which opens the private members of T to the one source file that describes
// T to who looks from outside; see core/instrument.hpp.
#pragma once

namespace asyncio::detail {

template <class T>
struct Shape;

}  // namespace asyncio::detail
