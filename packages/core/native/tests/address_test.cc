#include <doctest/doctest.h>

#include "demi/address.hpp"

namespace address_test {

using namespace demi;

TEST_CASE("address: numeric IPv4 and IPv6 come back as they were written") {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::2", "fe80::1%3"}) {
    CAPTURE(host);
    Address a;
    REQUIRE(Address::parse(host, 4242, a) == 0);
    CHECK(a.host() == host);
    sockaddr_storage storage;
    const socklen_t length = a.to_sockaddr(storage);
    CHECK(length == (a.family == 6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)));
    const Address back = Address::from_sockaddr(storage);
    CHECK(back.host() == host);
    CHECK(back.port == 4242);
    CHECK(back.family == a.family);
  }
}

TEST_CASE("address: what is not numeric, and ports outside 16 bits, are EINVAL") {
  Address a;
  for (const char* host : {"", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4x", ":::", "fe80::1%", "fe80::1%lo",
                           "fe80::1%-1", "fe80::1%9999999999", "127.0.0.1%1"}) {
    CAPTURE(host);
    CHECK(Address::parse(host, 1, a) == -EINVAL);
  }
  CHECK(Address::parse("127.0.0.1", -1, a) == -EINVAL);
  CHECK(Address::parse("127.0.0.1", 65536, a) == -EINVAL);
  CHECK(Address::parse("127.0.0.1", 65535, a) == 0);
}

}  // namespace address_test
