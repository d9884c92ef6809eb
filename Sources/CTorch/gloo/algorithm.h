// See context.h; ProcessGroupGloo.hpp takes no name from this header.
#pragma once
