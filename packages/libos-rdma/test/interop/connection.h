/* A connection of libos-rdma on plain librdmacm and libibverbs. What goes wrong ends the program with a sentence. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <rdma/rdma_cma.h>

#include "wire.h"

struct message {
  struct message* next;
  uint32_t bytes;
  uint8_t data[];
};

struct connection {
  struct rdma_event_channel* channel;
  struct rdma_cm_id* listener;
  struct rdma_cm_id* id;
  struct ibv_cq* cq;
  struct ibv_mr* region;
  uint8_t* memory; /* receives, and behind them sends */
  struct handshake own, peer;
  uint32_t longest_fragment; /* payload bytes of what is sent at once, at most */

  bool established, disconnected;
  uint32_t credits; /* to send with */
  uint32_t owed;
  uint32_t sends_free, next_send;
  bool end_sent, end_received, shut_received;

  struct message *first, *last; /* that have arrived whole */
  struct message* arriving;
  uint32_t arrived; /* bytes of it */
};

void fail(const char* format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Waits for one request and accepts it. Prints "listening" once it can be connected to. */
void serve(struct connection* self, const char* address, const char* port);
/* False: rejected; `reason` is the byte that came along, 0 without any. */
bool reach(struct connection* self, const char* address, const char* port, uint8_t* reason);

/* Takes in what there is. */
void progress(struct connection* self);
/* Sends as much of a message from `offset` on as the credits allow; returns the new offset. */
uint32_t send_some(struct connection* self, const uint8_t* data, uint32_t bytes, uint32_t offset);
/* Says that no data follows. False: no credit for it yet. */
bool shut(struct connection* self);
struct message* take(struct connection* self);
/* Says the end, waits for the other's, and disconnects. */
void finish(struct connection* self);
/* Of one that is disconnected, or was rejected. */
void release(struct connection* self);

#endif
