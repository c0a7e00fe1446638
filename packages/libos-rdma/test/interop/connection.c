#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENDS = 64, RESOLVE_MS = 5000 };
/* wr_id: the number of a receive, or this and the number of a send. */
static const uint64_t SENT = 1u << 31;

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("peer: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static void must(int failed, const char* what) {
  if (failed) fail("%s: %s", what, strerror(errno));
}

/* ---- memory ---- */

static uint32_t receives(const struct connection* self) { return self->own.credits + SPARE_RECEIVES; }

static uint8_t* receive_memory(struct connection* self, uint32_t n) {
  return self->memory + (size_t)n * self->own.buffer;
}

static uint32_t send_bytes(const struct connection* self) { return HEADER_BYTES + self->longest_fragment; }

static uint8_t* send_memory(struct connection* self, uint32_t n) {
  return receive_memory(self, receives(self)) + (size_t)n * send_bytes(self);
}

static void post_receive(struct connection* self, uint32_t n) {
  struct ibv_sge piece = {(uintptr_t)receive_memory(self, n), self->own.buffer, self->region->lkey};
  struct ibv_recv_wr work = {.wr_id = n, .sg_list = &piece, .num_sge = 1};
  struct ibv_recv_wr* bad;
  must(ibv_post_recv(self->id->qp, &work, &bad), "ibv_post_recv");
}

/* All receives are posted before the other side can send. */
static void make_queue_pair(struct connection* self) {
  const size_t bytes = (size_t)receives(self) * self->own.buffer + (size_t)SENDS * send_bytes(self);
  must((self->memory = calloc(1, bytes)) == NULL, "calloc");
  self->cq = ibv_create_cq(self->id->verbs, (int)receives(self) + SENDS, NULL, NULL, 0);
  must(self->cq == NULL, "ibv_create_cq");
  struct ibv_qp_init_attr attributes = {
      .send_cq = self->cq,
      .recv_cq = self->cq,
      .cap = {.max_send_wr = SENDS, .max_recv_wr = receives(self), .max_send_sge = 1, .max_recv_sge = 1},
      .qp_type = IBV_QPT_RC,
      .sq_sig_all = 1,
  };
  must(rdma_create_qp(self->id, NULL, &attributes), "rdma_create_qp");
  self->region = ibv_reg_mr(self->id->pd, self->memory, bytes, IBV_ACCESS_LOCAL_WRITE);
  must(self->region == NULL, "ibv_reg_mr");
  for (uint32_t n = 0; n < receives(self); ++n) post_receive(self, n);
  self->sends_free = SENDS;
}

/* ---- connecting ---- */

static struct rdma_conn_param parameters(const struct connection* self, uint8_t* private_data) {
  write_handshake(private_data, &self->own);
  return (struct rdma_conn_param){.private_data = private_data,
                                  .private_data_len = HANDSHAKE_BYTES + 1,
                                  .flow_control = 1,
                                  .retry_count = 7,
                                  .rnr_retry_count = 7};
}

static void take_handshake(struct connection* self, const struct rdma_cm_event* event) {
  const char* wrong = read_handshake(&self->peer, event->param.conn.private_data, event->param.conn.private_data_len);
  if (wrong) fail("%s", wrong);
  self->credits = self->peer.credits;
}

static void resolve(const char* address, const char* port, struct rdma_addrinfo** out, int flags) {
  const struct rdma_addrinfo hints = {.ai_flags = flags, .ai_port_space = RDMA_PS_TCP};
  must(rdma_getaddrinfo(address, port, &hints, out), "rdma_getaddrinfo");
}

/* Waits for the next event, which has to be acknowledged. */
static struct rdma_cm_event* next_event(struct connection* self) {
  struct rdma_cm_event* event;
  must(rdma_get_cm_event(self->channel, &event), "rdma_get_cm_event");
  return event;
}

static void expect(struct connection* self, enum rdma_cm_event_type type) {
  struct rdma_cm_event* event = next_event(self);
  if (event->event != type) fail("%s, status %d", rdma_event_str(event->event), event->status);
  rdma_ack_cm_event(event);
}

static void do_not_wait_for_events(struct connection* self) {
  must(fcntl(self->channel->fd, F_SETFL, O_NONBLOCK), "fcntl");
}

