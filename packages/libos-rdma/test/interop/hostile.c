/*
 * A peer that does not keep to docs/rdma-wire-format.md, on plain librdmacm and libibverbs:
 *
 *   hostile connect ADDRESS PORT PRIVATE [STEP...]
 *   hostile serve ADDRESS PORT PRIVATE [STEP...]       one connection; "listening" first
 *
 * PRIVATE is what it says in the private data of its request or reply, STEPs are done once it is connected:
 *
 *   HEX or HEX+N     private data, or one SEND: these bytes and N more of zeros; "-" is no bytes
 *   pause            prints "paused" and waits to be killed
 *   silent           serve: in place of PRIVATE; takes the request and does not answer it; prints "paused"
 *   receive          waits for a message
 *   close            disconnects, without an end
 *
 * Then it waits until it is disconnected. It prints "rejected, status N, reason N", "accepted", "disconnected"; "still connected" after 30 s.
 */
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECEIVES = 64, RECEIVE_BYTES = 4096, MOST = 1 << 18, WAIT_MS = 30000 };

static void must(int failed, const char* what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static void say(const char* line) {
  puts(line);
  fflush(stdout);
}

static void pause_for_good(void) {
  say("paused");
  for (;;) pause();
}

/* The bytes of HEX or HEX+N; how many. */
static size_t bytes_of(const char* text, uint8_t* out) {
  size_t count = 0;
  unsigned byte;
  if (strcmp(text, "-") == 0) return 0;
  for (; sscanf(text, "%2x", &byte) == 1 && *text != '+'; text += 2) out[count++] = (uint8_t)byte;
  if (*text == '+')
    for (long zeros = atol(text + 1); zeros > 0 && count < MOST; --zeros) out[count++] = 0;
  return count;
}

static struct rdma_conn_param parameters(const char* text) {
  static uint8_t data[256];
  const size_t length = bytes_of(text, data);
  return (struct rdma_conn_param){.private_data = length ? data : NULL,
                                  .private_data_len = (uint8_t)length,
                                  .retry_count = 7,
                                  .rnr_retry_count = 7};
}

/* Receives for whatever is said to it. */
static void post_receives(struct rdma_cm_id* id) {
  static uint8_t memory[RECEIVES * RECEIVE_BYTES];
  struct ibv_mr* const region = rdma_reg_msgs(id, memory, sizeof memory);
  must(region == NULL, "rdma_reg_msgs");
  for (int n = 0; n < RECEIVES; ++n)
    must(rdma_post_recv(id, NULL, memory + n * RECEIVE_BYTES, RECEIVE_BYTES, region), "rdma_post_recv");
}

/* Waits for an event of the connection; 1 once it is disconnected. */
static int disconnected(struct rdma_cm_id* id, int wait_ms) {
  static int yes;
  /* rdma_create_ep() without a channel: librdmacm has made one for this connection alone. */
  struct pollfd waited = {.fd = id->channel->fd, .events = POLLIN};
  /* Whoever hangs up at once may be heard before the connection is: then this is the event that rdma_accept() has returned with. */
  if (id->event && id->event->event == RDMA_CM_EVENT_DISCONNECTED) yes = 1;
  if (!yes && poll(&waited, 1, wait_ms) > 0) {
    struct rdma_cm_event* event;
    must(rdma_get_cm_event(id->channel, &event), "rdma_get_cm_event");
    yes = event->event == RDMA_CM_EVENT_DISCONNECTED;
    rdma_ack_cm_event(event);
  }
  return yes;
}

/* Waits for a completion, or for the end of the connection: what was sent to a queue pair that is gone may stay unanswered for long. */
static void completed(struct rdma_cm_id* id, struct ibv_cq* queue) {
  struct ibv_wc done;
  for (int waited = 0; waited < WAIT_MS && ibv_poll_cq(queue, 1, &done) == 0; ++waited)
    if (disconnected(id, 1)) return;
}

/* One SEND. Whether it arrives well is the other side's business, and the connection may be gone already. */
static void send_bytes(struct rdma_cm_id* id, const char* text) {
  static uint8_t memory[MOST];
  static struct ibv_mr* region;
  if (region == NULL) region = rdma_reg_msgs(id, memory, sizeof memory);
  must(region == NULL, "rdma_reg_msgs");
  if (rdma_post_send(id, NULL, memory, bytes_of(text, memory), region, IBV_SEND_SIGNALED) == 0)
    completed(id, id->send_cq);
}

static void steps(struct rdma_cm_id* id, char** words) {
  for (; *words; ++words) {
    if (strcmp(*words, "pause") == 0)
      pause_for_good();
    else if (strcmp(*words, "receive") == 0)
      completed(id, id->recv_cq);
    else if (strcmp(*words, "close") == 0)
      rdma_disconnect(id);
    else
      send_bytes(id, *words);
  }
  for (int waited = 0; waited < WAIT_MS && !disconnected(id, 100);) waited += 100;
  say(disconnected(id, 0) ? "disconnected" : "still connected");
}

int main(int count, char** words) {
  if (count < 5) {
    fputs("hostile: connect or serve, an address, a port, private data, and steps\n", stderr);
    return 1;
  }
  const int serving = strcmp(words[1], "serve") == 0;
  const struct rdma_addrinfo hints = {.ai_flags = RAI_NUMERICHOST | (serving ? RAI_PASSIVE : 0),
                                      .ai_port_space = RDMA_PS_TCP};
  struct ibv_qp_init_attr attributes = {
      .cap = {.max_send_wr = 4, .max_recv_wr = RECEIVES, .max_send_sge = 1, .max_recv_sge = 1}};
  struct rdma_addrinfo* where;
  must(rdma_getaddrinfo(words[2], words[3], &hints, &where), "rdma_getaddrinfo");
  struct rdma_cm_id *id, *listener;
  if (serving) {
    must(rdma_create_ep(&listener, where, NULL, &attributes), "rdma_create_ep");
    must(rdma_listen(listener, 1), "rdma_listen");
    say("listening");
    must(rdma_get_request(listener, &id), "rdma_get_request");
    if (strcmp(words[4], "silent") == 0) pause_for_good();
  } else {
    must(rdma_create_ep(&id, where, NULL, &attributes), "rdma_create_ep");
  }
  post_receives(id);
  struct rdma_conn_param said = parameters(words[4]);
  if (serving ? rdma_accept(id, &said) : rdma_connect(id, &said)) {
    /* Of a request that was rejected the event is kept: its private data is the byte of its length, and the reason. */
    const struct rdma_cm_event* const event = id->event;
    if (event == NULL || event->event != RDMA_CM_EVENT_REJECTED) {
      perror(serving ? "rdma_accept" : "rdma_connect");
      return 1;
    }
    const uint8_t* const data = event->param.conn.private_data;
    const int reason = data && event->param.conn.private_data_len >= 2 && data[0] == 1 ? data[1] : 0;
    printf("rejected, status %d, reason %d\n", event->status, reason);
    return 0;
  }
  say("accepted");
  steps(id, words + 5);
  return 0;
}
