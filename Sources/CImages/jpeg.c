#include "include/CImages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

static int fail(char *message, const char *text) {
    snprintf(message, CI_MESSAGE, "is not a valid JPEG (%s)", text);
    return -1;
}

/// Real photographs carry stray bytes before a marker, which every viewer passes over. Such a file is taken if it
/// has an end-of-image marker behind the start of its last scan; every other warning means missing or damaged pixels.
static int is_harmless(const char *warning, const uint8_t *bytes, size_t size) {
    if (strstr(warning, "extraneous bytes before marker") == NULL) return 0;
    for (size_t i = size; i >= 2; i--) {
        if (bytes[i - 2] != 0xFF) continue;
        if (bytes[i - 1] == 0xD9) return 1;
        if (bytes[i - 1] == 0xDA) return 0;
    }
    return 0;
}

/// Adobe's CMYK is stored inverted: R = C·K / 255.
static void cmyk_to_rgb(ci_image *image) {
    size_t count = (size_t)image->width * (size_t)image->height;
    uint8_t *from = image->pixels, *to = image->pixels;
    for (size_t i = 0; i < count; i++, from += 4, to += 3) {
        int black = from[3];
        for (int c = 0; c < 3; c++) to[c] = (uint8_t)((from[c] * black + 127) / 255);
    }
    image->channels = 3;
}

static int decode(
    tjhandle handle, const uint8_t *bytes, size_t size, ci_limits limits, ci_image *image, char *message) {
    int subsampling, space;
    if (tjDecompressHeader3(
            handle, bytes, (unsigned long)size, &image->width, &image->height, &subsampling, &space)
        != 0)
        return fail(message, tjGetErrorStr2(handle));
    if (image->width > limits.side || image->height > limits.side
        || (int64_t)image->width * image->height > limits.pixels) {
        snprintf(message, CI_MESSAGE, "is too large (%d×%d pixels)", image->width, image->height);
        return -1;
    }
    int format = space == TJCS_GRAY ? TJPF_GRAY : space == TJCS_CMYK || space == TJCS_YCCK ? TJPF_CMYK : TJPF_RGB;
    image->channels = tjPixelSize[format];
    image->pixels = malloc((size_t)image->width * (size_t)image->height * (size_t)image->channels);
    if (image->pixels == NULL) return fail(message, "it does not fit into memory");
    if (tjDecompress2(
            handle, bytes, (unsigned long)size, image->pixels, image->width, 0, image->height, format,
            TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
        != 0) {
        const char *text = tjGetErrorStr2(handle);
        if (tjGetErrorCode(handle) != TJERR_WARNING || !is_harmless(text, bytes, size)) return fail(message, text);
    }
    if (format == TJPF_CMYK) cmyk_to_rgb(image);
    return 0;
}

int ci_jpeg_read(const uint8_t *bytes, size_t size, ci_limits limits, ci_image *image, char *message) {
    *image = (ci_image){0};
    tjhandle handle = tjInitDecompress();
    if (handle == NULL) return fail(message, "turbojpeg does not start");
    int status = decode(handle, bytes, size, limits, image, message);
    tjDestroy(handle);
    if (status < 0) ci_image_free(image);
    return status;
}

// MARK: - Writing

int ci_jpeg_write(const ci_image *image, int quality, ci_bytes *result, char *message) {
    *result = (ci_bytes){0};
    int subsampling = image->channels == 1 ? TJSAMP_GRAY : TJSAMP_444;
    tjhandle handle = tjInitCompress();
    unsigned long size = tjBufSize(image->width, image->height, subsampling);
    // From malloc and large enough for any picture, so that turbojpeg never puts memory of its own in its place.
    uint8_t *bytes = handle != NULL && size != (unsigned long)-1 ? malloc(size) : NULL;
    int status = -1;
    if (bytes == NULL) {
        snprintf(message, CI_MESSAGE, "cannot be encoded: turbojpeg does not start, or memory is short");
    } else if (
        tjCompress2(
            handle, image->pixels, image->width, 0, image->height, image->channels == 1 ? TJPF_GRAY : TJPF_RGB, &bytes,
            &size, subsampling, quality, TJFLAG_NOREALLOC)
        != 0) {
        snprintf(message, CI_MESSAGE, "cannot be encoded (%s)", tjGetErrorStr2(handle));
        free(bytes);
    } else {
        *result = (ci_bytes){bytes, size};
        status = 0;
    }
    if (handle != NULL) tjDestroy(handle);
    return status;
}
