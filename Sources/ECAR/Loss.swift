import Torch
import TorchNN

/// What one stage is trained with.
struct StageTarget {
    let z: Tensor  // z_τ (B_s, C, h, h)
    let velocity: Tensor  // end − start (B_s, C, h, h)
    let time: Tensor  // τ (B_s)
}

extension ECARModel {
    /// The points and velocities of every stage's path, and what the autoregressive transformer may see.
    func targets(_ inputs: TrainingInputs) throws(TorchError) -> (
        stages: [StageTarget], groups: [TrainingInputs.Group]
    ) {
        let pyramid = try Pyramid.build(inputs.latents, stages: configuration.stages)  // S × (B, C, h_s, h_s)
        /// x_s of those images that train a stage.
        func clean(_ s: Int, for stage: Int) throws(TorchError) -> Tensor {
            try pyramid[s].first(inputs.count(of: stage))  // (B_stage, C, h_s, h_s)
        }
        let stages = try pyramid.indices.map { (s) throws(TorchError) in
            let end = try clean(s, for: s)
            let start = try path.start(s, previous: s > 0 ? clean(s - 1, for: s) : nil, noise: inputs.noises[s])
            let τ = inputs.times[s]
            return StageTarget(
                z: try path.point(from: start, to: end, at: τ), velocity: try path.velocity(from: start, to: end),
                time: τ)
        }
        let upsampled = try pyramid.dropLast().indices.map { (s) throws(TorchError) in
            let seen = try Pyramid.up(clean(s, for: s + 1))
            return inputs.conditionNoises.isEmpty ? seen : try seen + inputs.conditionNoises[s]
        }
        return (stages, try inputs.groups(upsampled: upsampled))
    }

    /// l_s (Eq. 3.14): the mean squared error of a stage's velocity, of shape ().
    ///
    /// - Parameter checkpointing: Whether the backward pass computes the head's blocks again.
    func loss(_ stage: Int, _ target: StageTarget, tokenMap: Tensor, checkpointing: Bool = false) throws(TorchError)
        -> Tensor
    {
        let head = heads[stage]
        let velocity =
            try checkpointing
            ? head.checkpointedVelocity(target.z, tokenMap: tokenMap, at: target.time)
            : head.velocity(
                target.z, spatial: head.spatialModulation(tokenMap), temporal: head.temporalModulation(target.time))
        return try (velocity - target.velocity).square().mean()
    }

    /// The token maps M_1 … M_S of a training step, (B_s, N_s, D) each: of the class and the clean images, not of the noise.
    public func tokenMaps(_ inputs: TrainingInputs) throws(TorchError) -> [Tensor] {
        try join(
            targets(inputs).groups.map { (group) throws(TorchError) in
                try ar(labels: group.labels, upsampled: group.upsampled)
            })
    }

    /// The token maps of all groups of images, by stage: those of the first groups reach the finer stages.
    private func join(_ groups: [[Tensor]]) throws(TorchError) -> [Tensor] {
        guard groups.count > 1 else { return groups.first ?? [] }
        return try (0..<configuration.stages).map { (s) throws(TorchError) in
            try .cat(groups.filter { $0.count > s }.map { $0[s] }, 0)  // (B_s, N_s, D)
        }
    }

    /// The losses l_1 … l_S of a training step, each of shape ().
    public func losses(_ inputs: TrainingInputs) throws(TorchError) -> [Tensor] {
        let stages = try targets(inputs).stages
        let maps = try tokenMaps(inputs)
        return try stages.indices.map { (s) throws(TorchError) in
            try loss(s, stages[s], tokenMap: maps[s])
        }
    }
}

/// The gradients of one training step.
public struct StageGradients {
    /// l_s of every stage, of shape (), unweighted.
    public var losses: [Tensor]
    /// ∇ Σ_s w_s·l_s, one tensor a parameter, in the order of ``ECARModel/parameters``.
    public var total: [Tensor]
    /// w_s·∇_W l_s of every stage, W being the last layer that all stages share; empty where it was not asked for.
    public var shared: [[Tensor]]

    /// Adds the gradients of another micro-batch or process.
    public mutating func add(_ other: StageGradients) throws(TorchError) {
        losses = try zip(losses, other.losses).map { (pair) throws(TorchError) in try pair.0 + pair.1 }
        try TensorList.addInPlace(total, other.total)
        for (mine, others) in zip(shared, other.shared) { try TensorList.addInPlace(mine, others) }
    }