void serve(struct connection* self, const char* address, const char* port) {
  struct rdma_addrinfo* where;
  resolve(address, port, &where, RAI_PASSIVE | RAI_NUMERICHOST);
  must((self->channel = rdma_create_event_channel()) == NULL, "rdma_create_event_channel");
  must(rdma_create_id(self->channel, &self->listener, NULL, RDMA_PS_TCP), "rdma_create_id");
  must(rdma_bind_addr(self->listener, where->ai_src_addr), "rdma_bind_addr");
  must(rdma_listen(self->listener, 1), "rdma_listen");
  rdma_freeaddrinfo(where);
  puts("listening");
  fflush(stdout);

  struct rdma_cm_event* event = next_event(self);
  if (event->event != RDMA_CM_EVENT_CONNECT_REQUEST) fail("%s", rdma_event_str(event->event));
  self->id = event->id;
  take_handshake(self, event);
  rdma_ack_cm_event(event);
  make_queue_pair(self);
  uint8_t private_data[HANDSHAKE_BYTES + 1];
  struct rdma_conn_param reply = parameters(self, private_data);
  must(rdma_accept(self->id, &reply), "rdma_accept");
  do_not_wait_for_events(self);
  while (!self->established && !self->disconnected) progress(self);
}

bool reach(struct connection* self, const char* address, const char* port, uint8_t* reason) {
  struct rdma_addrinfo* where;
  resolve(address, port, &where, RAI_NUMERICHOST);
  must((self->channel = rdma_create_event_channel()) == NULL, "rdma_create_event_channel");
  must(rdma_create_id(self->channel, &self->id, NULL, RDMA_PS_TCP), "rdma_create_id");
  must(rdma_resolve_addr(self->id, NULL, where->ai_dst_addr, RESOLVE_MS), "rdma_resolve_addr");
  rdma_freeaddrinfo(where);
  expect(self, RDMA_CM_EVENT_ADDR_RESOLVED);
  must(rdma_resolve_route(self->id, RESOLVE_MS), "rdma_resolve_route");
  expect(self, RDMA_CM_EVENT_ROUTE_RESOLVED);
  make_queue_pair(self);
  uint8_t private_data[HANDSHAKE_BYTES + 1];
  struct rdma_conn_param request = parameters(self, private_data);
  must(rdma_connect(self->id, &request), "rdma_connect");

  struct rdma_cm_event* event = next_event(self);
  if (event->event == RDMA_CM_EVENT_REJECTED) {
    const uint8_t* data = event->param.conn.private_data;
    *reason = event->param.conn.private_data_len >= 2 && data[0] == 1 ? data[1] : 0;
    rdma_ack_cm_event(event);
    return false;
  }
  if (event->event != RDMA_CM_EVENT_ESTABLISHED) fail("%s, status %d", rdma_event_str(event->event), event->status);
  take_handshake(self, event);
  rdma_ack_cm_event(event);
  self->established = true;
  do_not_wait_for_events(self);
  return true;
}

/* ---- sending ---- */

/* The payload lies behind the header already. */
static void post_send(struct connection* self, struct header header, uint32_t payload) {
  const uint32_t n = self->next_send;
  self->next_send = (n + 1) % SENDS;
  --self->sends_free;
  header.credits = (uint16_t)self->owed;
  self->owed = 0;
  uint8_t* const memory = send_memory(self, n);
  write_header(memory, &header);
  struct ibv_sge piece = {(uintptr_t)memory, HEADER_BYTES + payload, self->region->lkey};
  struct ibv_send_wr work = {.wr_id = SENT | n, .sg_list = &piece, .num_sge = 1, .opcode = IBV_WR_SEND};
  struct ibv_send_wr* bad;
  must(ibv_post_send(self->id->qp, &work, &bad), "ibv_post_send");
}

uint32_t send_some(struct connection* self, const uint8_t* data, uint32_t bytes, uint32_t offset) {
  if (bytes > self->peer.most_message) fail("%u bytes are more than the peer takes", bytes);
  while (offset < bytes && self->credits > 0 && self->sends_free > 0) {
    uint32_t payload = bytes - offset;
    if (payload > self->peer.buffer - HEADER_BYTES) payload = self->peer.buffer - HEADER_BYTES;
    if (payload > self->longest_fragment) payload = self->longest_fragment;
    memcpy(send_memory(self, self->next_send) + HEADER_BYTES, data + offset, payload);
    const struct header header = {.kind = DATA, .more = offset + payload < bytes, .message = bytes, .offset = offset};
    post_send(self, header, payload);
    --self->credits;
    offset += payload;
  }
  return offset;
}

