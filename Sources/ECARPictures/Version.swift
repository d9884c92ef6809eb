/// The version that `--version` shows and images carry.
public let programVersion = "0.1.0"
