#pragma once

#include <cstddef>

namespace demi::script {

// FIPS 180-4. `digest`: 40 hexadecimal digits and a zero.
void sha1_hex(const void* data, std::size_t length, char* digest);

}  // namespace demi::script
