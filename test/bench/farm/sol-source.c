/*
 * `sol-source N`: the serial ports of N machines, each a TCP port of 127.0.0.1 that a simulated BMC connects to.
 *
 * Tells on standard output: "ports P0 P1 ...", then "connected" when every port has its BMC, then "done WALL_NS LATE_NS" per order.
 * Takes on standard input: "go ROUND LINES RATE TICK_MS". Every console then gets LINES lines of 64 bytes
 *   cNNNN LLLLLLLL TTTTTTTTTTTTTTTTTTT rRRR....
 * (console, line from 0, CLOCK_REALTIME in ns when it was made, round): as fast as its BMC takes them when RATE is 0, else RATE
 * bytes a second, in a portion every TICK_MS ms, each console at its own phase. LATE_NS is by how much the portion that came latest
 * missed its time. What BMCs send (typed characters) is read and dropped. Ends with its standard input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { line_bytes = 64, room_lines = 64 };

struct console {
  int socket;
  int blocked;        /* its BMC takes no more just now */
  long long made;     /* lines of this round */
  long long allowed;  /* bytes that may have been written by now */
  long long written;  /* bytes of this round */
  long long due_ns;   /* when its next portion is due */
  char line[room_lines * line_bytes];
  int from, to;       /* what of `line` is not written yet */
};

static struct console *consoles;
static int count, events;
static long long total_lines, rate, tick_ns, round_number;

static long long now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int how, int fd, unsigned index, unsigned what) {
  struct epoll_event event = {.events = what, .data.u32 = index};
  if (epoll_ctl(events, how, fd, &event) < 0) fail("epoll_ctl");
}

static void block(struct console *console, int blocked) {
  if (console->blocked == blocked) return;
  console->blocked = blocked;
  watch(EPOLL_CTL_MOD, console->socket, (unsigned)(console - consoles), EPOLLIN | (blocked ? EPOLLOUT : 0));
}

/* Makes the lines that reach `allowed`, as many as there is room for. */
static void make_lines(struct console *console) {
  char text[line_bytes + 1];
  console->from = console->to = 0;
  while (console->to < (int)sizeof console->line && console->made * line_bytes < console->allowed) {
    char *line = console->line + console->to;
    int length = snprintf(text, sizeof text, "c%04d %08lld %019lld r%03lld", (int)(console - consoles), console->made,
                          now_ns(CLOCK_REALTIME), round_number % 1000);
    memset(line, '.', line_bytes);
    memcpy(line, text, (size_t)length);
    line[line_bytes - 1] = '\n';
    console->made += 1;
    console->to += line_bytes;
  }
}

/* Writes what the console may have by now, until its BMC takes no more. A portion may end inside a line. */
static void give(struct console *console) {
  while (console->written < console->allowed) {
    if (console->from == console->to) make_lines(console);
    long long wanted = console->allowed - console->written;
    if (wanted > console->to - console->from) wanted = console->to - console->from;
    ssize_t written = write(console->socket, console->line + console->from, (size_t)wanted);
    if (written < 0 && errno != EAGAIN) fail("write to a BMC");
    if (written < 0) return block(console, 1);
    console->from += (int)written;
    console->written += written;
  }
  block(console, 0);
}

/* Gives everyone the portions that are due; returns by how much the latest of them missed its time. */
static long long give_portions(long long began) {
  const long long total = total_lines * line_bytes;
  long long latest = 0;
  for (int i = 0; i < count; i += 1) {
    struct console *console = &consoles[i];
    long long now = now_ns(CLOCK_MONOTONIC);
    if (console->allowed == total || now < console->due_ns) continue;
    long long late = now - console->due_ns + (console->allowed - console->written) * 1000000000LL / rate;
    if (late > latest) latest = late;
    while (console->due_ns <= now) console->due_ns += tick_ns;
    console->allowed = (console->due_ns - began - tick_ns * i / count) * rate / 1000000000LL;
    if (console->allowed > total) console->allowed = total;
    if (!console->blocked) give(console);
  }
  return latest;
}

static int finished(void) {
  for (int i = 0; i < count; i += 1)
    if (consoles[i].written < total_lines * line_bytes) return 0;
  return 1;
}

static void run_round(int timer) {
  const long long began = now_ns(CLOCK_MONOTONIC);
  long long latest = 0;
  for (int i = 0; i < count; i += 1) {
    struct console *console = &consoles[i];
    console->made = console->written = console->from = console->to = 0;
    console->allowed = rate == 0 ? total_lines * line_bytes : 0;
    console->due_ns = began + tick_ns * i / count;
    if (rate == 0) give(console);
  }
  struct itimerspec every = {{0, 1000000}, {0, 1000000}}, never = {{0, 0}, {0, 0}};
  if (rate > 0) timerfd_settime(timer, 0, &every, NULL);
  while (!finished()) {
    struct epoll_event ready[64];
    int n = epoll_wait(events, ready, 64, -1);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    for (int e = 0; e < n; e += 1) {
      if ((int)ready[e].data.u32 == count) {
        long long ticks;
        if (read(timer, &ticks, sizeof ticks) < 0) continue;
        long long late = give_portions(began);
        if (late > latest) latest = late;
        continue;
      }
      struct console *console = &consoles[ready[e].data.u32];
      char typed[256];
      if (ready[e].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && read(console->socket, typed, sizeof typed) <= 0) fail("a BMC hung up");
      if (ready[e].events & EPOLLOUT) give(console);
    }
  }
  timerfd_settime(timer, 0, &never, NULL);
  printf("done %lld %lld\n", now_ns(CLOCK_MONOTONIC) - began, latest);
}

int main(int argc, char **argv) {
  count = argc > 1 ? atoi(argv[1]) : 0;
  if (count <= 0) return 2;
  consoles = calloc((size_t)count, sizeof *consoles);
  int *listeners = calloc((size_t)count, sizeof *listeners);
  events = epoll_create1(EPOLL_CLOEXEC);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (consoles == NULL || listeners == NULL || events < 0 || timer < 0) fail("start");

  printf("ports");
  for (int i = 0; i < count; i += 1) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listeners[i] < 0 || bind(listeners[i], (struct sockaddr *)&address, length) < 0 || listen(listeners[i], 1) < 0) fail("listen");
    if (getsockname(listeners[i], (struct sockaddr *)&address, &length) < 0) fail("getsockname");
    printf(" %d", ntohs(address.sin_port));
  }
  printf("\n");
  fflush(stdout);

  for (int i = 0; i < count; i += 1) {
    /* One after the other: the others wait in their backlogs. */
    consoles[i].socket = accept4(listeners[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (consoles[i].socket < 0) fail("accept");
    close(listeners[i]);
    watch(EPOLL_CTL_ADD, consoles[i].socket, (unsigned)i, EPOLLIN);
  }
  watch(EPOLL_CTL_ADD, timer, (unsigned)count, EPOLLIN);
  printf("connected\n");
  fflush(stdout);

  char order[128];
  while (fgets(order, sizeof order, stdin) != NULL) {
    long long tick_ms;
    if (sscanf(order, "go %lld %lld %lld %lld", &round_number, &total_lines, &rate, &tick_ms) != 4 || tick_ms <= 0) return 2;
    tick_ns = tick_ms * 1000000;
    run_round(timer);
    fflush(stdout);
  }
  return 0;
}
