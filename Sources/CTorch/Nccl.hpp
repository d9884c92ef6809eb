#pragma once

#include <c10/core/Event.h>

#include <array>
#include <chrono>

#include "Handles.hpp"

namespace ctorch {

/// Collectives among CUDA devices, by NCCL, which a full libtorch brings along. Every call waits for its peers, on the
/// host, until a deadline; a failure throws and leaves a communicator that is only good for being destroyed. To destroy
/// one cuts off what peers have yet to receive.
class Nccl {
public:
    /// What the processes of one communicator have in common: made by one of them, copied to the others.
    using Id = std::array<char, 128>;
    static Id make_id();

    Nccl(const Id &id, int rank, int processes, at::Device device, std::chrono::milliseconds timeout);
    ~Nccl();
    Nccl(const Nccl &) = delete;
    Nccl &operator=(const Nccl &) = delete;

    /// Waits for what the device was told to do before.
    void synchronize();
    /// Replaces the elements of a contiguous float32 or float64 tensor by their sum over all processes.
    void sum(const at::Tensor &tensor);
    /// Replaces the elements of a contiguous uint8 tensor by those of rank 0.
    void broadcast(const at::Tensor &tensor);

private:
    template <class Call>
    void enqueue(Call &&call);
    void wait(int result, const c10::Event *event);

    void *communicator_ = nullptr;
    at::Device device_;
    std::chrono::milliseconds timeout_;
};

}  // namespace ctorch
