/* The wire format of libos-rdma, written from docs/rdma-wire-format.md alone. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HANDSHAKE_BYTES = 16, HEADER_BYTES = 16, SPARE_RECEIVES = 3 };
enum kind { DATA = 1, CREDIT = 2, END = 3, SHUT = 4 };

struct handshake {
  uint8_t version;
  uint16_t credits;
  uint32_t buffer;
  uint32_t most_message;
};

struct header {
  uint8_t kind;
  bool more;
  uint16_t credits;
  uint32_t message;
  uint32_t offset;
};

/* With the byte of its length in front: HANDSHAKE_BYTES + 1 bytes. */
void write_handshake(uint8_t* to, const struct handshake* from);
/* NULL, or what is wrong with it. `bytes` also counts the padding. */
const char* read_handshake(struct handshake* to, const uint8_t* from, size_t bytes);

void write_header(uint8_t* to, const struct header* from);
/* NULL, or what is wrong with a message of this many bytes, header included. */
const char* read_header(struct header* to, const uint8_t* from, size_t bytes);

#endif