bool shut(struct connection* self) {
  if (self->credits == 0 || self->sends_free == 0) return false;
  post_send(self, (struct header){.kind = SHUT}, 0);
  --self->credits;
  return true;
}

static void return_credits(struct connection* self) {
  if (self->end_sent || self->owed < (self->own.credits + 1u) / 2 || self->sends_free == 0) return;
  post_send(self, (struct header){.kind = CREDIT}, 0);
}

/* ---- receiving ---- */

static void take_fragment(struct connection* self, const struct header* header, const uint8_t* payload,
                          uint32_t bytes) {
  if (header->message > self->own.most_message) fail("a message of %u bytes is too large", header->message);
  if (self->end_received || self->shut_received) fail("data behind the end");
  if (header->offset != self->arrived) fail("offset %u instead of %u", header->offset, self->arrived);
  if (self->arriving == NULL) {
    self->arriving = malloc(sizeof *self->arriving + header->message);
    must(self->arriving == NULL, "malloc");
    self->arriving->next = NULL;
    self->arriving->bytes = header->message;
  }
  if (header->message != self->arriving->bytes) fail("a message within another");
  memcpy(self->arriving->data + self->arrived, payload, bytes);
  self->arrived += bytes;
  if (header->more) return;
  if (self->first == NULL)
    self->first = self->arriving;
  else
    self->last->next = self->arriving;
  self->last = self->arriving;
  self->arriving = NULL;
  self->arrived = 0;
}

static void received(struct connection* self, uint32_t n, uint32_t bytes) {
  const uint8_t* const memory = receive_memory(self, n);
  struct header header;
  const char* wrong = read_header(&header, memory, bytes);
  if (wrong) fail("%s", wrong);
  self->credits += header.credits;
  if (self->credits > self->peer.credits) fail("%u credits of %u", self->credits, self->peer.credits);
  if (header.kind == DATA) take_fragment(self, &header, memory + HEADER_BYTES, bytes - HEADER_BYTES);
  if (header.kind == END) {
    if (self->end_received) fail("a second end");
    if (self->arriving) fail("an end within a message");
    self->end_received = true;
  }
  if (header.kind == SHUT) {
    if (self->end_received || self->shut_received) fail("a shut behind the end");
    if (self->arriving) fail("a shut within a message");
    self->shut_received = true;
  }
  post_receive(self, n);
  if (header.kind == DATA || header.kind == SHUT) ++self->owed;
}

static void read_event(struct connection* self) {
  struct rdma_cm_event* event;
  if (rdma_get_cm_event(self->channel, &event) != 0) return;
  if (event->event == RDMA_CM_EVENT_ESTABLISHED)
    self->established = true;
  else if (event->event == RDMA_CM_EVENT_DISCONNECTED)
    self->disconnected = true;
  else if (event->event != RDMA_CM_EVENT_TIMEWAIT_EXIT)
    fail("%s, status %d", rdma_event_str(event->event), event->status);
  rdma_ack_cm_event(event);
}

void progress(struct connection* self) {
  struct ibv_wc done;
  read_event(self);
  for (int n = 0; n < 32 && ibv_poll_cq(self->cq, 1, &done) > 0; ++n) {
    if (done.status == IBV_WC_WR_FLUSH_ERR && self->end_sent && self->end_received) continue;
    if (done.status != IBV_WC_SUCCESS) fail("%s", ibv_wc_status_str(done.status));
    if (done.wr_id & SENT)
      ++self->sends_free;
    else
      received(self, (uint32_t)done.wr_id, done.byte_len);
  }
  if (self->disconnected && !(self->end_sent && self->end_received)) fail("disconnected without an end");
  return_credits(self);
}

struct message* take(struct connection* self) {
  struct message* const message = self->first;
  if (message) self->first = message->next;
  return message;
}

void finish(struct connection* self) {
  while (self->sends_free == 0) progress(self);
  post_send(self, (struct header){.kind = END}, 0);
  self->end_sent = true;
  while (!self->end_received || (self->sends_free < SENDS && !self->disconnected)) progress(self);
  rdma_disconnect(self->id);
  while (!self->disconnected) progress(self);
}

void release(struct connection* self) {
  rdma_destroy_qp(self->id);
  ibv_dereg_mr(self->region);
  ibv_destroy_cq(self->cq);
  rdma_destroy_id(self->id);
  if (self->listener) rdma_destroy_id(self->listener);
  rdma_destroy_event_channel(self->channel);
  free(self->memory);
}
