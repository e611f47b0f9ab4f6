// The receiver of bench_relay.py: HTTP/1.1 with Content-Length, nothing else. It notes when each event came and answers at
// once, or after a delay. In C, since whatever it costs is part of every round trip that the relays are measured by, and
// shares two processors with them.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 4096, BUFFER = 1 << 18 };

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
static const char REFUSAL[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

struct receiver {
    int listener;
    double delay;
    atomic_int refuses;
    atomic_long count, distinct, refused;
    long most;      // events
    double *times;  // of each event, by number; 0 if it has not come
};

struct connection {
    char *buffer;
    size_t used;
};

// Answers that are due, in the order of their times: the delay is the same for all.
struct due {
    double at;
    int socket;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void answer(int socket, const char *text, size_t length) {
    // A relay that is gone is no error here.
    (void)!send(socket, text, length, MSG_NOSIGNAL);
}

struct receiver *receiver_create(int listener, double delay, long most) {
    struct receiver *it = calloc(1, sizeof *it);
    it->listener = listener;
    it->delay = delay;
    it->most = most;
    it->times = calloc((size_t)most + 1, sizeof *it->times);
    return it;
}

long receiver_count(struct receiver *it) { return atomic_load(&it->count); }
long receiver_distinct(struct receiver *it) { return atomic_load(&it->distinct); }
long receiver_refused(struct receiver *it) { return atomic_load(&it->refused); }

double receiver_time(struct receiver *it, long number) { return number > it->most ? 0 : it->times[number]; }

// Begins anew. Only while no relay sends.
void receiver_reset(struct receiver *it, int refuses) {
    memset(it->times, 0, ((size_t)it->most + 1) * sizeof *it->times);
    atomic_store(&it->count, 0);
    atomic_store(&it->distinct, 0);
    atomic_store(&it->refuses, refuses);
}

struct loop {
    struct receiver *it;
    struct connection connections[MOST_CONNECTIONS];
    struct due waiting[MOST_CONNECTIONS];
    size_t first, waits;
};

static void take(struct loop *loop, int socket, char *body, size_t length, double at) {
    struct receiver *it = loop->it;
    if (atomic_load(&it->refuses)) {
        atomic_fetch_add(&it->refused, 1);
        return answer(socket, REFUSAL, sizeof REFUSAL - 1);
    }
    char *mark = memmem(body, length, "\"seq\":", 6);
    long number = mark ? strtol(mark + 6, NULL, 10) : 0;
    if (number > 0 && number <= it->most && it->times[number] == 0) {
        it->times[number] = at;
        atomic_fetch_add(&it->distinct, 1);
    }
    atomic_fetch_add(&it->count, 1);
    if (it->delay == 0) return answer(socket, ANSWER, sizeof ANSWER - 1);
    loop->waiting[(loop->first + loop->waits++) % MOST_CONNECTIONS] = (struct due){at + it->delay, socket};
}

// Milliseconds until the next answer is due; epoll counts whole ones, so the last one is spent polling.
static int send_due(struct loop *loop) {
    while (loop->waits) {
        struct due *due = &loop->waiting[loop->first];
        double left = due->at - now();
        if (left > 0) return left > 0.001 ? (int)((left - 0.001) * 1000) : 0;
        answer(due->socket, ANSWER, sizeof ANSWER - 1);
        loop->first = (loop->first + 1) % MOST_CONNECTIONS;
        loop->waits--;
    }
    return -1;
}

static void forget(struct loop *loop, int socket) {
    free(loop->connections[socket].buffer);
    loop->connections[socket] = (struct connection){0};
    size_t kept = 0;
    for (size_t place = 0; place < loop->waits; place++) {
        struct due due = loop->waiting[(loop->first + place) % MOST_CONNECTIONS];
        if (due.socket != socket) loop->waiting[(loop->first + kept++) % MOST_CONNECTIONS] = due;
    }
    loop->waits = kept;
    close(socket);
}

static void receive(struct loop *loop, int socket) {
    struct connection *connection = &loop->connections[socket];
    ssize_t got = recv(socket, connection->buffer + connection->used, BUFFER - 1 - connection->used, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) forget(loop, socket);
        return;
    }
    connection->used += (size_t)got;
    connection->buffer[connection->used] = 0;
    double at = now();
    char *begin = connection->buffer, *end = begin + connection->used, *head;
    while ((head = memmem(begin, (size_t)(end - begin), "\r\n\r\n", 4))) {
        *head = 0;
        char *mark = strcasestr(begin, "content-length:");
        *head = '\r';
        size_t length = mark ? strtoul(mark + 15, NULL, 10) : 0;
        char *body = head + 4;
        if ((size_t)(end - body) < length) break;
        take(loop, socket, body, length, at);
        begin = body + length;
    }
    connection->used = (size_t)(end - begin);
    memmove(connection->buffer, begin, connection->used);
}

// For ever; in a thread of its own.
void receiver_serve(struct receiver *it) {
    struct loop *loop = calloc(1, sizeof *loop);
    loop->it = it;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = it->listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, it->listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, 256, send_due(loop));
        for (int place = 0; place < count; place++) {
            int socket = events[place].data.fd;
            if (socket != it->listener) {
                receive(loop, socket);
                continue;
            }
            int accepted = accept4(it->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (accepted < 0) continue;
            if (accepted >= MOST_CONNECTIONS) {
                close(accepted);
                continue;
            }
            int yes = 1;
            setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            loop->connections[accepted].buffer = malloc(BUFFER);
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = accepted};
            epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &event);
        }
    }
}
