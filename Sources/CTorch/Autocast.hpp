#pragma once

#include <ATen/autocast_mode.h>

namespace ctorch {

/// Autocast for one kind of device, as torch.autocast does it; the outermost one clears the cache of cast weights.
class Autocast {
public:
    Autocast(at::DeviceType device, at::ScalarType dtype)
        : device_(device), enabled_(at::autocast::is_autocast_enabled(device)), dtype_(at::autocast::get_autocast_dtype(device)) {
        at::autocast::set_autocast_dtype(device, dtype);
        at::autocast::set_autocast_enabled(device, true);
        at::autocast::increment_nesting();
    }
    ~Autocast() {
        if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
        at::autocast::set_autocast_enabled(device_, enabled_);
        at::autocast::set_autocast_dtype(device_, dtype_);
    }
    Autocast(const Autocast &) = delete;
    Autocast &operator=(const Autocast &) = delete;

private:
    at::DeviceType device_;
    bool enabled_;
    at::ScalarType dtype_;
};

/// No cast weights are kept meanwhile: one that was cast without recording gradients must not be met again where they are.
class AutocastWithoutCache {
public:
    AutocastWithoutCache() : enabled_(at::autocast::is_autocast_cache_enabled()) { at::autocast::set_autocast_cache_enabled(false); }
    ~AutocastWithoutCache() { at::autocast::set_autocast_cache_enabled(enabled_); }
    AutocastWithoutCache(const AutocastWithoutCache &) = delete;
    AutocastWithoutCache &operator=(const AutocastWithoutCache &) = delete;

private:
    bool enabled_;
};

}  // namespace ctorch
