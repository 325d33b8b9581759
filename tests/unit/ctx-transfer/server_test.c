// The plugin's server with charon's real library: a client that does not read is never left with a gap.
#include "server.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"

#define LARGE (64 * 1024)
#define TOLD 300 /* together more than may wait for one client */

static hasync_server_t* server;
static sem_t asked;

static void subscribe(void* user, uint64_t client, chunk_t content) {
  hasync_server_subscribe(server, client, FALSE);
  sem_post(&asked);
}

static bool not_urgent(void* user, uint64_t client, chunk_t content) {
  return FALSE;
}

static int connect_to(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = 20};
  const char request[] = {0, 0, 0, 1, 0};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(fd, (struct sockaddr*)&address, sizeof(address)) != 0 ||
      send(fd, request, sizeof(request), 0) != sizeof(request))
    return -1;
  sem_wait(&asked);
  return fd;
}

static void tell(char* connection) {
  Hasync__Proto__SaSummary summary = HASYNC__PROTO__SA_SUMMARY__INIT;
  Hasync__Proto__Unprotected unprotected = HASYNC__PROTO__UNPROTECTED__INIT;
  Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

  summary.connection = connection;
  unprotected.sa = &summary;
  event.event_case = HASYNC__PROTO__EVENT__EVENT_UNPROTECTED;
  event.unprotected = &unprotected;
  hasync_server_event(server, 0, &event);
}

/* Its number; 0: the connection has ended; -1: nothing comes. */
static int64_t next_event(int fd, uint8_t* bytes) {
  Hasync__Proto__FromPlugin* message;
  uint32_t length;
  int64_t number = 0;
  ssize_t got = recv(fd, &length, sizeof(length), MSG_WAITALL);

  if (got == sizeof(length)) got = recv(fd, bytes, ntohl(length), MSG_WAITALL);
  if (got < 0) return errno == ECONNRESET ? 0 : -1;
  if (got == 0 || got != (ssize_t)ntohl(length)) return 0;
  message = hasync__proto__from_plugin__unpack(NULL, got, bytes);
  if (message) {
    number = message->event->number;
    hasync__proto__from_plugin__free_unpacked(message, NULL);
  }
  return number;
}

/* NULL if all is well. */
static const char* overflow(const char* path, char* large, uint8_t* bytes) {
  int fd = connect_to(path);
  int64_t number, last = 0;

  if (fd < 0) return "the server takes no client";
  for (int i = 0; i < TOLD; i++) tell(large);
  while ((number = next_event(fd, bytes)) == last + 1) last = number;
  close(fd);
  if (last == 0) return "nothing was told before the queue was full";
  if (last == TOLD) return "the queue was never full";
  return number == 0 ? NULL : "events were lost, and the connection goes on";
}

static const char* come_back(const char* path, uint8_t* bytes) {
  int fd = connect_to(path);
  int64_t number;

  if (fd < 0) return "the server takes no other client";
  tell("once more");
  number = next_event(fd, bytes);
  close(fd);
  return number == 1 ? NULL : "another client's events do not begin with 1";
}

int main(void) {
  char path[] = "/tmp/hasync-server-XXXXXX", uri[64];
  uint8_t* bytes = malloc(HASYNC_FRAME_MAX);
  char* large = malloc(LARGE);
  const char* problem = "the server cannot be made";
  int placeholder = mkstemp(path);

  if (placeholder < 0 || !library_init(NULL, "server_test") || !libcharon_init()) return 1;
  close(placeholder);
  snprintf(uri, sizeof(uri), "unix://%s", path);
  memset(large, 'x', LARGE);
  large[LARGE - 1] = '\0';
  sem_init(&asked, 0, 0);
  lib->processor->set_threads(lib->processor, 2);
  server = hasync_server_create(uri, subscribe, not_urgent, NULL);
  if (server && hasync_server_start(server)) {
    problem = overflow(path, large, bytes);
    if (!problem) problem = come_back(path, bytes);
    hasync_server_stop(server);
    lib->processor->cancel(lib->processor);
    hasync_server_destroy(server);
  }
  if (problem) puts(problem);
  free(large);
  free(bytes);
  libcharon_deinit();
  library_deinit();
  return problem != NULL;
}
