#define _FILE_OFFSET_BITS 64
#include "include/CImages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(char *message, const char *what) {
    snprintf(message, CI_MESSAGE, "%s: %s", what, strerror(errno));
    return -1;
}

void ci_bytes_free(ci_bytes *bytes) {
    free(bytes->bytes);
    bytes->bytes = NULL;
    bytes->size = 0;
}

int ci_open(const char *path, int64_t *size, char *message) {
    // O_NONBLOCK: a named pipe must not hang the program before it is refused.
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return fail(message, "cannot be opened");
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        fail(message, "cannot be examined");
        close(descriptor);
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(message, CI_MESSAGE, "is not a regular file");
        close(descriptor);
        return -1;
    }
    *size = status.st_size;
    return descriptor;
}

int ci_pread(int descriptor, uint8_t *bytes, size_t size, int64_t offset, char *message) {
    while (size > 0) {
        size_t part = size < ((size_t)1 << 30) ? size : ((size_t)1 << 30);
        ssize_t count = pread(descriptor, bytes, part, offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(message, "cannot be read");
        if (count == 0) {
            snprintf(message, CI_MESSAGE, "ends too early");
            return -1;
        }
        bytes += count;
        size -= (size_t)count;
        offset += count;
    }
    return 0;
}

void ci_close(int descriptor) { close(descriptor); }
