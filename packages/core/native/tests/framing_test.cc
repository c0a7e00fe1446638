#include <doctest/doctest.h>

#include "demi/framing.hpp"

namespace framing_test {

using namespace demi;

TEST_CASE("framing: by name, a stream without one, and EINVAL for any other") {
  Framing framing = Framing::kDmtr;
  CHECK(parse_framing("stream", framing) == 0);
  CHECK(framing == Framing::kStream);
  CHECK(parse_framing("dmtr", framing) == 0);
  CHECK(framing == Framing::kDmtr);
  for (const char* name : {"telegram", "dmtr ", "Stream", "d"}) {
    CAPTURE(name);
    CHECK(parse_framing(name, framing) == -EINVAL);
    CHECK(framing == Framing::kDmtr);
  }
  CHECK(parse_framing("", framing) == 0);
  CHECK(framing == Framing::kStream);
}

}  // namespace framing_test
