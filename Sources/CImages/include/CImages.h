// A small C API over libpng, turbojpeg, zlib, libarchive and cairo for Swift.
//
// No function lets a longjmp leave C. A function that can fail returns a negative number (or NULL) and writes one
// English clause, without file name or full stop, to `message`, which has room for CI_MESSAGE characters.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <stddef.h>
#include <stdint.h>

#define CI_MESSAGE 256

// MARK: Bytes and files (files.c)

/// Bytes from malloc; give them back with ci_bytes_free.
typedef struct {
    uint8_t *bytes;
    size_t size;
} ci_bytes;

void ci_bytes_free(ci_bytes *bytes);

/// Opens a regular file for reading. Returns the descriptor and its size.
int ci_open(const char *path, int64_t *size, char *message);
/// Reads exactly `size` bytes at `offset`; safe from many threads at once.
int ci_pread(int descriptor, uint8_t *bytes, size_t size, int64_t offset, char *message);
void ci_close(int descriptor);

// MARK: gzip (gzip.c)

/// Decompresses all members and checks their CRCs. More than `limit` bytes: an error, or, with `prefix`, just the
/// first `limit` bytes. Memory grows with the bytes really there.
int ci_gunzip(const uint8_t *bytes, size_t size, size_t limit, int prefix, ci_bytes *result, char *message);

// MARK: Images (png.c, jpeg.c)

/// Rows of 8-bit grey (1 channel) or RGB (3 channels) pixels from malloc; give them back with ci_image_free.
typedef struct {
    int width, height, channels;
    uint8_t *pixels;
} ci_image;

typedef struct {
    int side;
    int64_t pixels;
} ci_limits;

void ci_image_free(ci_image *image);

/// A text chunk of a PNG: Latin-1 (tEXt, zTXt) or UTF-8 (iTXt).
typedef struct {
    char *key, *value;
    size_t length;
    int utf8;
} ci_text;

typedef struct {
    ci_text *items;
    int count;
} ci_texts;

void ci_texts_free(ci_texts *texts);

/// Decodes a whole PNG. 16 bits become 8, palettes colours; transparency is laid over white. `texts` may be NULL.
int ci_png_read(
    const uint8_t *bytes, size_t size, ci_limits limits, ci_image *image, ci_texts *texts, char *message);
/// Encodes a PNG with tEXt (`utf8` 0) and iTXt chunks.
int ci_png_write(const ci_image *image, const ci_text *texts, int count, ci_bytes *result, char *message);

/// Decodes a JPEG: grey, YCbCr, RGB, CMYK or YCCK (the latter two by Adobe's convention, as Pillow does).
int ci_jpeg_read(const uint8_t *bytes, size_t size, ci_limits limits, ci_image *image, char *message);
/// Encodes a JPEG of a quality of 1 to 100, colours at full resolution.
int ci_jpeg_write(const ci_image *image, int quality, ci_bytes *result, char *message);

// MARK: Archives (archive.c)

typedef struct ci_archive ci_archive;

enum { CI_FILE = 0, CI_FOLDER = 1, CI_LINK = 2, CI_OTHER = 3 };

typedef struct {
    const char *path;  // UTF-8 where libarchive knows it; valid until the next call
    int64_t size;
    int64_t offset;  // of the content in the (uncompressed) archive
    int kind;
} ci_entry;

/// Opens an uncompressed tar by descriptor (`bytes` NULL) or in memory, for listing.
ci_archive *ci_tar_open(int descriptor, const uint8_t *bytes, size_t size, char *message);
/// Opens a zip for reading.
ci_archive *ci_zip_open(const char *path, char *message);
/// 1: `entry` is the next one; 0: the end.
int ci_archive_next(ci_archive *archive, ci_entry *entry, char *message);
/// Reads the next `size` bytes of the current entry; `count` is smaller only at its end.
int ci_archive_read(ci_archive *archive, uint8_t *bytes, size_t size, size_t *count, char *message);
void ci_archive_free(ci_archive *archive);

typedef struct ci_zip ci_zip;

/// Starts a zip without compression on a descriptor, which stays the caller's.
ci_zip *ci_zip_create(int descriptor, char *message);
int ci_zip_entry(ci_zip *zip, const char *path, int64_t size, char *message);
int ci_zip_write(ci_zip *zip, const uint8_t *bytes, size_t size, char *message);
int ci_zip_close(ci_zip *zip, char *message);
void ci_zip_free(ci_zip *zip);

// MARK: Canvas (canvas.c)

/// A drawing surface; colours are 0xRRGGBB, lengths pixels, y runs down.
typedef struct ci_canvas ci_canvas;

ci_canvas *ci_canvas_create(int width, int height, uint32_t colour, char *message);
void ci_canvas_rectangle(
    ci_canvas *canvas, double x, double y, double width, double height, uint32_t colour, double opacity);
/// Strokes a polyline through `count` points (x, y, x, y, …).
void ci_canvas_line(
    ci_canvas *canvas, const double *points, int count, double width, uint32_t colour, double opacity);
/// `align` 0 starts, 0.5 centres, 1 ends the text at x; y is the baseline; `angle` is in radians.
void ci_canvas_text(
    ci_canvas *canvas, const char *text, double x, double y, double size, int bold, uint32_t colour, double align,
    double angle);
double ci_canvas_text_width(ci_canvas *canvas, const char *text, double size, int bold);
/// Copies the RGB pixels out.
int ci_canvas_pixels(ci_canvas *canvas, uint8_t *pixels, char *message);
void ci_canvas_free(ci_canvas *canvas);

#endif
