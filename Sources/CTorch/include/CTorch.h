/// A thin C interface to ATen, PyTorch's C++ tensor library.
///
/// Every function that can fail returns 0 on success and 1 on failure; the message of the last failure on the calling
/// thread is `ct_last_error()`. No C++ exception ever leaves this library. A `ct_tensor` is an owned handle: whoever
/// receives one through `out` frees it with `ct_tensor_free`.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CT_NOEXCEPT noexcept
extern "C" {
#else
#define CT_NOEXCEPT
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;
typedef struct ct_guard_s *ct_guard;
typedef struct ct_group_s *ct_group;

/// Element types; the numbers are c10::ScalarType's.
enum { CT_UINT8 = 0, CT_INT32 = 3, CT_INT64 = 4, CT_FLOAT16 = 5, CT_FLOAT32 = 6, CT_FLOAT64 = 7, CT_BOOL = 11, CT_BFLOAT16 = 15 };

/// Device kinds; the numbers are c10::DeviceType's.
enum { CT_CPU = 0, CT_CUDA = 1, CT_MPS = 13 };

typedef struct {
    int32_t kind;
    int32_t index;
} ct_device;

// MARK: - Context (context.cpp)

const char *ct_last_error(void) CT_NOEXCEPT;
/// Says what went wrong in a function that this library has called.
void ct_set_last_error(const char *message) CT_NOEXCEPT;
const char *ct_version(void) CT_NOEXCEPT;
bool ct_has_device(ct_device device) CT_NOEXCEPT;
int32_t ct_threads(void) CT_NOEXCEPT;
int ct_set_threads(int32_t count) CT_NOEXCEPT;

/// Tells the allocator to keep freed memory for the next tensor instead of giving it back to the system: programs that make
/// and free the same large tensors over and over would spend much of their time on page faults.
void ct_keep_freed_memory(void) CT_NOEXCEPT;

/// Lets float32 matrix products round their inputs to TF32 on CUDA devices.
int ct_allow_tf32(bool allow) CT_NOEXCEPT;

/// Thread-local modes, ended in the reverse order of their beginning, on the same thread.
enum { CT_NO_GRAD = 0, CT_INFERENCE = 1, CT_AUTOCAST = 2 };
int ct_guard_begin(int32_t mode, int32_t device_kind, int32_t dtype, ct_guard *out) CT_NOEXCEPT;
void ct_guard_end(ct_guard guard) CT_NOEXCEPT;

// MARK: - Tensors (tensor.cpp)

void ct_tensor_free(ct_tensor tensor) CT_NOEXCEPT;
int ct_tensor_from_data(const void *data, const int64_t *shape, size_t rank, int32_t dtype, ct_device device, ct_tensor *out) CT_NOEXCEPT;
int ct_tensor_full(const int64_t *shape, size_t rank, double value, int32_t dtype, ct_device device, ct_tensor *out) CT_NOEXCEPT;
/// Writes the tensor's elements, row-major and in its own type, to `data`, which holds exactly `bytes` bytes.
int ct_tensor_copy_out(ct_tensor tensor, void *data, size_t bytes) CT_NOEXCEPT;
size_t ct_tensor_rank(ct_tensor tensor) CT_NOEXCEPT;
int64_t ct_tensor_size(ct_tensor tensor, size_t dimension) CT_NOEXCEPT;
int32_t ct_tensor_dtype(ct_tensor tensor) CT_NOEXCEPT;
ct_device ct_tensor_device(ct_tensor tensor) CT_NOEXCEPT;
int ct_tensor_item(ct_tensor tensor, double *out) CT_NOEXCEPT;
int ct_tensor_to(ct_tensor tensor, int32_t dtype, ct_device device, ct_tensor *out) CT_NOEXCEPT;
int ct_tensor_clone(ct_tensor tensor, ct_tensor *out) CT_NOEXCEPT;
int ct_tensor_detach(ct_tensor tensor, ct_tensor *out) CT_NOEXCEPT;
/// Another handle of the same tensor.
int ct_tensor_share(ct_tensor tensor, ct_tensor *out) CT_NOEXCEPT;
int ct_tensor_copy_in_place(ct_tensor tensor, ct_tensor source) CT_NOEXCEPT;
int ct_tensor_require_gradient(ct_tensor tensor, bool required) CT_NOEXCEPT;

// MARK: - Shape (shape.cpp)

int ct_reshape(ct_tensor tensor, const int64_t *shape, size_t rank, ct_tensor *out) CT_NOEXCEPT;
int ct_expand(ct_tensor tensor, const int64_t *shape, size_t rank, ct_tensor *out) CT_NOEXCEPT;
int ct_permute(ct_tensor tensor, const int64_t *order, size_t rank, ct_tensor *out) CT_NOEXCEPT;
int ct_transpose(ct_tensor tensor, int64_t first, int64_t second, ct_tensor *out) CT_NOEXCEPT;
int ct_narrow(ct_tensor tensor, int64_t dimension, int64_t start, int64_t length, ct_tensor *out) CT_NOEXCEPT;
/// Views of consecutive runs of a dimension, of the given lengths; `out` holds `count` handles.
int ct_split(ct_tensor tensor, int64_t dimension, const int64_t *lengths, size_t count, ct_tensor *out) CT_NOEXCEPT;
/// Views of the entries of a dimension, which disappears; `out` holds `count` handles, as many as there are entries.
int ct_unbind(ct_tensor tensor, int64_t dimension, size_t count, ct_tensor *out) CT_NOEXCEPT;
int ct_unsqueeze(ct_tensor tensor, int64_t dimension, ct_tensor *out) CT_NOEXCEPT;
int ct_flip(ct_tensor tensor, int64_t dimension, ct_tensor *out) CT_NOEXCEPT;
int ct_cat(const ct_tensor *tensors, size_t count, int64_t dimension, ct_tensor *out) CT_NOEXCEPT;
int ct_stack(const ct_tensor *tensors, size_t count, int64_t dimension, ct_tensor *out) CT_NOEXCEPT;
int ct_index_select(ct_tensor tensor, int64_t dimension, ct_tensor indices, ct_tensor *out) CT_NOEXCEPT;

// MARK: - Element-wise operations and reductions (ops.cpp)

int ct_add(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
int ct_sub(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
int ct_mul(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
int ct_div(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
int ct_add_scalar(ct_tensor a, double b, ct_tensor *out) CT_NOEXCEPT;
int ct_mul_scalar(ct_tensor a, double b, ct_tensor *out) CT_NOEXCEPT;
/// a + b·c
int ct_addcmul(ct_tensor a, ct_tensor b, ct_tensor c, ct_tensor *out) CT_NOEXCEPT;
/// a + weight·(b − a)
int ct_lerp(ct_tensor a, ct_tensor b, ct_tensor weight, ct_tensor *out) CT_NOEXCEPT;
int ct_exp(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_square(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_sin(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_cos(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_abs(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_sigmoid(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_silu(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_relu(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_tanh(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
/// GELU, tanh approximation.
int ct_gelu(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_clamp(ct_tensor a, double lowest, double highest, ct_tensor *out) CT_NOEXCEPT;
int ct_sqrt(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_log(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
/// 1 where a ≤ b, else 0, in the type of a.
int ct_at_most(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
int ct_sum(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_mean(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
int ct_maximum(ct_tensor a, ct_tensor *out) CT_NOEXCEPT;
/// Along one dimension, which disappears, or with `keep` stays with size 1.
int ct_sum_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) CT_NOEXCEPT;
int ct_mean_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) CT_NOEXCEPT;
int ct_maximum_along(ct_tensor a, int64_t dimension, bool keep, ct_tensor *out) CT_NOEXCEPT;
/// The `count` largest or smallest entries of the last dimension, best first, and their int64 indices.
int ct_extremes(ct_tensor a, int64_t count, bool largest, ct_tensor *values, ct_tensor *indices) CT_NOEXCEPT;
int ct_all_finite(ct_tensor a, bool *out) CT_NOEXCEPT;

// MARK: - Neural-network operations (nn.cpp)

int ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out) CT_NOEXCEPT;
/// input (…, in) × weight (out, in)ᵀ + bias (out), bias may be NULL.
int ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out) CT_NOEXCEPT;
/// Over the last dimension; weight and bias may be NULL.
int ct_layer_norm(ct_tensor input, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) CT_NOEXCEPT;
/// softmax(q kᵀ / √d) v for q (B, H, N, d) and k, v (B, H, M, d).
int ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) CT_NOEXCEPT;
int ct_softmax(ct_tensor input, int64_t dimension, ct_tensor *out) CT_NOEXCEPT;
/// LayerNorm(x)·(1 + scale) + shift, in the type of shift and scale, with gradients.
int ct_modulated_norm(ct_tensor input, ct_tensor shift, ct_tensor scale, double epsilon, ct_tensor *out) CT_NOEXCEPT;
/// x + gate·y, with gradients.
int ct_plus_gated(ct_tensor input, ct_tensor gate, ct_tensor added, ct_tensor *out) CT_NOEXCEPT;
/// Mean over a batch of −Σ target·log softmax(logits), for logits (B, K) and classes (B) as int64; the target is the class's
/// one-hot vector, mixed with `smoothing` of the uniform one.
int ct_cross_entropy(ct_tensor logits, ct_tensor classes, double smoothing, ct_tensor *out) CT_NOEXCEPT;
/// Cross-correlation of input (B, C, h, w) with weight (O, C, kh, kw); bias (O) may be NULL. Zeros are added above and below,
/// left and right.
int ct_conv2d(ct_tensor input, ct_tensor weight, ct_tensor bias, int64_t stride, int64_t padding_rows, int64_t padding_columns,
              ct_tensor *out) CT_NOEXCEPT;
/// Over groups of channels of (B, C, h, w); weight and bias may be NULL.
int ct_group_norm(ct_tensor input, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) CT_NOEXCEPT;
/// Zeros around the last dimensions: before and after the last one, before and after the one before it, …
int ct_pad(ct_tensor input, const int64_t *amounts, size_t count, ct_tensor *out) CT_NOEXCEPT;
/// All windows of kernel×kernel of (B, C, h, w), with zeros outside: (B, C·kernel², windows), row-major.
int ct_unfold(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) CT_NOEXCEPT;
/// Mean over windows of kernel×kernel of (B, C, h, w); what lies outside does not count.
int ct_mean_pool(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) CT_NOEXCEPT;
/// Maximum over windows of kernel×kernel of (B, C, h, w).
int ct_maximum_pool(ct_tensor input, int64_t kernel, int64_t stride, int64_t padding, ct_tensor *out) CT_NOEXCEPT;
/// The same (B, C, h, w) with channels innermost in memory, which makes convolutions on CPUs twice as fast.
int ct_channels_last(ct_tensor input, ct_tensor *out) CT_NOEXCEPT;
/// Nearest-neighbour enlargement ×2 of (B, C, h, w).
int ct_upsample_2x2(ct_tensor input, ct_tensor *out) CT_NOEXCEPT;

// MARK: - Inference (packed.cpp, fused.cpp)

/// The weight (out, in) of a linear layer, float32 or bfloat16, in the layout that its products are fastest in on this
/// processor; the weight itself where there is none.
int ct_pack_weight(ct_tensor weight, ct_tensor *out) CT_NOEXCEPT;
/// input (…, in) × packed weightᵀ + bias (out), then GELU (tanh approximation) where asked for; bias may be NULL.
int ct_packed_linear(ct_tensor input, ct_tensor packed, ct_tensor bias, bool gelu, ct_tensor *out) CT_NOEXCEPT;
/// The weight (out, in) rounded to int8, packed, and the scale of each of its rows (out).
int ct_pack_int8_weight(ct_tensor weight, ct_tensor *packed, ct_tensor *scales) CT_NOEXCEPT;
/// The same product with integer multiplication: the input, float32 or bfloat16, is rounded to 8 bits row by row with a scale
/// of its own. The bias (out) is float32 or NULL; the result is bfloat16.
int ct_int8_linear(ct_tensor input, ct_tensor packed, ct_tensor scales, ct_tensor bias, ct_tensor *out) CT_NOEXCEPT;
/// Two such layers with GELU (tanh approximation) between them.
int ct_int8_mlp(ct_tensor input, ct_tensor packed_in, ct_tensor scales_in, ct_tensor bias_in, ct_tensor packed_out, ct_tensor scales_out,
                ct_tensor bias_out, ct_tensor *out) CT_NOEXCEPT;
/// A modulation is the sum of `spatial` (B|1, N|1, k·D) and `temporal` (1, 1, k·D), which may be NULL; shifts, scales and gates are
/// its chunks of D of the given indices.
///
/// x ← x + gate·y for x (B, N, D), float32, and y of the same shape, the gate being of modulation 1; nothing where y is NULL. Then
/// LayerNorm(x)·(1 + scale) + shift in type `dtype`, by modulation 2.
int ct_add_gated_and_norm(ct_tensor x, ct_tensor y, ct_tensor spatial_1, ct_tensor temporal_1, int64_t gate, ct_tensor spatial_2,
                          ct_tensor temporal_2, int64_t shift, int64_t scale, double epsilon, int32_t dtype, ct_tensor *out) CT_NOEXCEPT;
/// The addition alone.
int ct_add_gated_in_place(ct_tensor x, ct_tensor y, ct_tensor spatial, ct_tensor temporal, int64_t gate) CT_NOEXCEPT;
/// softmax(q kᵀ / √d) v for q (B, H, N, d) and k, v (B, H, M, d), with the heads side by side: (B, N, H·d). Without gradients; on
/// CPUs the scores are float32, what they weigh the values with is of the type of q.
int ct_merged_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor *out) CT_NOEXCEPT;
/// Lets these operations, called on this thread, use vectors of at most so many bits: 512, 256 or 128. Returns what they now use.
int32_t ct_limit_vectors(int32_t bits) CT_NOEXCEPT;

// MARK: - Linear algebra (nn.cpp)

/// Eigenvalues (n), ascending, and eigenvectors (n, n), as columns, of a symmetric matrix (n, n), of which the lower half is
/// read.
int ct_symmetric_eigen(ct_tensor matrix, ct_tensor *values, ct_tensor *vectors) CT_NOEXCEPT;

// MARK: - Random numbers (random.cpp)

int ct_generator_new(uint64_t seed, ct_generator *out) CT_NOEXCEPT;
void ct_generator_free(ct_generator generator) CT_NOEXCEPT;
/// Drawn on the CPU in float32 from the generator.
int ct_randn(const int64_t *shape, size_t rank, ct_generator generator, ct_tensor *out) CT_NOEXCEPT;
int ct_rand(const int64_t *shape, size_t rank, ct_generator generator, ct_tensor *out) CT_NOEXCEPT;

// MARK: - Gradients and optimisers (autograd.cpp)

/// outputs' gradients with respect to inputs, given those of the outputs (NULL: 1, for scalars). `out` holds
/// `input_count` handles; an input that does not take part gets zeros.
int ct_gradients(const ct_tensor *outputs, const ct_tensor *output_gradients, size_t output_count, const ct_tensor *inputs, size_t input_count,
                 bool retain_graph, ct_tensor *out) CT_NOEXCEPT;

/// A function of the caller's: takes over the inputs' handles, hands out its result's, and returns a status.
typedef int (*ct_function)(void *context, const ct_tensor *inputs, size_t count, ct_tensor *out);

/// Calls a function without keeping what it computes on the way; gradients make it be called again (checkpoint.cpp).
///
/// `context` is passed on to it, and released once nothing can need it, also on failure. `parameters` are all tensors
/// besides the inputs that it depends on and that gradients may be wanted for.
int ct_checkpoint(ct_function function, void *context, void (*release)(void *), const ct_tensor *inputs, size_t input_count,
                  const ct_tensor *parameters, size_t parameter_count, ct_tensor *out) CT_NOEXCEPT;

/// One step of AdamW (arXiv 1711.05101), in place, fused over all parameters. `step` counts from 1.
int ct_adamw(const ct_tensor *parameters, const ct_tensor *gradients, const ct_tensor *means, const ct_tensor *squares, size_t count, int64_t step,
             double learning_rate, double beta1, double beta2, double weight_decay, double epsilon) CT_NOEXCEPT;
/// a ← a + weight·(b − a), for each pair.
int ct_lerp_in_place(const ct_tensor *a, const ct_tensor *b, size_t count, double weight) CT_NOEXCEPT;
/// a ← a·factor, for each.
int ct_scale_in_place(const ct_tensor *a, size_t count, double factor) CT_NOEXCEPT;
/// a ← a + b·factor, for each pair.
int ct_add_in_place(const ct_tensor *a, const ct_tensor *b, size_t count, double factor) CT_NOEXCEPT;
/// Euclidean norm of all elements of all tensors.
int ct_global_norm(const ct_tensor *tensors, size_t count, double *out) CT_NOEXCEPT;

// MARK: - Processes (distributed.cpp)

/// Joins a group of processes that meet at a store (c10d::TCPStore), which the process with `hosts_store` provides under
/// `port`. `prefix` separates their keys from others'. gloo listens on the `interfaces` (names with commas between them)
/// or on `address`; both may be NULL. Waits at most `timeout` seconds for the others, here and in every later call.
int ct_group_join(const char *host, uint16_t port, bool hosts_store, const char *prefix, const char *address, const char *interfaces,
                  int32_t rank, int32_t processes, ct_device device, double timeout, ct_group *out) CT_NOEXCEPT;
void ct_group_leave(ct_group group) CT_NOEXCEPT;
/// Replaces the elements of floating-point tensors by their sum over all processes, the same bits in each. Adds in
/// float64 where the tensor is that, else in float32.
int ct_group_sum(ct_group group, const ct_tensor *tensors, size_t count) CT_NOEXCEPT;
/// Replaces the elements of tensors by those of rank 0.
int ct_group_broadcast(ct_group group, const ct_tensor *tensors, size_t count) CT_NOEXCEPT;
/// Returns when all processes have come here.
int ct_group_barrier(ct_group group) CT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
