#pragma once

#include <stddef.h>
#include <stdint.h>

/// A file of the studio's page, or the description of its API.
typedef struct {
    const char *name;
    const uint8_t *bytes;
    size_t length;
} page_file;

/// All of them, for as long as the program runs.
///
/// @param count how many there are
const page_file *page_files(size_t *count);
