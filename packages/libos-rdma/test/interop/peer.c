/*
 * A peer of libos-rdma on plain librdmacm and libibverbs:
 *
 *   peer serve ADDRESS PORT [option...]       accepts one connection and echoes every message until the end or a shut
 *   peer connect ADDRESS PORT [option...]     sends messages of random sizes to an echo server, a shut behind the last, and checks what comes
 *                                             back
 *
 *   --credits N --buffer N --most N --version N    what its handshake says (16, 4096, 1048576, 1)
 *   --fragment N                                   payload bytes of what it sends at once, at most (as many as fit into --buffer)
 *   --messages N --seed N                          connect: how many messages (100), of which sizes
 *
 * It ends with status 0 and a line on standard output, with 3 and the reason when it was rejected, or with 1 and a sentence on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"

struct job {
  uint32_t messages;
  uint32_t seed;
};

static uint32_t number(const char* text) {
  char* end;
  const unsigned long value = strtoul(text, &end, 10);
  if (*text == 0 || *end != 0 || value > UINT32_MAX) fail("%s is no number", text);
  return (uint32_t)value;
}

/* xorshift */
static uint32_t random_next(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

/* Message n of a seed: mostly small, sometimes as large as the peer takes, its bytes from the same numbers. */
static struct message* make_message(uint32_t seed, uint32_t n, uint32_t most) {
  uint32_t state = seed * 2654435761u + n + 1;
  const uint32_t kind = random_next(&state) % 16;
  uint32_t bytes = kind == 0 ? most : kind < 4 ? random_next(&state) % most + 1 : random_next(&state) % 300 + 1;
  if (bytes > most) bytes = most;
  struct message* const message = malloc(sizeof *message + bytes);
  if (!message) fail("no memory");
  message->bytes = bytes;
  for (uint32_t i = 0; i < bytes; ++i) message->data[i] = (uint8_t)(random_next(&state) >> 8);
  return message;
}

static void echo(struct connection* self) {
  uint64_t messages = 0, bytes = 0;
  struct message* message;
  while ((message = take(self)) != NULL || !(self->end_received || self->shut_received)) {
    if (message == NULL) {
      progress(self);
      continue;
    }
    for (uint32_t sent = 0; sent < message->bytes; progress(self))
      sent = send_some(self, message->data, message->bytes, sent);
    ++messages;
    bytes += message->bytes;
    free(message);
  }
  finish(self);
  printf("echoed %llu messages, %llu bytes\n", (unsigned long long)messages, (unsigned long long)bytes);
}

static void check(struct connection* self, struct job job) {
  const uint32_t most =
      self->peer.most_message < self->own.most_message ? self->peer.most_message : self->own.most_message;
  struct message* sending = NULL;
  uint32_t sent = 0, offset = 0, back = 0;
  uint64_t bytes = 0;
  bool said_all = false;
  while (back < job.messages) {
    if (sending == NULL && sent < job.messages) {
      sending = make_message(job.seed, sent++, most);
      offset = 0;
    }
    if (sending && (offset = send_some(self, sending->data, sending->bytes, offset)) == sending->bytes) {
      free(sending);
      sending = NULL;
    }
    if (sending == NULL && sent == job.messages && !said_all) said_all = shut(self);
    progress(self);
    for (struct message* got; (got = take(self)) != NULL; ++back) {
      struct message* const wanted = make_message(job.seed, back, most);
      if (got->bytes != wanted->bytes)
        fail("message %u came back with %u bytes of %u", back, got->bytes, wanted->bytes);
      if (memcmp(got->data, wanted->data, got->bytes) != 0) fail("message %u came back with other bytes", back);
      bytes += got->bytes;
      free(got);
      free(wanted);
    }
    if (self->end_received && back < job.messages) fail("an end after %u of %u messages", back, job.messages);
  }
  finish(self);
  printf("checked %u messages, %llu bytes\n", back, (unsigned long long)bytes);
}

int main(int count, char** words) {
  struct connection connection = {.own = {.version = 1, .credits = 16, .buffer = 4096, .most_message = 1 << 20}};
  struct job job = {.messages = 100, .seed = 1};
  if (count < 4 || count % 2 != 0) fail("serve or connect, an address, a port, and options with a value each");
  for (int i = 4; i < count; i += 2) {
    const uint32_t value = number(words[i + 1]);
    if (strcmp(words[i], "--credits") == 0)
      connection.own.credits = (uint16_t)value;
    else if (strcmp(words[i], "--buffer") == 0)
      connection.own.buffer = value;
    else if (strcmp(words[i], "--most") == 0)
      connection.own.most_message = value;
    else if (strcmp(words[i], "--version") == 0)
      connection.own.version = (uint8_t)value;
    else if (strcmp(words[i], "--fragment") == 0)
      connection.longest_fragment = value;
    else if (strcmp(words[i], "--messages") == 0)
      job.messages = value;
    else if (strcmp(words[i], "--seed") == 0)
      job.seed = value;
    else
      fail("%s is no option", words[i]);
  }
  if (connection.longest_fragment == 0) connection.longest_fragment = connection.own.buffer - HEADER_BYTES;

  if (strcmp(words[1], "serve") == 0) {
    serve(&connection, words[2], words[3]);
    echo(&connection);
  } else if (strcmp(words[1], "connect") == 0) {
    uint8_t reason = 0;
    if (!reach(&connection, words[2], words[3], &reason)) {
      release(&connection);
      printf("rejected with reason %u\n", reason);
      return 3;
    }
    check(&connection, job);
  } else {
    fail("%s: serve or connect", words[1]);
  }
  release(&connection);
  return 0;
}
