// SPDX-License-Identifier: MIT
/*
 * How many questions a second a server on a Unix socket answers.
 *   rates ask SOCKET CLIENTS MILLISECONDS LINES START QUESTION   so many connections, each with one
 *             question under way; a reply is so many lines and begins with START. Prints replies a second
 *   rates echo SOCKET   answers with what was sent: what a loop costs that does nothing else
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define BYTES_MAX 65536

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void write_all(int fd, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(fd, bytes, count);

		must(written > 0, "write");
		bytes += written;
		count -= (size_t)written;
	}
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	must(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	must(strlen(path) < sizeof(address.sun_path), "path");
	strcpy(address.sun_path, path);
	return address;
}

static void echo(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), epoll = epoll_create1(0);
	static char bytes[BYTES_MAX];

	must(!bind(listener, (struct sockaddr *)&address, sizeof(address)), "bind");
	must(!listen(listener, CLIENTS_MAX), "listen");
	watch(epoll, listener);
	for (;;) {
		struct epoll_event events[CLIENTS_MAX];
		int count = epoll_wait(epoll, events, CLIENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			ssize_t got;

			if (fd == listener) {
				watch(epoll, accept(listener, NULL, NULL));
				continue;
			}
			got = read(fd, bytes, sizeof(bytes));
			/* The client may be gone meanwhile. */
			if (got <= 0 || send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
				close(fd);
		}
	}
}

struct client {
	int fd;
	long lines; /* of the reply under way */
	size_t bytes;
};

/* Whether the reply is whole. */
static int take(struct client *client, long lines, const char *start)
{
	static char bytes[BYTES_MAX];
	ssize_t got = read(client->fd, bytes, sizeof(bytes));

	must(got > 0, "read");
	if (!client->bytes && strncmp(bytes, start, strlen(start)) != 0) {
		fprintf(stderr, "rates: %.*s\n", (int)got, bytes);
		exit(1);
	}
	client->bytes += (size_t)got;
	for (ssize_t i = 0; i < got; i++)
		client->lines += bytes[i] == '\n';
	return client->lines == lines;
}

static double ask(const char *path, int count, double seconds, long lines, const char *start,
		  const char *question)
{
	static struct client clients[CLIENTS_MAX];
	struct sockaddr_un address = address_of(path);
	int epoll = epoll_create1(0);
	double begin, end;
	long replies = 0;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		must(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
		must(fd < CLIENTS_MAX, "descriptors");
		clients[fd] = (struct client){ .fd = fd };
		watch(epoll, fd);
		write_all(fd, question, strlen(question));
	}
	begin = end = now_s();
	while (end < begin + seconds) {
		struct epoll_event events[CLIENTS_MAX];
		int ready = epoll_wait(epoll, events, CLIENTS_MAX, 1000);

		for (int i = 0; i < ready; i++) {
			struct client *client = &clients[events[i].data.fd];

			if (!take(client, lines, start))
				continue;
			replies++;
			*client = (struct client){ .fd = client->fd };
			write_all(client->fd, question, strlen(question));
		}
		end = now_s();
	}
	return (double)replies / (end - begin);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "echo"))
		echo(argv[2]);
	if (argc != 8 || strcmp(argv[1], "ask") != 0 || atoi(argv[3]) < 1 ||
	    atoi(argv[3]) > CLIENTS_MAX - 16)
		return 2;
	printf("%.0f\n", ask(argv[2], atoi(argv[3]), atof(argv[4]) / 1000, atol(argv[5]), argv[6], argv[7]));
	return 0;
}