    /// Scales all of it, to make a mean of a sum.
    public mutating func scale(_ factor: Double) throws(TorchError) {
        losses = try losses.map { (loss) throws(TorchError) in try loss * factor }
        try TensorList.scaleInPlace(total, by: factor)
        for gradients in shared { try TensorList.scaleInPlace(gradients, by: factor) }
    }

    /// Replaces the gradients and losses of this process's share of a batch by those of the whole batch: the mean over all
    /// processes, also of the shared layer's, whose norms are then those of the whole batch.
    public mutating func average(over group: ProcessGroup) throws(TorchError) {
        try group.sumInPlace(total + shared.flatMap { $0 } + losses)
        try scale(1 / Double(group.processes))
    }

    /// ‖∇_W l_s‖₂ of every stage, for ``GradNorm``, given the weights w_s that the losses had.
    public func sharedNorms(weights: [Double]) throws(TorchError) -> [Double] {
        try zip(shared, weights).map { (pair) throws(TorchError) in try TensorList.norm(pair.0) / pair.1 }
    }
}

extension ECARModel {
    /// Losses and gradients of Σ_s w_s·l_s, with every stage's gradient at the last shared layer kept apart.
    ///
    /// Each flow head runs backward once, right after it ran forward, down to its token map. The gradients of the maps
    /// then pass through the last shared layer one stage at a time, and through the rest of the autoregressive
    /// transformer together. Images that train the same stages pass it together.
    ///
    /// - Parameters:
    ///   - weights: w_s.
    ///   - separately: Whether ``StageGradients/shared`` is wanted.
    ///   - checkpointing: Whether the backward pass computes layers again instead of keeping their activations: all but
    ///     the last shared one, which it passes once a stage.
    public func gradients(
        _ inputs: TrainingInputs, weights: [Double], separately: Bool, checkpointing: Bool = false
    ) throws(TorchError) -> StageGradients {
        let (stages, groups) = try targets(inputs)
        let trunkDepth = max(0, configuration.arDepth - 1)
        let trunks = try groups.map { (group) throws(TorchError) in
            try ar.hidden(
                labels: group.labels, upsampled: group.upsampled, layers: trunkDepth,
                checkpointing: checkpointing)  // (B, ΣN, D) of the group's images and stages
        }
        let joints = try trunks.map { (trunk) throws(TorchError) in try trunk.leaf() }
        let maps = try join(
            zip(groups, joints).map { (group, joint) throws(TorchError) in
                let h = try ar.run(joint, stages: group.stages, layers: trunkDepth..<configuration.arDepth)
                return try ar.split(h, stages: group.stages)
            })  // S × (B_s, N_s, D)

        var total = [Tensor?](repeating: nil, count: parameters.names.count)
        var losses: [Tensor] = []
        var mapGradients: [Tensor] = []
        for (s, target) in stages.enumerated() {
            let map = try maps[s].leaf()
            let loss = try loss(s, target, tokenMap: map, checkpointing: checkpointing)
            let own = parameterIndices.heads[s]
            let found = try Torch.gradients(
                of: [loss * weights[s]], with: own.map { parameters.tensors[$0] } + [map])
            for (index, gradient) in zip(own, found) { total[index] = gradient }
            mapGradients.append(found[own.count])
            losses.append(try loss.detach())
        }

        let last = parameterIndices.last
        let wanted = last.map { parameters.tensors[$0] } + joints
        var shared: [[Tensor]] = []
        if separately {
            for s in stages.indices {
                shared.append(
                    try Torch.gradients(
                        of: [maps[s]], seeds: [mapGradients[s]], with: wanted, keepGraph: s < stages.count - 1))
            }
        } else {
            shared = [try Torch.gradients(of: maps, seeds: mapGradients, with: wanted)]
        }
        // With one stage the sum is that stage's own gradient, and both are changed in place later.
        let isShared = separately && stages.count == 1
        var sums = isShared ? try shared[0].map { (x) throws(TorchError) in try x.clone() } : shared[0]
        for stage in shared.dropFirst() {
            sums = try zip(sums, stage).map { (pair) throws(TorchError) in try pair.0 + pair.1 }
        }
        for (index, gradient) in zip(last, sums) { total[index] = gradient }

        let below = parameterIndices.trunk
        let found = try Torch.gradients(
            of: trunks, seeds: Array(sums[last.count...]), with: below.map { parameters.tensors[$0] })
        for (index, gradient) in zip(below, found) { total[index] = gradient }

        let sharedCount = parameterIndices.sharedCount
        return StageGradients(
            losses: losses, total: total.compactMap { $0 },
            shared: separately ? shared.map { Array($0.prefix(sharedCount)) } : [])
    }
}
