#ifndef SLUICE_CCURL_SHIM_H
#define SLUICE_CCURL_SHIM_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* Swift cannot call variadic functions: one wrapper for each type of argument. */

static inline CURLcode sluice_setopt_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_setopt_off(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_setopt_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_setopt_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_setopt_headers(CURL *easy, struct curl_slist *headers) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

typedef size_t (*sluice_write_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode sluice_setopt_callback(CURL *easy, CURLoption option, sluice_write_callback callback) {
    return curl_easy_setopt(easy, option, callback);
}

typedef curl_socket_t (*sluice_open_socket_callback)(void *context, curlsocktype purpose,
                                                     struct curl_sockaddr *address);

static inline CURLcode sluice_setopt_open_socket(CURL *easy, sluice_open_socket_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}

typedef int (*sluice_close_socket_callback)(void *context, curl_socket_t socket);

static inline CURLcode sluice_setopt_close_socket(CURL *easy, sluice_close_socket_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
}

typedef int (*sluice_before_request_callback)(void *context, char *primary_address, char *local_address,
                                              int primary_port, int local_port);

static inline CURLcode sluice_setopt_before_request(CURL *easy, sluice_before_request_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
}

static inline CURLcode sluice_getinfo_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode sluice_getinfo_off(CURL *easy, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode sluice_getinfo_socket(CURL *easy, CURLINFO info, curl_socket_t *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode sluice_multi_setopt_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

typedef int (*sluice_socket_callback)(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context);

static inline CURLMcode sluice_multi_setopt_socket(CURLM *multi, sluice_socket_callback callback) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
}

typedef int (*sluice_timer_callback)(CURLM *multi, long milliseconds, void *context);

static inline CURLMcode sluice_multi_setopt_timer(CURLM *multi, sluice_timer_callback callback) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
}

/* libcurl's own ALPN makes curl_easy_send fail once h2 is agreed, so it is offered below libcurl. A write that is tried
   again may come from another address and be longer: OpenSSL has to be told that this is meant. */
static inline CURLcode sluice_prepare_h2_context(CURL *easy, void *context, void *unused) {
    (void)easy;
    (void)unused;
    SSL_CTX_set_mode((SSL_CTX *)context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One system call for many records; what is left inside OpenSSL is read before anybody polls. */
    SSL_CTX_set_read_ahead((SSL_CTX *)context, 1);
    SSL_CTX_set_default_read_buffer_len((SSL_CTX *)context, 65536);
    if (SSL_CTX_set_alpn_protos((SSL_CTX *)context, (const unsigned char *)"\x02h2", 3) != 0)
        return CURLE_SSL_CONNECT_ERROR;
    return CURLE_OK;
}

static inline CURLcode sluice_offer_h2(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, sluice_prepare_h2_context);
}

#endif
