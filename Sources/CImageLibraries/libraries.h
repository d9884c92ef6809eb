// The system libraries behind CImages; pkg-config gives their flags. Swift code imports CImages instead.
#include <stdio.h>

#include <archive.h>
#include <archive_entry.h>
#include <cairo.h>
#include <png.h>
#include <turbojpeg.h>
