#include "CRE2.h"

#include <new>
#include <re2/re2.h>

struct cre2_pattern {
    cre2_pattern(re2::StringPiece text, const RE2::Options &options) : expression(text, options) {}
    RE2 expression;
};

cre2_pattern *cre2_compile(const char *text, size_t length, int64_t max_memory) {
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(max_memory);
        return new (std::nothrow) cre2_pattern(re2::StringPiece(text, length), options);
    } catch (...) {
        return nullptr;
    }
}

const char *cre2_error(const cre2_pattern *pattern) {
    return pattern->expression.ok() ? nullptr : pattern->expression.error().c_str();
}

int cre2_program_size(const cre2_pattern *pattern) { return pattern->expression.ProgramSize(); }

int cre2_match(const cre2_pattern *pattern, const char *text, size_t length) {
    try {
        return RE2::PartialMatch(re2::StringPiece(text, length), pattern->expression) ? 1 : 0;
    } catch (...) {
        return -1;
    }
}

void cre2_free(cre2_pattern *pattern) { delete pattern; }
