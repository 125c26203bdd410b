/* SPDX-License-Identifier: MIT */
/* The shared store's URL, and streams by it, TCP or TLS. */
#pragma once

#include <event2/bufferevent.h>
#include <openssl/ssl.h>

#define SHARED_PREFIX_BYTES_MAX 128
#define SHARED_ADDRESS_BYTES_MAX 320
/* Elements of the longest array that a server of ours sends. */
#define SHARED_PARTS_MAX 64

struct shared_address {
	SSL_CTX *tls; /* NULL: redis: */
	char *host, *user, *password; /* NULL: there is none */
	int port, database;
	char prefix[SHARED_PREFIX_BYTES_MAX];
	char text[SHARED_ADDRESS_BYTES_MAX]; /* "HOST:PORT/DATABASE", for people */
};

/* redis[s]://[[USER][:PASSWORD]@]HOST[:PORT][/DATABASE][?prefix=..&cacert=..&cert=..&key=..]
 * What is wrong with it, without a word of it, or NULL. To be released in either case. */
const char *shared_address_parse(const char *url, struct shared_address *ret_address);
void shared_address_release(struct shared_address *address);

/* A stream that is not connected yet; with TLS it checks the certificate and its name. NULL without
 * memory. */
struct bufferevent *shared_address_stream(const struct shared_address *address,
					  struct event_base *base);
