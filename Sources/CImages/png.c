#include "include/CImages.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng reports an error by longjmp. Each setjmp stands in a function of its own that only returns −1 after it;
// what must be freed lives in the caller's `state`.

static void on_error(png_structp png, png_const_charp text) {
    snprintf(png_get_error_ptr(png), CI_MESSAGE, "is not a valid PNG (%s)", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void *grow(void *pointer, size_t size) { return realloc(pointer, size > 0 ? size : 1); }

void ci_image_free(ci_image *image) {
    free(image->pixels);
    image->pixels = NULL;
}

void ci_texts_free(ci_texts *texts) {
    for (int i = 0; i < texts->count; i++) {
        free(texts->items[i].key);
        free(texts->items[i].value);
    }
    free(texts->items);
    *texts = (ci_texts){0};
}

// MARK: - Reading

typedef struct {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t size, position;
    png_bytep *rows;
    uint8_t *pixels;
} reader;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    reader *state = png_get_io_ptr(png);
    if (count > state->size - state->position) png_error(png, "it ends too early");
    memcpy(target, state->bytes + state->position, count);
    state->position += count;
}

static int read_pixels(reader *state, ci_limits limits, ci_image *image, char *message) {
    png_structp png = state->png;
    png_infop info = state->info;
    if (setjmp(png_jmpbuf(png))) return -1;
    png_set_read_fn(png, state, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Text chunks may be compressed: few and small ones, or a small file would fill the memory.
    png_set_chunk_cache_max(png, 16);
    png_set_chunk_malloc_max(png, 1 << 22);
    png_read_info(png, info);
    png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    if (width > (png_uint_32)limits.side || height > (png_uint_32)limits.side
        || (int64_t)width * height > limits.pixels) {
        snprintf(message, CI_MESSAGE, "is too large (%u×%u pixels)", width, height);
        return -1;
    }
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row = png_get_rowbytes(png, info);
    state->pixels = malloc(row * height);
    state->rows = malloc(height * sizeof(png_bytep));
    if (state->pixels == NULL || state->rows == NULL) png_error(png, "it does not fit into memory");
    for (png_uint_32 y = 0; y < height; y++) state->rows[y] = state->pixels + y * row;
    png_read_image(png, state->rows);
    png_read_end(png, info);
    image->width = (int)width;
    image->height = (int)height;
    image->channels = png_get_channels(png, info);
    return 0;
}

/// Lays grey+alpha or RGBA over white, in place.
static void flatten(ci_image *image) {
    if (image->channels == 1 || image->channels == 3) return;
    int colours = image->channels - 1;
    size_t count = (size_t)image->width * (size_t)image->height;
    uint8_t *from = image->pixels, *to = image->pixels;
    for (size_t i = 0; i < count; i++, from += colours + 1, to += colours) {
        int alpha = from[colours];
        for (int c = 0; c < colours; c++) to[c] = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    image->channels = colours;
    uint8_t *shrunk = realloc(image->pixels, count * (size_t)colours);
    if (shrunk != NULL) image->pixels = shrunk;
}

static int copy_texts(const reader *state, ci_texts *texts, char *message) {
    png_textp source;
    int count = 0;
    png_get_text(state->png, state->info, &source, &count);
    texts->items = calloc(count > 0 ? (size_t)count : 1, sizeof(ci_text));
    if (texts->items == NULL) goto memory;
    for (int i = 0; i < count; i++) {
        ci_text *text = &texts->items[texts->count++];
        text->utf8 = source[i].compression >= PNG_ITXT_COMPRESSION_NONE;
        text->length = text->utf8 ? source[i].itxt_length : source[i].text_length;
        text->key = strdup(source[i].key);
        text->value = calloc(text->length + 1, 1);
        if (text->key == NULL || text->value == NULL) goto memory;
        if (text->length > 0) memcpy(text->value, source[i].text, text->length);
    }
    return 0;
memory:
    snprintf(message, CI_MESSAGE, "does not fit into memory");
    ci_texts_free(texts);
    return -1;
}

int ci_png_read(
    const uint8_t *bytes, size_t size, ci_limits limits, ci_image *image, ci_texts *texts, char *message) {
    *image = (ci_image){0};
    if (texts != NULL) *texts = (ci_texts){0};
    reader state = {.bytes = bytes, .size = size};
    int status = -1;
    state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (state.png != NULL) state.info = png_create_info_struct(state.png);
    if (state.info == NULL) {
        snprintf(message, CI_MESSAGE, "cannot be decoded: libpng does not start");
    } else {
        status = read_pixels(&state, limits, image, message);
    }
    if (status == 0 && texts != NULL) status = copy_texts(&state, texts, message);
    if (state.png != NULL) png_destroy_read_struct(&state.png, &state.info, NULL);
    free(state.rows);
    if (status == 0) {
        image->pixels = state.pixels;
        flatten(image);
    } else {
        free(state.pixels);
    }
    return status;
}

// MARK: - Writing

typedef struct {
    png_structp png;
    png_infop info;
    png_text *texts;
    ci_bytes result;
    size_t capacity;
} writer;

static void write_bytes(png_structp png, png_bytep source, size_t count) {
    writer *state = png_get_io_ptr(png);
    if (count > state->capacity - state->result.size) {
        size_t capacity = state->capacity * 2 + count + 4096;
        uint8_t *grown = grow(state->result.bytes, capacity);
        if (grown == NULL) png_error(png, "it does not fit into memory");
        state->result.bytes = grown;
        state->capacity = capacity;
    }
    memcpy(state->result.bytes + state->result.size, source, count);
    state->result.size += count;
}

static void flush_bytes(png_structp png) { (void)png; }

static int write_pixels(writer *state, const ci_image *image, const ci_text *texts, int count) {
    png_structp png = state->png;
    png_infop info = state->info;
    if (setjmp(png_jmpbuf(png))) return -1;
    png_set_write_fn(png, state, write_bytes, flush_bytes);
    png_set_IHDR(
        png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
        image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < count; i++) {
        png_text *text = &state->texts[i];
        text->compression = texts[i].utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
        text->key = texts[i].key;
        text->text = texts[i].value;
        text->text_length = texts[i].length;
        text->itxt_length = texts[i].length;
    }
    if (count > 0) png_set_text(png, info, state->texts, count);
    png_write_info(png, info);
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++) png_write_row(png, image->pixels + (size_t)y * row);
    png_write_end(png, info);
    return 0;
}

int ci_png_write(const ci_image *image, const ci_text *texts, int count, ci_bytes *result, char *message) {
    *result = (ci_bytes){0};
    writer state = {0};
    int status = -1;
    state.texts = calloc(count > 0 ? (size_t)count : 1, sizeof(png_text));
    state.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (state.png != NULL) state.info = png_create_info_struct(state.png);
    if (state.info == NULL || state.texts == NULL) {
        snprintf(message, CI_MESSAGE, "cannot be encoded: libpng does not start");
    } else {
        status = write_pixels(&state, image, texts, count);
    }
    if (state.png != NULL) png_destroy_write_struct(&state.png, &state.info);
    free(state.texts);
    if (status == 0) {
        *result = state.result;
    } else {
        free(state.result.bytes);
    }
    return status;
}
