#include "include/CImages.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int fail(char *message, const char *text) {
    snprintf(message, CI_MESSAGE, "%s", text);
    return -1;
}

static int inflate_all(
    z_stream *stream, const uint8_t *bytes, size_t size, size_t limit, int prefix, ci_bytes *result, char *message) {
    size_t position = 0, capacity = 0;
    for (;;) {
        if (result->size == capacity) {
            if (prefix && capacity == limit) return 0;
            // One byte more than the limit tells "too long" from "just right".
            size_t wanted = capacity == 0 ? 65536 : capacity * 2;
            size_t most = prefix ? limit : limit + 1;
            if (wanted > most) wanted = most;
            if (wanted == capacity) return fail(message, "holds more data than its header or the limit allows");
            uint8_t *grown = realloc(result->bytes, wanted);
            if (grown == NULL) return fail(message, "does not fit into memory");
            result->bytes = grown;
            capacity = wanted;
        }
        size_t input = size - position < INT_MAX ? size - position : INT_MAX;
        size_t output = capacity - result->size < INT_MAX ? capacity - result->size : INT_MAX;
        stream->next_in = (Bytef *)(bytes + position);
        stream->avail_in = (uInt)input;
        stream->next_out = result->bytes + result->size;
        stream->avail_out = (uInt)output;
        int status = inflate(stream, Z_NO_FLUSH);
        position += input - stream->avail_in;
        result->size += output - stream->avail_out;
        if (!prefix && result->size > limit) return fail(message, "holds more data than its header or the limit allows");
        if (status == Z_STREAM_END) {
            while (position < size && bytes[position] == 0) position++;
            if (position == size) return 0;
            if (inflateReset(stream) != Z_OK) return fail(message, "cannot be decompressed");
        } else if (status == Z_BUF_ERROR && position == size) {
            return fail(message, "ends too early (truncated gzip)");
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            snprintf(
                message, CI_MESSAGE, "is not a valid gzip file (%s)", stream->msg ? stream->msg : "corrupt data");
            return -1;
        }
    }
}

int ci_gunzip(const uint8_t *bytes, size_t size, size_t limit, int prefix, ci_bytes *result, char *message) {
    *result = (ci_bytes){0};
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return fail(message, "cannot be decompressed");
    int status = inflate_all(&stream, bytes, size, limit, prefix, result, message);
    inflateEnd(&stream);
    if (status < 0) ci_bytes_free(result);
    return status;
}
