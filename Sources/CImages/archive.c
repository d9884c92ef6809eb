#include "include/CImages.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(char *message, const char *what, struct archive *archive) {
    const char *cause = archive != NULL ? archive_error_string(archive) : NULL;
    snprintf(message, CI_MESSAGE, "%s (%s)", what, cause != NULL ? cause : "libarchive gives no cause");
    return -1;
}

/// libarchive says only "Write error"; the system's cause, such as a full disk, is in its errno.
static int fail_to_write(char *message, struct archive *archive) {
    int cause = archive_errno(archive);
    if (cause <= 0) return fail(message, "cannot be written", archive);
    snprintf(message, CI_MESSAGE, "cannot be written: %s", strerror(cause));
    return -1;
}

// MARK: - Reading

struct ci_archive {
    struct archive *handle;
    const char *name;
};

static ci_archive *open_with(struct archive *handle, int status, const char *name, char *message) {
    ci_archive *result = status == ARCHIVE_OK ? calloc(1, sizeof(ci_archive)) : NULL;
    if (result == NULL) {
        snprintf(message, CI_MESSAGE, "is not a valid %s archive", name);
        if (handle != NULL) archive_read_free(handle);
        return NULL;
    }
    result->handle = handle;
    result->name = name;
    return result;
}

ci_archive *ci_tar_open(int descriptor, const uint8_t *bytes, size_t size, char *message) {
    struct archive *handle = archive_read_new();
    int status = ARCHIVE_FATAL;
    if (handle != NULL && archive_read_support_format_tar(handle) == ARCHIVE_OK) {
        status = bytes != NULL ? archive_read_open_memory(handle, bytes, size)
                               : archive_read_open_fd(handle, descriptor, 1 << 16);
    }
    return open_with(handle, status, "tar", message);
}

ci_archive *ci_zip_open(const char *path, char *message) {
    struct archive *handle = archive_read_new();
    int status = ARCHIVE_FATAL;
    if (handle != NULL && archive_read_support_format_zip(handle) == ARCHIVE_OK)
        status = archive_read_open_filename(handle, path, 1 << 16);
    return open_with(handle, status, "zip", message);
}

int ci_archive_next(ci_archive *archive, ci_entry *entry, char *message) {
    struct archive_entry *header;
    int status = archive_read_next_header(archive->handle, &header);
    if (status == ARCHIVE_EOF) return 0;
    // A warning says only that a name or an attribute does not fit the locale.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
        char what[64];
        snprintf(what, sizeof what, "is not a valid %s archive", archive->name);
        return fail(message, what, archive->handle);
    }
    entry->path = archive_entry_pathname_utf8(header);
    if (entry->path == NULL) entry->path = archive_entry_pathname(header);
    if (entry->path == NULL) return fail(message, "has an entry whose name cannot be read", archive->handle);
    entry->size = archive_entry_size_is_set(header) ? archive_entry_size(header) : -1;
    entry->offset = archive_filter_bytes(archive->handle, 0);
    int is_link = archive_entry_hardlink(header) != NULL || archive_entry_filetype(header) == AE_IFLNK;
    int is_plain = archive_entry_filetype(header) == AE_IFREG && archive_entry_sparse_count(header) == 0;
    entry->kind = is_link ? CI_LINK
                          : is_plain ? CI_FILE : archive_entry_filetype(header) == AE_IFDIR ? CI_FOLDER : CI_OTHER;
    return 1;
}

int ci_archive_read(ci_archive *archive, uint8_t *bytes, size_t size, size_t *count, char *message) {
    *count = 0;
    while (*count < size) {
        la_ssize_t got = archive_read_data(archive->handle, bytes + *count, size - *count);
        if (got == 0) return 0;
        if (got < 0) return fail(message, "is damaged", archive->handle);
        *count += (size_t)got;
    }
    return 0;
}

void ci_archive_free(ci_archive *archive) {
    archive_read_free(archive->handle);
    free(archive);
}

// MARK: - Writing

struct ci_zip {
    struct archive *handle;
};

ci_zip *ci_zip_create(int descriptor, char *message) {
    struct archive *handle = archive_write_new();
    ci_zip *result = calloc(1, sizeof(ci_zip));
    if (handle == NULL || result == NULL || archive_write_set_format_zip(handle) != ARCHIVE_OK
        || archive_write_zip_set_compression_store(handle) != ARCHIVE_OK
        || archive_write_set_bytes_in_last_block(handle, 1) != ARCHIVE_OK
        || archive_write_open_fd(handle, descriptor) != ARCHIVE_OK) {
        fail(message, "cannot be written", handle);
        if (handle != NULL) archive_write_free(handle);
        free(result);
        return NULL;
    }
    result->handle = handle;
    return result;
}

int ci_zip_entry(ci_zip *zip, const char *path, int64_t size, char *message) {
    struct archive_entry *header = archive_entry_new();
    if (header == NULL) return fail(message, "cannot be written", NULL);
    archive_entry_set_pathname(header, path);
    archive_entry_set_filetype(header, AE_IFREG);
    archive_entry_set_perm(header, 0644);
    archive_entry_set_size(header, size);
    archive_entry_set_mtime(header, 315532800, 0);  // 1980: equal content gives equal files
    int status = archive_write_header(zip->handle, header);
    archive_entry_free(header);
    return status == ARCHIVE_OK ? 0 : fail_to_write(message, zip->handle);
}

int ci_zip_write(ci_zip *zip, const uint8_t *bytes, size_t size, char *message) {
    while (size > 0) {
        la_ssize_t count = archive_write_data(zip->handle, bytes, size);
        if (count <= 0) return fail_to_write(message, zip->handle);
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

int ci_zip_close(ci_zip *zip, char *message) {
    return archive_write_close(zip->handle) == ARCHIVE_OK ? 0 : fail_to_write(message, zip->handle);
}

void ci_zip_free(ci_zip *zip) {
    archive_write_free(zip->handle);
    free(zip);
}
