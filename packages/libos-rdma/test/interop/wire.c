#include "wire.h"

#include <string.h>

static void put16(uint8_t* to, uint16_t value) {
  to[0] = (uint8_t)value;
  to[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t* to, uint32_t value) {
  put16(to, (uint16_t)value);
  put16(to + 2, (uint16_t)(value >> 16));
}

static uint16_t get16(const uint8_t* from) { return (uint16_t)(from[0] | from[1] << 8); }

static uint32_t get32(const uint8_t* from) { return get16(from) | (uint32_t)get16(from + 2) << 16; }

void write_handshake(uint8_t* to, const struct handshake* from) {
  *to++ = HANDSHAKE_BYTES;
  memcpy(to, "Demi", 4);
  to[4] = from->version;
  to[5] = 0;
  put16(to + 6, from->credits);
  put32(to + 8, from->buffer);
  put32(to + 12, from->most_message);
}

const char* read_handshake(struct handshake* to, const uint8_t* from, size_t bytes) {
  if (bytes < HANDSHAKE_BYTES + 1 || from[0] != HANDSHAKE_BYTES) return "no handshake: its length is not 16";
  ++from;
  if (memcmp(from, "Demi", 4) != 0) return "no handshake: its magic is another";
  if (from[4] != 1 || from[5] != 0) return "a handshake of another version";
  *to = (struct handshake){
      .version = from[4], .credits = get16(from + 6), .buffer = get32(from + 8), .most_message = get32(from + 12)};
  if (to->credits < 1 || to->credits > 4096) return "a handshake with impossible credits";
  if (to->buffer < 64 || to->buffer > 1048576) return "a handshake with an impossible buffer";
  if (to->most_message < 1) return "a handshake that allows no message";
  return NULL;
}

void write_header(uint8_t* to, const struct header* from) {
  to[0] = from->kind;
  to[1] = from->more;
  put16(to + 2, from->credits);
  put32(to + 4, from->message);
  put32(to + 8, from->offset);
  put32(to + 12, 0);
}

const char* read_header(struct header* to, const uint8_t* from, size_t bytes) {
  if (bytes < HEADER_BYTES) return "a message shorter than a header";
  if (from[1] > 1 || get32(from + 12) != 0) return "a header with a reserved byte that is not 0";
  *to = (struct header){.kind = from[0],
                        .more = from[1] == 1,
                        .credits = get16(from + 2),
                        .message = get32(from + 4),
                        .offset = get32(from + 8)};
  const uint64_t payload = bytes - HEADER_BYTES;
  if (to->kind == DATA) {
    if (payload == 0) return "a fragment without payload";
    if (to->offset + payload > to->message) return "a fragment beyond its message";
    if (to->more != (to->offset + payload < to->message)) return "a fragment with the wrong \"more\"";
    return NULL;
  }
  if (to->kind < CREDIT || to->kind > SHUT) return "an unknown kind of message";
  if (payload != 0 || to->more || to->message != 0 || to->offset != 0)
    return "a credit, end or shut with more than credits";
  return to->kind == CREDIT && to->credits == 0 ? "a credit message without credits" : NULL;
}
