// SPDX-License-Identifier: MIT
/* libevent does the I/O (with OpenSSL for rediss:), hiredis reads and writes the protocol. What is
 * taken from the server is bounded: the elements of an array before they are made, and a reply by
 * what of it has arrived. */
#include "daemon/shared_link.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_limits.h"
#include "lib/clock.h"

/* More elements than any of our replies has are a server that is none, and memory for them is not
 * asked for. */
#if HIREDIS_MAJOR >= 1
typedef size_t array_elements;
#else
typedef int array_elements;
#endif
static redisReplyObjectFunctions reply_functions;
static void *(*create_array)(const redisReadTask *task, array_elements elements);

static void *create_short_array(const redisReadTask *task, array_elements elements)
{
	return elements > SHARED_PARTS_MAX ? NULL : create_array(task, elements);
}

static redisReader *new_reader(void)
{
	redisReader *reader = redisReaderCreate();

	if (!reader)
		return NULL;
	if (!create_array) {
		reply_functions = *reader->fn;
		create_array = reply_functions.createArray;
		reply_functions.createArray = create_short_array;
	}
	reader->fn = &reply_functions;
	return reader;
}

static void fail(struct shared_link *link, const char *reason)
{
	link->owner.on_fault(link->owner.arg, reason);
}

void shared_link_send(struct shared_link *link, size_t count, const char *words[],
		      const size_t bytes[])
{
	char *text;
	int len = redisFormatCommandArgv(&text, (int)count, words, bytes);

	if (len < 0)
		return; /* no memory: the missing reply breaks the connection */
	bufferevent_write(link->stream, text, (size_t)len);
	redisFreeCommand(text);
}

void shared_link_send_word(struct shared_link *link, const char *word, struct text argument)
{
	const char *words[] = { word, argument.ptr };
	const size_t bytes[] = { strlen(word), argument.len };

	shared_link_send(link, argument.len ? 2 : 1, words, bytes);
}

static void on_connected(struct shared_link *link)
{
	const struct shared_address *address = link->address;
	const char *user = address->user, *password = address->password;
	const char *words[] = { "AUTH", user ? user : password, password };
	char number[16];
	int one = 1;

	link->heard_ms = clock_monotonic_ms();
	setsockopt(bufferevent_getfd(link->stream), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (password) {
		const size_t bytes[] = { 4, strlen(words[1]), strlen(password) };

		shared_link_send(link, user ? 3 : 2, words, bytes);
		link->set_up++;
	}
	if (address->database) {
		snprintf(number, sizeof(number), "%d", address->database);
		shared_link_send_word(link, "SELECT", text_of(number));
		link->set_up++;
	}
	link->owner.on_open(link->owner.arg, link);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct shared_link *link = arg;
	SSL *ssl = bufferevent_openssl_get_ssl(stream);
	const char *reason = "the server closed the connection";
	unsigned long error = ssl ? bufferevent_get_openssl_error(stream) : 0;
	int dns_error = bufferevent_socket_get_dns_error(stream);

	if (what & BEV_EVENT_CONNECTED) {
		on_connected(link);
		return;
	}
	if (dns_error)
		reason = evutil_gai_strerror(dns_error);
	else if (ssl && SSL_get_verify_result(ssl) != X509_V_OK)
		reason = X509_verify_cert_error_string(SSL_get_verify_result(ssl));
	else if (error)
		reason = ERR_reason_error_string(error) ? ERR_reason_error_string(error) :
							  "TLS failed";
	else if (what & BEV_EVENT_ERROR && errno)
		reason = strerror(errno);
	fail(link, reason);
}

/* An error is shown to people, and is part of our replies: plain ASCII, whatever the server says. */
static void make_plain(redisReply *error)
{
	for (char *at = error->str; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
}

static void on_reply(struct shared_link *link, redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR)
		make_plain(reply);
	if (!link->set_up) {
		link->owner.on_reply(link->owner.arg, link, reply);
	} else {
		link->set_up--;
		if (reply->type == REDIS_REPLY_ERROR)
			fail(link, reply->str);
	}
}

static void on_input(struct bufferevent *stream, void *arg)
{
	struct shared_link *link = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	void *reply;

	link->heard_ms = clock_monotonic_ms();
	while (evbuffer_get_length(input)) {
		size_t len = evbuffer_get_contiguous_space(input);

		if (redisReaderFeed(link->reader,
				    (const char *)evbuffer_pullup(input, (ev_ssize_t)len),
				    len) != REDIS_OK) {
			fail(link, "out of memory");
			return;
		}
		evbuffer_drain(input, len);
		for (;;) {
			if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
				fail(link, "the server does not speak the protocol of Redis");
				return;
			}
			if (!reply)
				break;
			on_reply(link, reply);
			freeReplyObject(reply);
			if (!link->stream)
				return; /* closed */
		}
		if (link->reader->len - link->reader->pos > SHARED_REPLY_BYTES_MAX) {
			fail(link, "the server's answer is too long");
			return;
		}
	}
}

bool shared_link_open(struct shared_link *link, struct event_base *base, struct evdns_base *dns)
{
	link->set_up = 0;
	link->heard_ms = clock_monotonic_ms();
	link->reader = new_reader();
	link->stream = shared_address_stream(link->address, base);
	if (!link->reader || !link->stream) {
		shared_link_close(link);
		return false;
	}
	bufferevent_setcb(link->stream, on_input, NULL, on_event, link);
	bufferevent_setwatermark(link->stream, EV_READ, 0, SHARED_REPLY_BYTES_MAX);
	bufferevent_enable(link->stream, EV_READ | EV_WRITE);
	return !bufferevent_socket_connect_hostname(link->stream, dns, AF_UNSPEC,
						    link->address->host, link->address->port);
}

void shared_link_close(struct shared_link *link)
{
	if (link->stream) {
		SSL *ssl = bufferevent_openssl_get_ssl(link->stream);

		if (ssl) {
			/* No close_notify is waited for. */
			SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
			SSL_shutdown(ssl);
		}
		bufferevent_free(link->stream);
	}
	if (link->reader)
		redisReaderFree(link->reader);
	link->stream = NULL;
	link->reader = NULL;
}
