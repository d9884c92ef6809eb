#include "include/CImages.h"

#include <cairo.h>
#include <stdio.h>
#include <stdlib.h>

struct ci_canvas {
    cairo_surface_t *surface;
    cairo_t *context;
};

static void set_colour(ci_canvas *canvas, uint32_t colour, double opacity) {
    cairo_set_source_rgba(
        canvas->context, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0, opacity);
}

static void set_font(ci_canvas *canvas, double size, int bold) {
    cairo_select_font_face(
        canvas->context, "sans-serif", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->context, size);
}

ci_canvas *ci_canvas_create(int width, int height, uint32_t colour, char *message) {
    ci_canvas *canvas = calloc(1, sizeof(ci_canvas));
    if (canvas == NULL) {
        snprintf(message, CI_MESSAGE, "does not fit into memory");
        return NULL;
    }
    canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    canvas->context = cairo_create(canvas->surface);
    if (cairo_status(canvas->context) != CAIRO_STATUS_SUCCESS) {
        snprintf(message, CI_MESSAGE, "cannot be drawn (%s)", cairo_status_to_string(cairo_status(canvas->context)));
        ci_canvas_free(canvas);
        return NULL;
    }
    // Grey antialiasing: coloured fringes would be wrong once the picture is scaled.
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(canvas->context, options);
    cairo_font_options_destroy(options);
    set_colour(canvas, colour, 1);
    cairo_paint(canvas->context);
    return canvas;
}

void ci_canvas_rectangle(
    ci_canvas *canvas, double x, double y, double width, double height, uint32_t colour, double opacity) {
    set_colour(canvas, colour, opacity);
    cairo_rectangle(canvas->context, x, y, width, height);
    cairo_fill(canvas->context);
}

void ci_canvas_line(
    ci_canvas *canvas, const double *points, int count, double width, uint32_t colour, double opacity) {
    set_colour(canvas, colour, opacity);
    cairo_set_line_width(canvas->context, width);
    cairo_set_line_join(canvas->context, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->context, width > 1 ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
    cairo_new_path(canvas->context);
    for (int i = 0; i < count; i++) cairo_line_to(canvas->context, points[2 * i], points[2 * i + 1]);
    // A lone point still shows, as a dot, through the round cap.
    if (count == 1) cairo_line_to(canvas->context, points[0], points[1]);
    cairo_stroke(canvas->context);
}

void ci_canvas_text(
    ci_canvas *canvas, const char *text, double x, double y, double size, int bold, uint32_t colour, double align,
    double angle) {
    double width = ci_canvas_text_width(canvas, text, size, bold);
    set_colour(canvas, colour, 1);
    cairo_save(canvas->context);
    cairo_translate(canvas->context, x, y);
    cairo_rotate(canvas->context, angle);
    cairo_move_to(canvas->context, -align * width, 0);
    cairo_show_text(canvas->context, text);
    cairo_restore(canvas->context);
}

double ci_canvas_text_width(ci_canvas *canvas, const char *text, double size, int bold) {
    set_font(canvas, size, bold);
    cairo_text_extents_t extents;
    cairo_text_extents(canvas->context, text, &extents);
    return extents.x_advance;
}

int ci_canvas_pixels(ci_canvas *canvas, uint8_t *pixels, char *message) {
    if (cairo_status(canvas->context) != CAIRO_STATUS_SUCCESS) {
        snprintf(message, CI_MESSAGE, "cannot be drawn (%s)", cairo_status_to_string(cairo_status(canvas->context)));
        return -1;
    }
    cairo_surface_flush(canvas->surface);
    int width = cairo_image_surface_get_width(canvas->surface);
    int height = cairo_image_surface_get_height(canvas->surface);
    int stride = cairo_image_surface_get_stride(canvas->surface);
    const uint8_t *data = cairo_image_surface_get_data(canvas->surface);
    for (int y = 0; y < height; y++) {
        const uint32_t *row = (const uint32_t *)(data + (size_t)y * (size_t)stride);
        for (int x = 0; x < width; x++) {
            *pixels++ = (uint8_t)(row[x] >> 16);
            *pixels++ = (uint8_t)(row[x] >> 8);
            *pixels++ = (uint8_t)row[x];
        }
    }
    return 0;
}

void ci_canvas_free(ci_canvas *canvas) {
    if (canvas->context != NULL) cairo_destroy(canvas->context);
    if (canvas->surface != NULL) cairo_surface_destroy(canvas->surface);
    free(canvas);
}
