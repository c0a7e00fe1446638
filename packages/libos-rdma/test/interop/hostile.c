/*
 * A peer that does not keep to docs/rdma-wire-format.md, on plain librdmacm and libibverbs:
 *
 *   hostile connect ADDRESS PORT CONNECTION [next CONNECTION]...
 *   hostile serve ADDRESS PORT CONNECTION [next CONNECTION]...       "listening" first
 *
 * Connections come one after the other, each when the one before is over. CONNECTION is PRIVATE [STEP...]: PRIVATE is what it says in the
 * private data of its request or reply, STEPs are done once it is connected:
 *
 *   HEX or HEX+N     private data, or one SEND: these bytes and N more of zeros; "-" is no bytes
 *   pause            prints "paused" and waits to be killed
 *   silent           serve: in place of PRIVATE; takes the request and does not answer it; prints "paused"
 *   receive          waits for a message
 *   close            disconnects, without an end
 *
 *   keep             goes on with the next connection, and leaves this one as it is
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

static uint8_t received[RECEIVES * RECEIVE_BYTES];
static uint8_t sent[MOST];
static struct ibv_mr *received_region, *sent_region;
/* The connection that is looked after has been disconnected. */
static int over;

/* Receives for whatever is said to it, and memory to send from. */
static void make_ready(struct rdma_cm_id* id) {
  over = 0;
  must((received_region = rdma_reg_msgs(id, received, sizeof received)) == NULL, "rdma_reg_msgs");
  must((sent_region = rdma_reg_msgs(id, sent, sizeof sent)) == NULL, "rdma_reg_msgs");
  for (int n = 0; n < RECEIVES; ++n)
    must(rdma_post_recv(id, NULL, received + n * RECEIVE_BYTES, RECEIVE_BYTES, received_region), "rdma_post_recv");
}

static void release(struct rdma_cm_id* id) {
  rdma_dereg_mr(received_region);
  rdma_dereg_mr(sent_region);
  rdma_destroy_ep(id);
}

/* Waits for an event of the connection; 1 once it is disconnected. */
static int disconnected(struct rdma_cm_id* id, int wait_ms) {
  /* rdma_create_ep() without a channel: librdmacm has made one for this connection alone. */
  struct pollfd waited = {.fd = id->channel->fd, .events = POLLIN};
  /* Whoever hangs up at once may be heard before the connection is: then this is the event that rdma_accept() has returned with. */
  if (id->event && id->event->event == RDMA_CM_EVENT_DISCONNECTED) over = 1;
  if (!over && poll(&waited, 1, wait_ms) > 0) {
    struct rdma_cm_event* event;
    must(rdma_get_cm_event(id->channel, &event), "rdma_get_cm_event");
    over = event->event == RDMA_CM_EVENT_DISCONNECTED;
    rdma_ack_cm_event(event);
  }
  return over;
}

/* Waits for a completion, or for the end of the connection: what was sent to a queue pair that is gone may stay unanswered for long. */
static void completed(struct rdma_cm_id* id, struct ibv_cq* queue) {
  struct ibv_wc done;
  for (int waited = 0; waited < WAIT_MS && ibv_poll_cq(queue, 1, &done) == 0; ++waited)
    if (disconnected(id, 1)) return;
}

/* One SEND. Whether it arrives well is the other side's business, and the connection may be gone already. */
static void send_bytes(struct rdma_cm_id* id, const char* text) {
  if (rdma_post_send(id, NULL, sent, bytes_of(text, sent), sent_region, IBV_SEND_SIGNALED) == 0)
    completed(id, id->send_cq);
}

/* What follows a connection's private data; false: the connection is to be kept. */
static int steps(struct rdma_cm_id* id, char** words) {
  for (; *words && strcmp(*words, "next") != 0; ++words) {
    if (strcmp(*words, "pause") == 0)
      pause_for_good();
    else if (strcmp(*words, "keep") == 0)
      return 0;
    else if (strcmp(*words, "receive") == 0)
      completed(id, id->recv_cq);
    else if (strcmp(*words, "close") == 0)
      rdma_disconnect(id);
    else
      send_bytes(id, *words);
  }
  for (int waited = 0; waited < WAIT_MS && !disconnected(id, 100);) waited += 100;
  say(disconnected(id, 0) ? "disconnected" : "still connected");
  return 1;
}

/* One connection, from its request to its end. */
static void connection(struct rdma_cm_id* listener, struct rdma_addrinfo* where, struct ibv_qp_init_attr attributes,
                       char** words) {
  struct rdma_cm_id* id;
  if (listener) {
    must(rdma_get_request(listener, &id), "rdma_get_request");
    if (strcmp(*words, "silent") == 0) pause_for_good();
  } else {
    must(rdma_create_ep(&id, where, NULL, &attributes), "rdma_create_ep");
  }
  make_ready(id);
  struct rdma_conn_param said = parameters(*words);
  if (listener ? rdma_accept(id, &said) : rdma_connect(id, &said)) {
    /* Of a request that was rejected the event is kept: its private data is the byte of its length, and the reason. */
    const struct rdma_cm_event* const event = id->event;
    if (event == NULL || event->event != RDMA_CM_EVENT_REJECTED) {
      perror(listener ? "rdma_accept" : "rdma_connect");
      exit(1);
    }
    const uint8_t* const data = event->param.conn.private_data;
    const int reason = data && event->param.conn.private_data_len >= 2 && data[0] == 1 ? data[1] : 0;
    printf("rejected, status %d, reason %d\n", event->status, reason);
    fflush(stdout);
    release(id);
    return;
  }
  say("accepted");
  if (steps(id, words + 1)) release(id);
}

int main(int count, char** words) {
  if (count < 5) {
    fputs("hostile: connect or serve, an address, a port, and connections\n", stderr);
    return 1;
  }
  const int serving = strcmp(words[1], "serve") == 0;
  const struct rdma_addrinfo hints = {.ai_flags = RAI_NUMERICHOST | (serving ? RAI_PASSIVE : 0),
                                      .ai_port_space = RDMA_PS_TCP};
  struct ibv_qp_init_attr attributes = {
      .cap = {.max_send_wr = 4, .max_recv_wr = RECEIVES, .max_send_sge = 1, .max_recv_sge = 1}};
  struct rdma_addrinfo* where;
  must(rdma_getaddrinfo(words[2], words[3], &hints, &where), "rdma_getaddrinfo");
  struct rdma_cm_id* listener = NULL;
  if (serving) {
    must(rdma_create_ep(&listener, where, NULL, &attributes), "rdma_create_ep");
    must(rdma_listen(listener, 1), "rdma_listen");
    say("listening");
  }
  for (char** words_left = words + 4; *words_left;) {
    connection(listener, where, attributes, words_left);
    while (*words_left && strcmp(*words_left++, "next") != 0) continue;
  }
  return 0;
}
