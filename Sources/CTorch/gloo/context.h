// libtorch contains gloo, but its packages leave out gloo's headers, five of which ProcessGroupGloo.hpp includes. In this
// folder are our own declarations of the few names in it. Our code neither defines nor makes anything of these types:
// the objects stay inside libtorch, and only pointers to them pass through.
#pragma once

#include <chrono>

#include <gloo/transport/device.h>

namespace gloo {

class Context {
public:
    void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
