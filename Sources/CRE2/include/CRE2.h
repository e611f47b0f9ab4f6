/// RE2 behind a C header: linear-time regular expressions for Swift.
/// No function here throws: what C++ would throw comes back as a null pointer or an error text.
#ifndef CRE2_H
#define CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled pattern. Safe to match from several threads at once.
typedef struct cre2_pattern cre2_pattern;

/// Compiles `length` bytes of UTF-8. Null only when memory is short; a pattern that RE2 refuses has an error text.
/// `max_memory`: bytes RE2 may use for its programs and caches.
cre2_pattern *cre2_compile(const char *text, size_t length, int64_t max_memory);

/// Null for a usable pattern; otherwise why RE2 refused it, valid until the pattern is freed.
const char *cre2_error(const cre2_pattern *pattern);

/// Instructions of the forward program, a measure of what a match may cost.
int cre2_program_size(const cre2_pattern *pattern);

/// 1 when the pattern matches somewhere in the text, 0 when it does not, -1 when matching failed (out of memory).
int cre2_match(const cre2_pattern *pattern, const char *text, size_t length);

void cre2_free(cre2_pattern *pattern);

#ifdef __cplusplus
}
#endif

#endif
